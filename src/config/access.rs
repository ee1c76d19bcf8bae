//! The section `[access]`: who may read and write, and how often.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::reader::Reader;
use super::write_key::{WriteKey, mask};

const HOUR: u64 = 60 * 60 * 1000;
const DAY: u64 = 24 * HOUR;

/// Who may read and write, and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// Whether anybody may sign up, or only the first to come.
    pub open_sign_up: bool,
    /// How long a session lasts after its last use.
    pub session_lifetime: Duration,
    /// Whether the session's cookie is sent over HTTPS alone.
    pub secure_cookie: SecureCookie,
    /// KiB of memory that a password's hash takes.
    pub password_memory_kib: usize,
    /// Passes over that memory.
    pub password_passes: usize,
    /// Lanes in that memory.
    pub password_lanes: usize,
    /// Passwords hashed at once.
    pub parallel_hashes: usize,
    /// Passwords that may wait to be hashed.
    pub waiting_hashes: usize,
    /// The time in which tries to sign in or up are counted.
    pub attempts_window: Duration,
    /// Tries for one account's address; 0 for any number.
    pub attempts_per_address: usize,
    /// Tries of one client; 0 for any number.
    pub attempts_per_client: usize,
    /// The keys that trackers send; none leaves posting open.
    pub write_keys: Vec<WriteKey>,
    /// Requests with events a second from one client; 0 for any number.
    pub events_per_client: usize,
    /// Requests with events a second with one write key; 0 for any number.
    pub events_per_key: usize,
    /// The networks whose word about client addresses counts.
    pub trusted_proxies: Vec<IpNet>,
    /// How long the audit trail is kept; `None` for good.
    pub audit_retention: Option<Duration>,
}

/// Whether the session's cookie is sent over HTTPS alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecureCookie {
    /// Unless the service listens on loopback.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

impl Access {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            open_sign_up: reader.switch("access.open_sign_up"),
            session_lifetime: reader.milliseconds("access.session_lifetime_ms", 1000..=400 * DAY),
            secure_cookie: reader.text("access.secure_cookie", secure_cookie).unwrap_or_default(),
            password_memory_kib: reader.count("access.password_memory_kib", 8..=4 * 1024 * 1024),
            password_passes: reader.count("access.password_passes", 1..=100),
            password_lanes: reader.count("access.password_lanes", 1..=64),
            parallel_hashes: reader.count("access.parallel_hashes", 1..=256),
            waiting_hashes: reader.count("access.waiting_hashes", 0..=100_000),
            attempts_window: reader.milliseconds("access.attempts_window_ms", 1000..=DAY),
            attempts_per_address: reader.count("access.attempts_per_address", 0..=1_000_000),
            attempts_per_client: reader.count("access.attempts_per_client", 0..=1_000_000),
            write_keys: reader
                .secrets("access.write_keys", mask, WriteKey::parse_all)
                .unwrap_or_default(),
            events_per_client: reader.count("access.events_per_client", 0..=1_000_000),
            events_per_key: reader.count("access.events_per_key", 0..=1_000_000),
            trusted_proxies: reader.list("access.trusted_proxies", networks).unwrap_or_default(),
            audit_retention: reader.days("access.audit_retention_days", 0..=24_000),
        }
    }
}

fn secure_cookie(text: &str) -> Result<SecureCookie, String> {
    match text {
        "auto" => Ok(SecureCookie::Auto),
        "always" => Ok(SecureCookie::Always),
        "never" => Ok(SecureCookie::Never),
        _ => Err("must be \"auto\", \"always\" or \"never\"".to_owned()),
    }
}

fn networks(texts: &[String]) -> Result<Vec<IpNet>, String> {
    let mut seen = HashSet::new();
    texts
        .iter()
        .map(|text| match network(text) {
            Some(network) if seen.insert(network) => Ok(network),
            Some(_) => Err(format!("must name each network once; {text:?} is there twice")),
            None => Err(format!(
                "must be a list of addresses or networks such as \"10.0.0.0/8\" or \"::1\"; \
                 {text:?} is neither"
            )),
        })
        .collect()
}

fn network(text: &str) -> Option<IpNet> {
    let of_address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| of_address()).ok()
}
