//! Settings of earlier versions, and what takes their place. A service that
//! passed one over would run with other limits than its owner believes.

/// Each path with what to do instead.
const GONE: [(&str, &str); 17] = [
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
    ("flush.backoff_min_ms", "use write.backoff_min_ms"),
    ("flush.backoff_max_ms", "use write.backoff_max_ms"),
    ("flush.lanes", "use write.in_flight"),
    ("accounts.max_counting", "accounts.max_queries bounds what is counted at once; leave it out"),
    ("accounts.piece_events", "summaries are counted at one go; leave it out"),
    ("accounts.max_counting_bytes", "summaries are counted at one go; leave it out"),
    (
        "health.unready_after_ms",
        "/readyz does not depend on the database any more, /health tells of it; leave it out",
    ),
];

/// What takes the place of a setting that has gone.
pub fn instead_of(path: &str) -> Option<&'static str> {
    let found = GONE.iter().find(|(gone, _)| *gone == path);
    found.map(|(_, instead)| *instead)
}

/// All of them.
pub fn paths() -> impl Iterator<Item = &'static str> {
    GONE.iter().map(|(path, _)| *path)
}

/// Whether settings that have gone were below this path.
pub fn has_section(section: &str) -> bool {
    paths().any(|path| path.strip_prefix(section).is_some_and(|rest| rest.starts_with('.')))
}
