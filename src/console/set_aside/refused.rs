//! Requests that were refused, as a person reads them.

use crate::console::sight::{Sight, When};
use crate::monitoring::refusals::{Group, Sender};
use crate::monitoring::statistics::RefusedBecause;

/// Requests that were refused alike.
pub struct Refused {
    pub reason: &'static str,
    /// Who sent them.
    pub sender: String,
    pub agent: Option<String>,
    pub count: u64,
    pub first: When,
    pub last: When,
    /// Of one of them: fields and what was wrong with each.
    pub faults: Vec<(String, String)>,
}

/// The groups, in their order.
pub fn groups(groups: Vec<Group>, sight: &Sight) -> Vec<Refused> {
    let told = groups.into_iter().map(|group| Refused {
        reason: words(group.reason),
        sender: match group.sender {
            Sender::Key(name) => format!("write key {name}"),
            Sender::Network(network) => network.to_string(),
            Sender::Shell => "the shell".to_owned(),
        },
        agent: group.example.agent,
        count: group.count,
        first: sight.ago(group.first),
        last: sight.ago(group.last),
        faults: group.example.faults,
    });
    told.collect()
}

fn words(reason: RefusedBecause) -> &'static str {
    match reason {
        RefusedBecause::Invalid => "Events or JSON at fault",
        RefusedBecause::TooLarge => "Too large",
        RefusedBecause::Unsupported => "A media type or encoding that is not taken",
        RefusedBecause::Incomplete => "Broke off, or too slow",
        RefusedBecause::BufferFull => "Too many events waited",
        RefusedBecause::Unauthorized => "No write key that is taken",
        RefusedBecause::TooOften => "Over the rate",
        RefusedBecause::NotWritten => "The disk could not be written",
        RefusedBecause::OverShare => "Over the share of a key or an account",
        RefusedBecause::TooManyBodies => "Too many bodies at once",
        RefusedBecause::OtherOrigin => "A write key of another origin",
        RefusedBecause::Starting => "The service was starting",
        RefusedBecause::LeftOut => "Taken, but for some events",
    }
}
