//! The sections of the settings. `config/default.toml` says of each what is
//! allowed, its default and the reason; a field takes its value from there by name.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

use super::allowed_origins::AllowedOrigins;
use super::fields;
use super::kept::Kept;
use super::mongodb_uri::MongodbUri;
use super::write_key::WriteKey;

/// The listener and what a request may cost.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// An IP address or a host name to listen on.
    #[serde(deserialize_with = "fields::host")]
    pub host: String,
    /// The port to listen on; 0 for any free one.
    pub port: u16,
    /// Bytes of a body after decompression.
    pub max_body_bytes: usize,
    /// Connections served at once.
    pub max_connections: usize,
    /// How long a request's head may take, and how long its body; an idle
    /// connection is kept for as long.
    #[serde(rename = "receive_timeout_ms", deserialize_with = "fields::milliseconds")]
    pub receive_timeout: Duration,
    /// How long a client may wait for its events to be stored.
    #[serde(rename = "wait_timeout_ms", deserialize_with = "fields::milliseconds")]
    pub wait_timeout: Duration,
    /// Whose pages may post events.
    pub allowed_origins: AllowedOrigins,
    /// Whether the documentation is served.
    pub api_docs: bool,
    /// Where the tracker for pages is served.
    #[serde(deserialize_with = "fields::script_path")]
    pub tracker_path: String,
}

impl Http {
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

/// Who may read and write, and how often.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Whether anybody may sign up, or only the first to come.
    pub open_sign_up: bool,
    /// How long a session lasts after its last use.
    #[serde(rename = "session_lifetime_ms", deserialize_with = "fields::milliseconds")]
    pub session_lifetime: Duration,
    /// Whether the session's cookie is sent over HTTPS alone.
    pub secure_cookie: SecureCookie,
    /// Tries for one account's address; 0 for any number.
    pub attempts_per_address: usize,
    /// Tries of one client; 0 for any number.
    pub attempts_per_client: usize,
    /// The keys that trackers send; none leaves posting open.
    #[serde(deserialize_with = "fields::write_keys")]
    pub write_keys: Vec<WriteKey>,
    /// Requests with events a second from one client; 0 for any number.
    pub events_per_client: usize,
    /// Requests with events a second with one write key; 0 for any number.
    pub events_per_key: usize,
    /// The networks whose word about client addresses counts.
    #[serde(deserialize_with = "fields::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// How long the audit trail is kept; `None` for good.
    #[serde(rename = "audit_retention_days", deserialize_with = "fields::days")]
    pub audit_retention: Option<Duration>,
    /// How long the addresses in it are kept; `None` for as long as their entries.
    #[serde(rename = "audit_address_retention_days", deserialize_with = "fields::days")]
    pub audit_address_retention: Option<Duration>,
}

/// Whether the session's cookie is sent over HTTPS alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecureCookie {
    /// Unless the service listens on loopback.
    Auto,
    Always,
    Never,
}

/// What an event may be.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// The accepted types beside those of the tracker, each 1 to 64 bytes, none twice;
    /// empty for any.
    #[serde(deserialize_with = "fields::event_types")]
    pub types: Vec<String>,
    /// The user of events that name none; `None` refuses such events.
    #[serde(deserialize_with = "fields::default_user")]
    pub default_user: Option<String>,
    /// Events in one request.
    pub max_per_request: usize,
    /// Bytes of one payload as compact JSON.
    pub max_payload_bytes: usize,
    /// What of senders is kept in payloads.
    #[serde(deserialize_with = "fields::kept")]
    pub keep: Kept,
    /// Payload keys that are left out.
    #[serde(deserialize_with = "fields::names_of_keys")]
    pub drop_keys: Vec<String>,
    /// Payload keys whose values are hashed.
    #[serde(deserialize_with = "fields::names_of_keys")]
    pub hash_keys: Vec<String>,
}

/// Which SDKs of other collectors are served.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wires {
    /// Those of Segment and RudderStack.
    pub segment: bool,
    /// Those of PostHog.
    pub posthog: bool,
    /// Types of events of PostHog that are left out.
    #[serde(deserialize_with = "fields::names_of_keys")]
    pub posthog_unwanted: Vec<String>,
}

/// How accepted events are kept until they are stored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// Whether a batch is on the disk, and not only handed to the system, before
    /// it is answered.
    #[serde(rename = "sync", deserialize_with = "fields::is_always")]
    pub is_synced: bool,
    /// Bytes on disk that the journal may take.
    pub max_bytes: u64,
}

/// How much may be accepted and not stored, writes in flight included.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// How waiting events are written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// Events in one write.
    pub max_events: usize,
    /// How long an event waits for others to be written with it.
    #[serde(rename = "max_wait_ms", deserialize_with = "fields::milliseconds")]
    pub max_wait: Duration,
    /// The same where there is a processor, if that is less.
    #[serde(rename = "max_wait_with_processors_ms", deserialize_with = "fields::milliseconds")]
    pub max_wait_with_processors: Duration,
    /// After how long a write counts as failed.
    #[serde(rename = "timeout_ms", deserialize_with = "fields::milliseconds")]
    pub timeout: Duration,
    /// The longest that any pause between tries may be.
    #[serde(rename = "backoff_max_ms", deserialize_with = "fields::milliseconds")]
    pub backoff_max: Duration,
    /// Writes in flight at once.
    pub in_flight: usize,
}

/// Where events are stored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The MongoDB to write to; `None` for the embedded store.
    #[serde(deserialize_with = "fields::mongodb_uri")]
    pub mongodb_uri: Option<MongodbUri>,
    /// The folder for the journal and the embedded store.
    /// A relative one lies in the working directory.
    #[serde(deserialize_with = "fields::folder")]
    pub data_dir: PathBuf,
    /// How long after its receipt an event is deleted; `None` for never. Whole
    /// days, so at least one.
    #[serde(rename = "retention_days", deserialize_with = "fields::days")]
    pub retention: Option<Duration>,
    /// The same for types that differ.
    #[serde(rename = "retention_days_by_type", deserialize_with = "fields::days_by_type")]
    pub retention_by_type: BTreeMap<String, Option<Duration>>,
    /// How long one page of a journey may take the database.
    #[serde(rename = "read_timeout_ms", deserialize_with = "fields::milliseconds")]
    pub read_timeout: Duration,
}

/// What summaries of business accounts may cost.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// How long a summary is answered from memory.
    #[serde(rename = "fresh_ms", deserialize_with = "fields::milliseconds")]
    pub fresh: Duration,
}

/// What else people are found by.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Payload keys whose values are searched; each has an index of its own.
    #[serde(deserialize_with = "fields::payload_keys")]
    pub payload_keys: Vec<String>,
}

/// Streams of accepted events.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Streams at once; 0 for none.
    pub max_streams: usize,
}

/// How the database is watched.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// From one check to the next.
    #[serde(rename = "check_interval_ms", deserialize_with = "fields::milliseconds")]
    pub check_interval: Duration,
}

/// How long a stop may take.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// How long, from the signal, until what could not be stored is left in the
    /// journal.
    #[serde(rename = "grace_ms", deserialize_with = "fields::milliseconds")]
    pub grace: Duration,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Directives that `Targets` of tracing-subscriber can read.
    #[serde(deserialize_with = "fields::log_level")]
    pub level: String,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
