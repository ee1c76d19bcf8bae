//! How a value of the table becomes a field: what its tag leaves open is checked
//! here. An error says what is allowed.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tracing_subscriber::filter::Targets;

use super::kept::Kept;
use super::names::{MAX_TYPE_BYTES, is_clean, names};
use super::{MongodbUri, WriteKey, days_by_type, payload_keys};

pub fn milliseconds<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    u64::deserialize(value).map(Duration::from_millis)
}

/// 0 is none.
pub fn days<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Duration>, D::Error> {
    u64::deserialize(value).map(days_by_type::kept_for)
}

pub fn is_always<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    String::deserialize(value).map(|word| word == "always")
}

pub fn host<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    parsed(value, |text: String| {
        let is_name = !text.is_empty() && text.chars().all(of_name);
        if is_name || text.parse::<IpAddr>().is_ok() {
            Ok(text)
        } else {
            Err("must be an IP address or a host name without a port, such as 127.0.0.1, ::1 \
                 or localhost"
                .to_owned())
        }
    })
}

/// One segment, so that what the script posts to, `events` beside it, is a route of ours.
pub fn script_path<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    parsed(value, |text: String| {
        let name = text.strip_prefix('/').and_then(|rest| rest.strip_suffix(".js"));
        match name.filter(|name| !name.is_empty() && name.chars().all(of_name)) {
            Some(_) => Ok(text),
            None => {
                Err("must be a slash, letters, digits, - and _, and .js, such as /t.js".to_owned())
            }
        }
    })
}

pub fn days_by_type<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<BTreeMap<String, Option<Duration>>, D::Error> {
    parsed(value, |items: Vec<String>| days_by_type::parse(&items))
}

pub fn event_types<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    parsed(value, |types: Vec<String>| names("types", MAX_TYPE_BYTES, types))
}

pub fn names_of_keys<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    parsed(value, |keys: Vec<String>| names("names", 256, keys))
}

pub fn default_user<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    parsed(value, |text: String| match text.as_str() {
        "" => Ok(None),
        user if user.len() <= 256 && is_clean(user) && !user.trim().is_empty() => Ok(Some(text)),
        _ => Err("must be \"\" for none, or 1 to 256 bytes that are not all blank, without \
                  control characters"
            .to_owned()),
    })
}

pub fn mongodb_uri<'de, D: Deserializer<'de>>(value: D) -> Result<Option<MongodbUri>, D::Error> {
    parsed(value, |text: String| match text.as_str() {
        "" => Ok(None),
        uri => MongodbUri::parse(uri).map(Some),
    })
}

pub fn folder<'de, D: Deserializer<'de>>(value: D) -> Result<PathBuf, D::Error> {
    parsed(value, |text: String| {
        if text.trim().is_empty() || text.contains('\0') {
            Err("must be the path of a folder".to_owned())
        } else {
            Ok(PathBuf::from(text))
        }
    })
}

pub fn write_keys<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<WriteKey>, D::Error> {
    parsed(value, |items: Vec<String>| WriteKey::parse_all(&items))
}

pub fn payload_keys<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    parsed(value, payload_keys::parse)
}

pub fn kept<'de, D: Deserializer<'de>>(value: D) -> Result<Kept, D::Error> {
    parsed(value, |words: Vec<String>| Kept::parse(&words))
}

pub fn networks<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<IpNet>, D::Error> {
    let mut seen = HashSet::new();
    let network = |text: &String| match network(text) {
        Some(network) if seen.insert(network) => Ok(network),
        Some(_) => Err(format!("must name each network once; {text:?} is there twice")),
        None => Err(format!(
            "must be a list of addresses or networks such as \"10.0.0.0/8\" or \"::1\"; {text:?} \
             is neither"
        )),
    };
    parsed(value, |texts: Vec<String>| texts.iter().map(network).collect())
}

fn network(text: &str) -> Option<IpNet> {
    let of_address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| of_address()).ok()
}

pub fn log_level<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    parsed(value, |text: String| {
        // What names spans or fields would be taken for a module, and so would a level with a
        // space beside it.
        let is_unreadable = |c: char| c.is_whitespace() || c == '[';
        let is_readable = !text.is_empty() && !text.contains(is_unreadable);
        if is_readable && text.parse::<Targets>().is_ok() && !has_misspelt_level(&text) {
            Ok(text)
        } else {
            Err("must be off, error, warn, info, debug or trace, or directives without spaces \
                 such as \"info,trailkeep_store=debug\""
                .to_owned())
        }
    })
}

/// A bare word that is no level is taken for a module to be traced, so "inof" would silence
/// all else.
fn has_misspelt_level(directives: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = |word: &str| LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level));
    directives.split(',').any(|directive| !directive.contains('=') && !is_level(directive))
}

/// Reads a value as `V`, and makes of it what the field holds.
pub fn parsed<'de, D: Deserializer<'de>, V: Deserialize<'de>, T>(
    value: D,
    parse: impl FnOnce(V) -> Result<T, String>,
) -> Result<T, D::Error> {
    parse(V::deserialize(value)?).map_err(D::Error::custom)
}
