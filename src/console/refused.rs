//! Who sent what was refused, in words. Pure.

use crate::monitoring::refusals::Sender;

/// Whoever sent it, in a few words.
pub fn sender(sender: &Sender) -> String {
    match sender {
        Sender::Key(name) => format!("key {name}"),
        Sender::Network(network) => network.to_string(),
        Sender::Shell => "the shell".to_owned(),
    }
}
