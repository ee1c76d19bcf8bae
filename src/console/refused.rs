//! Why something was refused and who sent it, in words. Pure.

use crate::monitoring::refusals::Sender;
use crate::monitoring::statistics::RefusedBecause;

/// Whoever sent it, in a few words.
pub fn sender(sender: &Sender) -> String {
    match sender {
        Sender::Key(name) => format!("key {name}"),
        Sender::Network(network) => network.to_string(),
        Sender::Shell => "the shell".to_owned(),
    }
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
