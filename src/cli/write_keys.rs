//! `trailkeep write-keys`: the keys that trackers send, from the shell.

mod here;
mod keys;
mod there;

use clap::Subcommand;
use serde_json::Value;
use trailkeep_event::{Fault, Timestamp};

use self::here::Here;
use self::keys::{Keys, KeysError};
use self::there::There;
use super::flags::Flags;
use super::place::{self, Place};
use crate::access::write_keys::{NewWriteKey, WriteKeyError};
use crate::config::Settings;

/// What can be done about write keys from the shell.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print all keys, those of the settings included, without their texts
    List {
        /// One JSON object a line instead of a table
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags,
    },
    /// Make a key and print it, this once
    Create {
        /// By what people know it: letters, digits, "-", "_" and "."
        name: String,
        /// Take it only from pages of this origin, such as https://shop.example; may be
        /// repeated. Without it, from any
        #[arg(long = "origin", value_name = "ORIGIN")]
        origins: Vec<String>,
        /// Take it only until then, such as 2027-01-01T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        #[command(flatten)]
        flags: Flags,
    },
    /// End a key for good; events that are sent with it are refused
    Revoke {
        /// Its name, or its id as `list` prints it
        key: String,
        #[command(flatten)]
        flags: Flags,
    },
}

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Self::List { flags, .. } | Self::Create { flags, .. } | Self::Revoke { flags, .. } => {
                flags
            }
        }
    }
}

/// Does it, and answers what is to be printed.
pub(super) fn run(command: Command, settings: &Settings) -> Result<String, KeysError> {
    place::work(settings, async |place| match place {
        Place::Service(control) => act(command, &There(control)).await,
        Place::Stores(stores) => act(command, &Here::new(stores, settings)).await,
    })
}

async fn act(command: Command, keys: &impl Keys) -> Result<String, KeysError> {
    match command {
        Command::List { json: true, .. } => {
            Ok(keys.all().await?.iter().map(|key| format!("{key}\n")).collect())
        }
        Command::List { .. } => Ok(keys.all().await?.iter().map(row).collect()),
        Command::Create { name, origins, expires_at, .. } => {
            let expires_at = expires_at.as_deref().map(moment).transpose()?;
            let is_first = keys.all().await?.is_empty();
            let (text, key) = keys.create(NewWriteKey { name, origins, expires_at }).await?;
            let mut told = format!("{} made\nkey, shown this once: {text}\n", word(&key, "name"));
            if is_first {
                told.push_str("it is the first one: events have to have a key from now on\n");
            }
            Ok(told)
        }
        Command::Revoke { key: wanted, .. } => {
            let all = keys.all().await?;
            let is_it = |key: &&Value| ["name", "id"].iter().any(|&field| key[field] == *wanted);
            let key = all.iter().find(is_it).ok_or(KeysError::Unknown)?;
            if key["source"] == "settings" {
                return Err(KeysError::OfSettings);
            }
            keys.revoke(word(key, "id")).await?;
            let mut told = format!("{} is not taken any more\n", word(key, "name"));
            if all.len() == 1 {
                told.push_str("it was the last one: anybody may post events now\n");
            }
            Ok(told)
        }
    }
}

fn moment(text: &str) -> Result<Timestamp, KeysError> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| {
        let rule = "must be an RFC 3339 time such as 2027-01-01T00:00:00Z";
        WriteKeyError::Invalid(vec![Fault::of("expiresAt", rule)]).into()
    })
}

fn word<'a>(key: &'a Value, field: &str) -> &'a str {
    key[field].as_str().unwrap_or_default()
}

/// Its id, its name, how its text ends, until when it is taken, its last use and whose
/// pages may send it.
fn row(key: &Value) -> String {
    let or = |field: &str, other: &str| key[field].as_str().unwrap_or(other).to_owned();
    let end = match (key["expired"].as_bool(), key["expiresAt"].as_str()) {
        (Some(true), Some(end)) => format!("ended {end}"),
        (_, Some(end)) => format!("until {end}"),
        (_, None) => "for good".to_owned(),
    };
    let hint =
        key["hint"].as_str().map_or("in the settings".to_owned(), |hint| format!("...{hint}"));
    let used = key["lastUsedAt"].as_str().map_or("-".to_owned(), |used| format!("used {used}"));
    let origins = key["origins"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let origins = origins.collect::<Vec<_>>().join(" ");
    let origins = if origins.is_empty() { "any origin" } else { &origins };
    format!("{}\t{}\t{hint}\t{end}\t{used}\t{origins}\n", or("id", "-"), or("name", "-"))
}
