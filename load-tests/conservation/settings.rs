//! What the service is started with.

use std::path::Path;

use crate::fault::Fault;

/// The settings for a fault, by their names in the environment.
pub fn settings(fault: Fault, port: u16, has_journal: bool) -> Vec<(String, String)> {
    let port = port.to_string();
    let journal = if has_journal { "on" } else { "off" };
    // A write fails soon, so that an outage is longer than all limits.
    let mut settings = vec![
        ("PORT", port.as_str()),
        ("JOURNAL", journal),
        ("LOG_LEVEL", "info,trailkeep::http::trace=warn"),
        ("FLUSH_TIMEOUT_MS", "700"),
        ("FLUSH_BACKOFF_MAX_MS", "500"),
        ("HEALTH_CHECK_INTERVAL_MS", "200"),
        ("HEALTH_CHECK_TIMEOUT_MS", "500"),
        ("HEALTH_UNREADY_AFTER_MS", "1000"),
    ];
    if fault == Fault::BitFlip {
        // What the journal alone has is what a damage to it can take.
        settings.extend([("FLUSH_MAX_WAIT_MS", "60000"), ("FLUSH_MAX_EVENTS", "4000")]);
    }
    if fault == Fault::Spill {
        // A small buffer, so that an outage spills most of what is accepted.
        settings.extend([
            ("BUFFER_MAX_EVENTS", "500"),
            ("FLUSH_MAX_EVENTS", "200"),
            ("EVENTS_MAX_PER_REQUEST", "100"),
        ]);
        if has_journal {
            settings.push(("SPILL_MAX_BYTES", "1000000000"));
        }
    }
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What makes the clock wrong by the offset in a file.
pub fn faked_clock(library: &Path, file: &Path) -> [(String, String); 4] {
    [
        ("LD_PRELOAD".to_owned(), library.display().to_string()),
        (
            "FAKETIME_TIMESTAMP_FILE".to_owned(),
            file.display().to_string(),
        ),
        ("FAKETIME_NO_CACHE".to_owned(), "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
    ]
}
