//! Settings of earlier versions, and what takes their place. A service that
//! passed one over would run with other limits than its owner believes.

/// Each path with what to do instead.
const GONE: [(&str, &str); 36] = [
    ("journal", "the journal is always kept; journal.sync = \"never\" leaves out its syncs"),
    ("journal_sync_interval_us", "it is 1 ms now; leave it out"),
    ("buffer.max_events", "use backlog.max_events"),
    ("buffer.max_bytes", "use backlog.max_bytes"),
    ("buffer.max_share_per_account", "use backlog.max_share_per_account"),
    ("buffer.max_share_per_key", "use backlog.max_share_per_key"),
    (
        "spill.max_bytes",
        "raise backlog.max_events and backlog.max_bytes, and journal.max_bytes to twice that",
    ),
    ("flush.max_events", "use write.max_events"),
    ("flush.max_wait_ms", "use write.max_wait_ms"),
    ("flush.timeout_ms", "use write.timeout_ms"),
    ("flush.backoff_min_ms", "the first pause is 100 ms at the most now; leave it out"),
    ("flush.backoff_max_ms", "use write.backoff_max_ms"),
    ("flush.lanes", "use write.in_flight"),
    ("accounts.max_counting", "two summaries are counted at once now; leave it out"),
    ("accounts.piece_events", "summaries are counted at one go; leave it out"),
    ("accounts.max_counting_bytes", "summaries are counted at one go; leave it out"),
    (
        "health.unready_after_ms",
        "/readyz does not depend on the database any more, /health tells of it; leave it out",
    ),
    ("http.header_timeout_ms", "use http.receive_timeout_ms, which is for head and body"),
    ("http.body_timeout_ms", "use http.receive_timeout_ms, which is for head and body"),
    ("access.password_memory_kib", "a hash takes 19 MiB now; leave it out"),
    ("access.password_passes", "a hash takes two passes now; leave it out"),
    ("access.password_lanes", "a hash has one lane now; leave it out"),
    ("access.parallel_hashes", "two passwords are hashed at once now; leave it out"),
    ("access.waiting_hashes", "64 passwords may wait to be hashed now; leave it out"),
    ("access.attempts_window_ms", "tries are counted within 15 minutes now; leave it out"),
    (
        "events.any_type",
        "any type is accepted where events.types is empty, as it is by default; leave it out, \
         and events.types too if it was true",
    ),
    ("events.max_payload_depth", "a payload has at most 32 levels now; leave it out"),
    ("events.max_future_ms", "an event lies at most 24 hours in the future now; leave it out"),
    ("write.backoff_min_ms", "the first pause is at most 100 ms now; leave it out"),
    ("accounts.stale_ms", "a summary is renewed within ten minutes now; leave it out"),
    ("accounts.max_cache_bytes", "kept summaries take at most 16 MiB now; leave it out"),
    ("accounts.query_timeout_ms", "a summary is counted within 10 s now; leave it out"),
    ("accounts.max_queries", "two summaries are counted at once now; leave it out"),
    ("accounts.max_wait_ms", "a summary's turn is waited for 1 s now; leave it out"),
    ("health.check_timeout_ms", "it is twice health.check_interval_ms now; leave it out"),
    ("shutdown.request_grace_ms", "it is two thirds of shutdown.grace_ms now; leave it out"),
];

/// What takes the place of a setting that has gone.
pub fn instead_of(path: &str) -> Option<&'static str> {
    let found = GONE.iter().find(|(gone, _)| *gone == path);
    found.map(|(_, instead)| *instead)
}

pub fn paths() -> impl Iterator<Item = &'static str> {
    GONE.iter().map(|(path, _)| *path)
}

/// Whether settings that have gone were below this path.
pub fn has_section(section: &str) -> bool {
    paths().any(|path| path.strip_prefix(section).is_some_and(|rest| rest.starts_with('.')))
}
