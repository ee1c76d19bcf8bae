//! Whether the settings are valid, and which are not the defaults.

use super::finding::Finding;
use crate::config::{ConfigErrors, Loaded, Origin};

const CHECK: &str = "settings";

/// No values: that of a secret must not be shown, and `trailkeep config` prints the
/// others.
pub fn of_loaded(loaded: &Loaded) -> Finding {
    let changed = loaded.entries.iter().filter(|entry| entry.origin != Origin::Default);
    let changed: Vec<String> =
        changed.map(|entry| format!("{} ({})", entry.path, entry.origin)).collect();
    Finding::ok(
        CHECK,
        match changed.len() {
            0 => "valid, all of them the defaults".to_owned(),
            number => format!("valid, {number} not the default: {}", changed.join(", ")),
        },
    )
}

/// One for each mistake.
pub fn of_mistakes(errors: &ConfigErrors) -> Vec<Finding> {
    const TO_DO: &str =
        "mend it; `trailkeep config --defaults` says what is allowed. Nothing else was looked at";
    errors.iter().map(|error| Finding::fail(CHECK, error.to_string(), TO_DO)).collect()
}
