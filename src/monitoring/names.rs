//! The names of all metrics, each with its help text.

/// Counter.
pub const EVENTS_ACCEPTED: (&str, &str) =
    ("trailkeep_events_accepted_total", "Events answered 202.");
/// Counter.
pub const EVENTS_RESTORED: (&str, &str) = (
    "trailkeep_events_restored_total",
    "Events that an earlier process had accepted and this one took in.",
);
/// Counter.
pub const EVENTS_STORED: (&str, &str) =
    ("trailkeep_events_stored_total", "Events written to the database.");
/// Counter.
pub const EVENTS_DUPLICATE: (&str, &str) = (
    "trailkeep_events_duplicate_total",
    "Events whose (user, eventId) was in the database before.",
);
/// Counter.
pub const EVENTS_DEAD_LETTERED: (&str, &str) = (
    "trailkeep_events_dead_lettered_total",
    "Events that the database refused for good and that were kept as dead letters.",
);
/// Counter.
pub const EVENTS_ERASED: (&str, &str) = (
    "trailkeep_events_erased_total",
    "Accepted events let go before they were stored, because their users were erased.",
);
/// Counter.
pub const EVENTS_BLOCKED: (&str, &str) = (
    "trailkeep_events_blocked_total",
    "Events answered as accepted and left out, because their users are blocked.",
);
/// Gauge.
pub const DEAD_LETTERS: (&str, &str) =
    ("trailkeep_dead_letters", "Dead letters in the database when they were last counted.");
/// Counter.
pub const EVENTS_UNREADABLE: (&str, &str) = (
    "trailkeep_events_unreadable_total",
    "Accepted events that lay in the journal alone and were damaged on the disk.",
);
/// Counter, by reason.
pub const REQUESTS_REFUSED: (&str, &str) = (
    "trailkeep_requests_refused_total",
    "Requests with events refused as a whole, or (leftOut) taken but for some of their events.",
);
/// Counter, by dialect and reason.
pub const EVENTS_LEFT_OUT: (&str, &str) = (
    "trailkeep_events_left_out_total",
    "Events of other collectors' SDKs left out of requests of which others were taken.",
);
/// Counter, by account: the first 20 that are refused have a series each, all
/// others are counted as `other`.
pub const OVER_SHARE_BY_ACCOUNT: (&str, &str) = (
    "trailkeep_requests_over_share_by_account_total",
    "Requests refused (429) because an account held its share of the backlog; from the 21st \
     account on as \"other\".",
);
/// Counter, by the name of the write key: the first 100 that are refused have a series
/// each, all others are counted as `other`.
pub const OVER_SHARE_BY_KEY: (&str, &str) = (
    "trailkeep_requests_over_share_by_key_total",
    "Requests refused (429) because a write key held its share of the backlog; from the 101st \
     key on as \"other\".",
);
/// Gauge.
pub const WRITE_KEYS: (&str, &str) = (
    "trailkeep_write_keys",
    "Write keys that this instance knows, of the settings and of the database.",
);
/// Counter.
pub const FLUSHES: (&str, &str) =
    ("trailkeep_flushes_total", "Writes of a batch that the database answered.");
/// Counter.
pub const FLUSHES_FAILED: (&str, &str) =
    ("trailkeep_flushes_failed_total", "Tries to write a batch that failed.");
/// Histogram.
pub const FLUSH_SECONDS: (&str, &str) =
    ("trailkeep_flush_duration_seconds", "Time that the database took to write a batch.");
/// Histogram.
pub const FLUSH_EVENTS: (&str, &str) = ("trailkeep_flush_events", "Events in one batch.");
/// Gauge.
pub const STREAMS: (&str, &str) =
    ("trailkeep_streams", "Streams of accepted events that are open.");
/// Gauge.
pub const BUFFER_EVENTS: (&str, &str) =
    ("trailkeep_buffer_events", "Accepted events that are not stored yet.");
/// Gauge.
pub const BUFFER_BYTES: (&str, &str) =
    ("trailkeep_buffer_bytes", "Bytes of the journal's records that hold these events.");
/// Gauge.
pub const JOURNAL_BYTES: (&str, &str) =
    ("trailkeep_journal_bytes", "Bytes on disk of the journal's segments that are needed.");
/// Gauge.
pub const JOURNAL_SEGMENTS: (&str, &str) =
    ("trailkeep_journal_segments", "Segments of the journal that are needed.");
/// Gauge; NaN until it could be asked for.
pub const DISK_FREE_BYTES: (&str, &str) =
    ("trailkeep_disk_free_bytes", "Bytes that are free on the disk of the data folder.");
/// Gauge, always 1; what it tells are its labels.
pub const BUILD_INFO: (&str, &str) =
    ("trailkeep_build_info", "The version and the commit of the program, as labels.");
/// Gauge.
pub const RESIDENT_BYTES: (&str, &str) =
    ("trailkeep_resident_memory_bytes", "Resident memory of the process, in bytes.");
/// Gauge.
pub const READY: (&str, &str) = ("trailkeep_ready", "1 when /readyz answers 200, else 0.");
