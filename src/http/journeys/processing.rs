//! What became of a journey's events at the processors.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::value::RawValue;
use trailkeep_event::StoreId;
use trailkeep_store::processing::{Processed, ProcessedState, Processor};
use trailkeep_store::{StoreError, StoredEvent};
use utoipa::ToSchema;

use crate::http::state::Service;
use crate::journeys::Page;
use crate::processing::status::{StuckUser, is_new};

/// Outcomes of all processors that are read at once: each may have 16 KiB.
const READ: usize = 400;
/// Events whose outcomes are read at once.
const READ_EVENTS: usize = 100;
/// Bytes of what is told of processing at which a page ends. Beyond it goes what was read
/// at once, so no page has more than 11 MiB of it.
const MAX_BYTES: usize = 4 << 20;

/// What became of an event at one processor.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventProcessing, example = json!({
    "state": "processed", "processedAt": "2025-12-15T10:30:00.250Z",
    "processingDurationMs": 41, "attempts": 1, "result": {"status": "success"}
}))]
pub struct ProcessingBody {
    /// `processed`; `failed`: a dead letter; `held`: that too, and its user waits for a
    /// person; `skipped`; `retrying`: it fails, and is sent again; `waiting`.
    state: &'static str,
    /// When what became of it was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    processed_at: Option<String>,
    /// How long the last request took.
    #[serde(skip_serializing_if = "Option::is_none")]
    processing_duration_ms: Option<u32>,
    /// How often it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    /// What the processor answered, of what it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    result: Option<Box<RawValue>>,
    /// Why it failed or was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Box<str>>,
}

impl ProcessingBody {
    fn in_state(state: &'static str) -> Self {
        Self {
            state,
            processed_at: None,
            processing_duration_ms: None,
            attempts: None,
            result: None,
            error: None,
        }
    }

    /// Of an event with this outcome, if any. `None` where the processor does not want it.
    fn of(outcome: Option<Processed>, stuck: Option<&StuckUser>, is_wanted: bool) -> Option<Self> {
        let done = outcome.filter(|outcome| outcome.state != ProcessedState::Pending);
        match (done, stuck) {
            // What is told every two seconds is older than an outcome that is there.
            (Some(outcome), stuck) => {
                let is_failed = outcome.state == ProcessedState::Failed;
                let is_held = is_failed && stuck.is_some_and(|stuck| stuck.is_held);
                Some(Self::done(outcome, if is_held { Some("held") } else { None }))
            }
            (None, Some(stuck)) if !stuck.is_held => Some(Self {
                attempts: Some(stuck.attempts),
                error: stuck.error.clone(),
                ..Self::in_state("retrying")
            }),
            (None, _) => is_wanted.then(|| Self::in_state("waiting")),
        }
    }

    fn done(outcome: Processed, word: Option<&'static str>) -> Self {
        let result = outcome.result.map(|result| RawValue::from_string(result.to_json()));
        Self {
            processed_at: Some(outcome.processed_at.to_string()),
            processing_duration_ms: Some(outcome.duration_ms),
            attempts: Some(outcome.attempts),
            result: result.and_then(Result::ok),
            error: outcome.error,
            ..Self::in_state(word.unwrap_or_else(|| outcome.state.word()))
        }
    }
}

/// A processor, with who is stuck there, by the event.
struct Asked {
    processor: Processor,
    stuck: HashMap<StoreId, StuckUser>,
}

/// Of each event of a page a JSON object, by the names of processors. The page is cut
/// where that becomes too much.
pub async fn of_page(service: &Service, page: &mut Page) -> Result<Vec<String>, StoreError> {
    let asked = asked(service).await?;
    let events = (READ / asked.len().max(1)).clamp(1, READ_EVENTS);
    let (mut texts, mut bytes) = (Vec::with_capacity(page.events.len()), 0);
    for some in page.events.chunks(events) {
        for told in of_some(service, &asked, some).await? {
            let text = serde_json::to_string(&told).unwrap_or_else(|_| "{}".to_owned());
            bytes += text.len();
            texts.push(text);
        }
        if bytes > MAX_BYTES {
            break;
        }
    }
    if texts.len() < page.events.len() {
        page.events.truncate(texts.len());
        page.next = page.events.last().map(StoredEvent::position);
    }
    Ok(texts)
}

async fn asked(service: &Service) -> Result<Vec<Asked>, StoreError> {
    let now = service.clock.now();
    let mut asked = Vec::new();
    for processor in service.processing.store().processors().await? {
        let told = service.processing.status(&processor.name, now).await?;
        let status = told.filter(|(at, _)| is_new(*at, now)).map(|(_, status)| status);
        let stuck = status.into_iter().flat_map(|status| status.stuck);
        let stuck = stuck.map(|stuck| (StoreId::from_bytes(stuck.event.into_bytes()), stuck));
        asked.push(Asked { stuck: stuck.collect(), processor });
    }
    Ok(asked)
}

async fn of_some<'a>(
    service: &Service,
    asked: &'a [Asked],
    events: &[StoredEvent],
) -> Result<Vec<BTreeMap<&'a str, ProcessingBody>>, StoreError> {
    let ids: Vec<StoreId> = events.iter().map(|event| event.id).collect();
    let mut told: Vec<BTreeMap<_, _>> = events.iter().map(|_| BTreeMap::new()).collect();
    for Asked { processor, stuck } in asked {
        let mut outcomes = service.processing.store().outcomes(&processor.name, &ids).await?;
        for (event, told) in events.iter().zip(&mut told) {
            let outcome = outcomes.remove(&event.id);
            // What was asked for again is wanted, whenever it came.
            let is_wanted = outcome.is_some() || processor.wanted.wants(&event.kind, event.arrival);
            let body = ProcessingBody::of(outcome, stuck.get(&event.id), is_wanted);
            told.extend(body.map(|body| (&*processor.name, body)));
        }
    }
    Ok(told)
}
