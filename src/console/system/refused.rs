//! What was refused in the last hour: by reason, with one example.

use crate::console::numbers::thousands;
use crate::console::refused::sender;
use crate::console::sight::{Sight, When};
use crate::monitoring::refusals::Group;
use crate::monitoring::statistics::RefusedBecause;

use super::slots::Slot;

/// Faults of an example that are shown.
const FAULTS: usize = 2;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// Requests that were refused for one reason.
pub struct Refused {
    pub why: &'static str,
    /// Fields, and what is wrong with them.
    pub faults: Vec<(String, String)>,
    pub sender: String,
    pub agent: Option<String>,
    pub told: String,
    count: u64,
    pub last: When,
}

/// What a reason is called.
pub fn why(reason: RefusedBecause) -> &'static str {
    match reason {
        RefusedBecause::Invalid => "Invalid events",
        RefusedBecause::TooLarge => "Too large",
        RefusedBecause::Unsupported => "Media type or encoding not taken",
        RefusedBecause::Incomplete => "Not sent to its end",
        RefusedBecause::BufferFull => "Backlog full",
        RefusedBecause::Unauthorized => "No write key that is taken",
        RefusedBecause::TooOften => "Over the rate",
        RefusedBecause::NotWritten => "Journal cannot be written",
        RefusedBecause::OverShare => "Over its share of the backlog",
        RefusedBecause::TooManyBodies => "Too many bodies at once",
        RefusedBecause::OtherOrigin => "Origin not allowed",
        RefusedBecause::Starting => "Still starting",
        RefusedBecause::LeftOut => "Some events left out",
    }
}

/// Those of the last hour, most frequent first. `hour` is what was counted in it.
pub fn refused(newest_first: &[Group], hour: &Slot, sight: &Sight) -> Vec<Refused> {
    let is_recent = |group: &&Group| group.last.plus_millis(HOUR_MS) > sight.now;
    let of = |(at, reason): (usize, RefusedBecause)| {
        let group = newest_first.iter().filter(is_recent).find(|group| group.reason == reason)?;
        let example = &group.example;
        // What was refused just now is not counted yet.
        let count = hour.refused[at].max(1);
        Some(Refused {
            why: why(reason),
            faults: example.faults.iter().take(FAULTS).cloned().collect(),
            sender: sender(&group.sender),
            agent: example.agent.clone(),
            told: thousands(count),
            count,
            last: sight.ago(group.last),
        })
    };
    let mut all: Vec<Refused> =
        RefusedBecause::ALL.into_iter().enumerate().filter_map(of).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.count));
    all
}
