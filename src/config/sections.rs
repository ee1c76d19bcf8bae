//! The sections of the settings. `config/default.toml` gives the reason for
//! each default; here, next to each field's reading, stands what is allowed.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::allowed_origins::AllowedOrigins;
use super::mongodb_uri::{MongodbUri, mask};
use super::reader::Reader;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const TIB: u64 = 1024 * 1024 * MIB;

/// The listener and what a request may cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Http {
    /// An IP address or a host name to listen on.
    pub host: String,
    /// The port to listen on; 0 for any free one.
    pub port: u16,
    /// Bytes of a body after decompression.
    pub max_body_bytes: usize,
    /// Connections served at once.
    pub max_connections: usize,
    /// How long a request's head may take, and an idle connection is kept.
    pub header_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// How long a client may wait for its events to be stored.
    pub wait_timeout: Duration,
    /// Whose pages may post events.
    pub allowed_origins: AllowedOrigins,
    /// Whether the documentation is served.
    pub api_docs: bool,
}

impl Http {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            host: reader.text("http.host", host).unwrap_or_default(),
            port: reader.port("http.port"),
            max_body_bytes: reader.count("http.max_body_bytes", KIB..=256 * MIB),
            max_connections: reader.count("http.max_connections", 1..=1_000_000),
            header_timeout: reader.milliseconds("http.header_timeout_ms", 10..=HOUR),
            body_timeout: reader.milliseconds("http.body_timeout_ms", 10..=HOUR),
            wait_timeout: reader.milliseconds("http.wait_timeout_ms", 10..=HOUR),
            allowed_origins: reader
                .list("http.allowed_origins", AllowedOrigins::parse)
                .unwrap_or(AllowedOrigins::Any),
            api_docs: reader.switch("http.api_docs"),
        }
    }

    /// Whether only this machine can reach the listener.
    pub fn is_loopback(&self) -> bool {
        self.host
            .parse::<IpAddr>()
            .map_or(self.host == "localhost", |address| address.is_loopback())
    }

    /// Host and port as one text, an IPv6 address in brackets: what a listener
    /// is bound to.
    pub fn address(&self) -> String {
        match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]:{}", self.port),
            Err(_) => format!("{}:{}", self.host, self.port),
        }
    }
}

fn host(text: &str) -> Result<String, String> {
    let is_name =
        || !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if text.parse::<IpAddr>().is_ok() || is_name() {
        Ok(text.to_owned())
    } else {
        Err("must be an IP address or a host name without a port, such as 127.0.0.1, ::1 \
             or localhost"
            .to_owned())
    }
}

/// What an event may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    /// The accepted types, each 1 to 64 bytes, none twice.
    pub types: Vec<String>,
    /// Whether any other type is accepted too.
    pub any_type: bool,
    /// The user of events that name none; `None` refuses such events.
    pub default_user: Option<String>,
    /// Events in one request.
    pub max_per_request: usize,
    /// Bytes of one payload as compact JSON.
    pub max_payload_bytes: usize,
    /// Levels of nesting in one payload, itself included.
    pub max_payload_depth: usize,
    /// How far in the future an event may lie.
    pub max_future: Duration,
}

impl Events {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            types: reader.list("events.types", event_types).unwrap_or_default(),
            any_type: reader.switch("events.any_type"),
            default_user: reader.text("events.default_user", default_user).flatten(),
            max_per_request: reader.count("events.max_per_request", 1..=100_000),
            max_payload_bytes: reader.count("events.max_payload_bytes", 2..=8 * MIB),
            max_payload_depth: reader.count("events.max_payload_depth", 1..=100),
            max_future: reader.milliseconds("events.max_future_ms", 0..=366 * 24 * HOUR),
        }
    }
}

fn event_types(types: &[String]) -> Result<Vec<String>, String> {
    let is_type = |name: &&String| (1..=64).contains(&name.len()) && is_clean(name);
    if let Some(wrong) = types.iter().find(|name| !is_type(name)) {
        return Err(format!(
            "must be a list of types of 1 to 64 bytes without control characters; {wrong:?} is not"
        ));
    }
    let mut seen = HashSet::new();
    match types.iter().find(|name| !seen.insert(*name)) {
        Some(twice) => Err(format!("must name each type once; {twice:?} is there twice")),
        None => Ok(types.to_vec()),
    }
}

fn default_user(text: &str) -> Result<Option<String>, String> {
    match text {
        "" => Ok(None),
        text if text.len() <= 256 && is_clean(text) && !text.trim().is_empty() => {
            Ok(Some(text.to_owned()))
        }
        _ => Err("must be \"\" for none, or 1 to 256 bytes that are not all blank, without \
                  control characters"
            .to_owned()),
    }
}

fn is_clean(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// How accepted events are kept until they are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Journal {
    /// Whether a batch is on the disk, and not only handed to the system, before
    /// it is answered.
    pub is_synced: bool,
    /// Bytes on disk that the journal may take.
    pub max_bytes: u64,
}

impl Journal {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            is_synced: reader.text("journal.sync", always_or_never).unwrap_or(true),
            max_bytes: reader.count("journal.max_bytes", 64 * MIB..=1024 * TIB) as u64,
        }
    }
}

fn always_or_never(text: &str) -> Result<bool, String> {
    match text {
        "always" => Ok(true),
        "never" => Ok(false),
        _ => Err("must be \"always\" or \"never\"".to_owned()),
    }
}

/// How much may be accepted and not stored, writes in flight included.
#[derive(Debug, Clone, PartialEq)]
pub struct Backlog {
    /// Events.
    pub max_events: usize,
    /// Bytes of the records that hold them.
    pub max_bytes: usize,
    /// Percent of the head that one account may hold; 100 is no limit.
    pub max_share_per_account: u8,
    /// Percent of the head that one write key may hold; 100 is no limit.
    pub max_share_per_key: u8,
}

impl Backlog {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            max_events: reader.count("backlog.max_events", 1..=10_000_000_000),
            max_bytes: reader.count("backlog.max_bytes", 64 * KIB..=512 * TIB),
            max_share_per_account: reader.percent("backlog.max_share_per_account"),
            max_share_per_key: reader.percent("backlog.max_share_per_key"),
        }
    }
}

/// How waiting events are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Events in one write.
    pub max_events: usize,
    /// How long an event waits for others to be written with it.
    pub max_wait: Duration,
    /// After how long a write counts as failed.
    pub timeout: Duration,
    /// The longest that the first pause between tries may be.
    pub backoff_min: Duration,
    /// The longest that any pause between tries may be.
    pub backoff_max: Duration,
    /// Writes in flight at once.
    pub in_flight: usize,
}

impl Write {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            max_events: reader.count("write.max_events", 1..=10_000),
            max_wait: reader.milliseconds("write.max_wait_ms", 1..=10 * MINUTE),
            timeout: reader.milliseconds("write.timeout_ms", 10..=10 * MINUTE),
            backoff_min: reader.milliseconds("write.backoff_min_ms", 1..=10 * MINUTE),
            backoff_max: reader.milliseconds("write.backoff_max_ms", 1..=10 * MINUTE),
            in_flight: reader.count("write.in_flight", 1..=64),
        }
    }
}

/// Where events are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Store {
    /// The MongoDB to write to; `None` for the embedded store.
    pub mongodb_uri: Option<MongodbUri>,
    /// The folder for the journal and the embedded store.
    /// A relative one lies in the working directory.
    pub data_dir: PathBuf,
    /// How long after its receipt an event is deleted; `None` for never. Whole
    /// days, so at least one.
    pub retention: Option<Duration>,
    /// How long one page of a journey may take the database.
    pub read_timeout: Duration,
}

/// MongoDB counts the life of a document in seconds, in 31 bits.
const MAX_RETENTION_DAYS: u64 = i32::MAX as u64 / (24 * 60 * 60);

impl Store {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            mongodb_uri: reader.secret("store.mongodb_uri", mask, mongodb_uri).flatten(),
            data_dir: reader.text("store.data_dir", folder).unwrap_or_default(),
            retention: reader.days("store.retention_days", 0..=MAX_RETENTION_DAYS),
            read_timeout: reader.milliseconds("store.read_timeout_ms", 10..=10 * MINUTE),
        }
    }
}

fn mongodb_uri(text: &str) -> Result<Option<MongodbUri>, String> {
    match text {
        "" => Ok(None),
        uri => MongodbUri::parse(uri).map(Some),
    }
}

fn folder(text: &str) -> Result<PathBuf, String> {
    if text.trim().is_empty() || text.contains('\0') {
        Err("must be the path of a folder".to_owned())
    } else {
        Ok(PathBuf::from(text))
    }
}

/// How the database is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// From one check to the next.
    pub check_interval: Duration,
    /// After how long a check counts as failed.
    pub check_timeout: Duration,
}

impl Health {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            check_interval: reader.milliseconds("health.check_interval_ms", 10..=10 * MINUTE),
            check_timeout: reader.milliseconds("health.check_timeout_ms", 10..=10 * MINUTE),
        }
    }
}

/// How long a stop may take.
#[derive(Debug, Clone, PartialEq)]
pub struct Shutdown {
    /// How long requests in flight have to finish.
    pub request_grace: Duration,
    /// How long, from the signal, until what could not be stored is left in the
    /// journal.
    pub grace: Duration,
}

impl Shutdown {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            request_grace: reader.milliseconds("shutdown.request_grace_ms", 0..=HOUR),
            grace: reader.milliseconds("shutdown.grace_ms", 0..=HOUR),
        }
    }
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// Directives that `EnvFilter` can read.
    pub level: String,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Log {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            level: reader.text("log.level", level).unwrap_or_default(),
            format: reader.text("log.format", format).unwrap_or_default(),
        }
    }
}

fn level(text: &str) -> Result<String, String> {
    let readable = !text.trim().is_empty() && EnvFilter::try_new(text).is_ok();
    if readable && !has_misspelt_level(text) {
        Ok(text.to_owned())
    } else {
        Err("must be off, error, warn, info, debug or trace, or directives \
             without spaces such as \"info,trailkeep_store=debug\""
            .to_owned())
    }
}

/// `EnvFilter` takes a bare word that is no level for a module to be traced,
/// so "inof" would silence all else. Directives for spans are left to it.
fn has_misspelt_level(directives: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = |word: &str| LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level));
    !directives.contains('[')
        && directives
            .split(',')
            .any(|directive| !directive.contains('=') && !is_level(directive.trim()))
}

fn format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be \"text\" or \"json\"".to_owned()),
    }
}
