//! The settings in force, as pages use them.

use std::collections::{BTreeMap, BTreeSet};

use trailkeep_event::Timestamp;
use trailkeep_store::team::TeamRecord;

use super::path::KeyPath;
use super::sentence::Sentence;

/// What the pages show for the whole team. The default is what is in force before anything
/// was set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TeamSettings {
    /// What is said of an event, by its type.
    pub sentences: BTreeMap<Box<str>, Sentence>,
    /// The types that a journey does not show at first.
    pub hidden_types: BTreeSet<Box<str>>,
    /// The values of a payload that stand beside an event, by its type.
    pub pinned_keys: BTreeMap<Box<str>, Vec<KeyPath>>,
    /// Whether the pages ask why before somebody looks at a user.
    pub asks_for_reason: bool,
    /// When they were set last; `None` where they never were.
    pub updated_at: Option<Timestamp>,
}

impl TeamSettings {
    /// What is kept, and the fields that are left out of it, because they break the rules:
    /// something else than this version wrote them.
    pub fn of(record: &TeamRecord) -> (Self, Vec<String>) {
        let mut left_out = Vec::new();
        let mut settings = Self {
            hidden_types: record.hidden_types.iter().map(|kind| kind.as_str().into()).collect(),
            asks_for_reason: record.asks_for_reason,
            updated_at: Some(record.updated_at),
            ..Self::default()
        };
        for (kind, text) in &record.sentences {
            match Sentence::parse(text) {
                Ok(sentence) => drop(settings.sentences.insert(kind.as_str().into(), sentence)),
                Err(_) => left_out.push(format!("sentences.{kind}")),
            }
        }
        for (kind, keys) in &record.pinned_keys {
            match keys.iter().map(|key| KeyPath::new(key)).collect() {
                Some(keys) => drop(settings.pinned_keys.insert(kind.as_str().into(), keys)),
                None => left_out.push(format!("pinnedKeys.{kind}")),
            }
        }
        (settings, left_out)
    }

    /// The same as they are kept, set at this moment.
    pub fn record(&self, updated_at: Timestamp) -> TeamRecord {
        let sentences = self.sentences.iter();
        let pinned_keys = self.pinned_keys.iter();
        TeamRecord {
            sentences: sentences.map(|(kind, text)| (kind.to_string(), text.to_string())).collect(),
            hidden_types: self.hidden_types.iter().map(ToString::to_string).collect(),
            pinned_keys: pinned_keys
                .map(|(kind, keys)| {
                    (kind.to_string(), keys.iter().map(ToString::to_string).collect())
                })
                .collect(),
            asks_for_reason: self.asks_for_reason,
            updated_at,
        }
    }
}
