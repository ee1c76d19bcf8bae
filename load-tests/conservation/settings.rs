//! What the service is started with.

use std::path::Path;

use crate::fault::Fault;
use crate::processors::{SHORT_TIMEOUT_MS, TIMEOUT_MS};

/// The settings for a fault, by their names in the environment.
pub fn settings(fault: Fault, port: u16) -> Vec<(String, String)> {
    let port = port.to_string();
    // A write fails soon, so that an outage is longer than all limits.
    let mut settings = vec![
        ("PORT", port.as_str()),
        ("LOG_LEVEL", "info,trailkeep::http::trace=warn"),
        ("WRITE_TIMEOUT_MS", "700"),
        ("WRITE_BACKOFF_MAX_MS", "500"),
        ("HEALTH_CHECK_INTERVAL_MS", "200"),
    ];
    if fault == Fault::Kill9Unsynced {
        settings.push(("JOURNAL_SYNC", "never"));
    }
    if fault.is_damage() {
        // What the journal alone has is what a damage to it can take.
        settings.extend([("WRITE_MAX_WAIT_MS", "60000"), ("WRITE_MAX_EVENTS", "4000")]);
    }
    if fault == Fault::Retention {
        settings.push(("STORE_RETENTION_DAYS", "1"));
    }
    if fault == Fault::Outage {
        // More than memory holds, so that the journal alone has the rest.
        settings.extend([("BACKLOG_MAX_EVENTS", "1000000"), ("BACKLOG_MAX_BYTES", "500000000")]);
    }
    settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// How long a request to a processor may take, in milliseconds.
pub fn timeout_of(fault: Fault) -> i64 {
    match fault {
        Fault::ProcessorPause | Fault::ProcessorSlow => SHORT_TIMEOUT_MS,
        _ => TIMEOUT_MS,
    }
}

/// What else it is started with where there is a processor at this address. Pauses are
/// short, and there are fewer requests at once than users.
pub fn of_processor(fault: Fault, url: String) -> Vec<(String, String)> {
    let mut settings = vec![
        ("PROCESSOR_URL", url),
        ("PROCESSORS_DEFAULT_CONCURRENCY", "12".to_owned()),
        ("PROCESSORS_DEFAULT_BACKOFF_MIN_MS", "20".to_owned()),
        ("PROCESSORS_DEFAULT_BACKOFF_MAX_MS", "500".to_owned()),
        ("PROCESSORS_DEFAULT_TIMEOUT_MS", timeout_of(fault).to_string()),
    ];
    if fault == Fault::ProcessorHolds {
        settings.push(("PROCESSORS_DEFAULT_AFTER_DEAD_LETTER", "hold".to_owned()));
    }
    if fault.is_damage() {
        // What the journal alone has, at the rate of a round with a processor.
        settings.push(("WRITE_MAX_WAIT_WITH_PROCESSORS_MS", "60000".to_owned()));
        settings.push(("WRITE_MAX_EVENTS", "1000".to_owned()));
    }
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What makes the clock wrong by the offset in a file.
pub fn faked_clock(library: &Path, file: &Path) -> [(String, String); 4] {
    [
        ("LD_PRELOAD".to_owned(), library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE".to_owned(), file.display().to_string()),
        ("FAKETIME_NO_CACHE".to_owned(), "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
    ]
}
