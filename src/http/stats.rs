//! `GET /stats`.

pub mod history;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::Monitor;
use super::problem::answers::{CallerUnverified, NoCredentials};
use super::state::Service;
use crate::monitoring::statistics::{self, RefusedBecause};

/// What the service has done since its start, and what it has before it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsBody {
    /// Accepted events that are not stored yet: the backlog.
    #[schema(example = 42)]
    buffer_size: usize,
    /// Whether a write to the database is under way.
    is_flushing_in_progress: bool,
    /// Events in one write at the most (`write.max_events`).
    #[schema(example = 500)]
    max_buffer_size: usize,
    /// Events past which a batch is answered 503 (`backlog.max_events`).
    #[schema(example = 5000)]
    emergency_threshold: usize,
    /// `bufferSize` as a percentage of `maxBufferSize`.
    #[schema(example = 8.4)]
    buffer_utilization: f64,
    /// Bytes of the records that hold them.
    buffer_bytes: usize,
    /// Bytes past which a batch is answered 503 (`backlog.max_bytes`).
    max_buffer_bytes: usize,
    /// Of these events, those beyond the backlog's head: the journal alone holds
    /// them, and no journey shows them.
    beyond_head: usize,
    /// Milliseconds since the oldest event of the head was received.
    oldest_event_age_ms: Option<i64>,
    events: EventCounts,
    /// Dead letters in the database, counted every few seconds; null until they
    /// could be counted.
    dead_letters: Option<u64>,
    /// Requests refused as a whole, by reason; `leftOut` are those that were taken but for some
    /// of their events.
    #[schema(example = json!({"invalid": 3, "bufferFull": 0}))]
    refused: BTreeMap<&'static str, u64>,
    /// Events of other collectors' SDKs that were left out of requests of which others were
    /// taken, by dialect and reason.
    #[schema(example = json!({"segment": {"invalid": 1, "tooLarge": 0, "unwanted": 0}}))]
    left_out: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Streams of accepted events that are open.
    #[schema(example = 2)]
    streams: usize,
    flushes: FlushesBody,
    journal: JournalBody,
    /// Bytes that are free on the disk of the data folder, asked once a second; null
    /// until it could be asked. Where the embedded store shares it, posts are
    /// answered 503 while less is free than twice the backlog's bytes and 64 MiB.
    #[schema(example = 27917287424_u64)]
    disk: Option<u64>,
}

/// What accepted events take on the disk until they are stored: the segments of the
/// journal that are needed. Up to three that wait for use come on top.
#[derive(Debug, Serialize, ToSchema)]
pub struct JournalBody {
    #[schema(example = 1)]
    segments: usize,
    /// Of all of them.
    #[schema(example = 16777216)]
    bytes: u64,
}

/// Events since the start. Accepted and restored together are stored,
/// duplicate, dead-lettered, erased, unreadable, and in the backlog together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventCounts {
    /// Answered 202.
    accepted: u64,
    /// Accepted by an earlier process and taken in by this one.
    restored: u64,
    /// Written to the database.
    stored: u64,
    /// Known by user and `eventId` before.
    duplicate: u64,
    /// Refused by the database for good, and kept as dead letters.
    dead_lettered: u64,
    /// Let go before they were stored, because their users were erased.
    erased: u64,
    /// Answered as accepted and left out, because their users are blocked: in none of the
    /// other counts.
    blocked: u64,
    /// In the journal alone, and damaged on the disk.
    unreadable: u64,
}

/// Writes to the database.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlushesBody {
    /// Writes that were answered.
    count: u64,
    /// Tries that failed.
    failed: u64,
    /// When the last one was answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_success_at: Option<String>,
    last_error: Option<LastError>,
    /// Of the last 1,024 writes.
    latency_ms: PercentilesBody,
    /// Of the last 1,024 writes.
    batch_size: PercentilesBody,
}

/// What the last failed try said.
#[derive(Debug, Serialize, ToSchema)]
pub struct LastError {
    message: String,
    #[schema(format = DateTime)]
    at: String,
}

/// By the nearest rank.
#[derive(Debug, Serialize, ToSchema)]
pub struct PercentilesBody {
    p50: f64,
    p95: f64,
    p99: f64,
}

impl From<statistics::Percentiles> for PercentilesBody {
    fn from(percentiles: statistics::Percentiles) -> Self {
        let statistics::Percentiles { p50, p95, p99 } = percentiles;
        Self { p50, p95, p99 }
    }
}

/// Counters since the start, and the state of the buffer
#[utoipa::path(
    get,
    path = "/stats",
    tag = "Monitoring",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The counters.", body = StatsBody),
        NoCredentials, CallerUnverified,
    ),
)]
#[allow(clippy::cast_precision_loss)] // counts of a bounded buffer
pub async fn stats(State(service): State<Arc<Service>>, _monitor: Monitor) -> Json<StatsBody> {
    let backlog = service.ingest.snapshot();
    let limit = service.ingest.limit();
    let journal = service.ingest.journal_on_disk();
    let max_buffer_size = service.ingest.rules().max_events;
    let now = service.clock.now().as_millis();
    Json(StatsBody {
        buffer_size: backlog.held.events,
        is_flushing_in_progress: backlog.in_flight > 0,
        max_buffer_size,
        emergency_threshold: limit.events,
        buffer_utilization: backlog.held.events as f64 * 100.0 / max_buffer_size as f64,
        buffer_bytes: backlog.held.bytes,
        max_buffer_bytes: limit.bytes,
        beyond_head: backlog.beyond,
        oldest_event_age_ms: backlog.oldest.map(|oldest| (now - oldest.as_millis()).max(0)),
        events: event_counts(&service.statistics),
        dead_letters: service.statistics.dead_letters(),
        refused: RefusedBecause::ALL
            .map(|reason| (reason.name(), service.statistics.refused_count(reason)))
            .into(),
        left_out: service.statistics.left_out.by_dialect(),
        streams: service.live.open(),
        flushes: flushes(service.statistics.flushes()),
        journal: JournalBody { segments: journal.segments, bytes: journal.bytes },
        disk: service.statistics.folder.free(),
    })
}

fn event_counts(statistics: &statistics::Statistics) -> EventCounts {
    EventCounts {
        accepted: statistics.accepted.get(),
        restored: statistics.restored.get(),
        stored: statistics.stored.get(),
        duplicate: statistics.duplicate.get(),
        dead_lettered: statistics.dead_lettered.get(),
        erased: statistics.erased.get(),
        blocked: statistics.blocked.get(),
        unreadable: statistics.unreadable.get(),
    }
}

fn flushes(flushes: statistics::Flushes) -> FlushesBody {
    FlushesBody {
        count: flushes.done,
        failed: flushes.failed,
        last_success_at: flushes.last_success.map(|time| time.to_string()),
        last_error: flushes
            .last_error
            .map(|(message, at)| LastError { message, at: at.to_string() }),
        latency_ms: flushes.latency_ms.into(),
        batch_size: flushes.batch_size.into(),
    }
}
