//! `GET /stats/history`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::guard::Monitor;
use crate::http::problem::answers::{CallerUnverified, NoCredentials};
use crate::http::state::Service;
use crate::monitoring::history::{Step, Told};
use crate::monitoring::statistics::RefusedBecause;

/// How the counters came to where they are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "seconds": {
        "from": "2025-12-15T10:30:00.000Z", "step": 1000, "accepted": [12, 0, null, 7],
        "stored": [0, 12, null, 7], "duplicate": [0, 0, null, 0], "deadLettered": [0, 0, null, 0],
        "refused": {"invalid": [0, 1, null, 0]}, "bufferSize": [12, 0, null, 0],
        "writeMs": [null, 3.2, null, 2.9]
    },
    "minutes": {
        "from": "2025-12-15T10:29:07.000Z", "step": 60000, "accepted": [], "stored": [],
        "duplicate": [], "deadLettered": [], "refused": {}, "bufferSize": [], "writeMs": []
    }
}))]
pub struct HistoryBody {
    /// The last ten minutes, by the second.
    seconds: StepsBody,
    /// The last 24 hours, by the minute.
    minutes: StepsBody,
}

/// Steps of one length, in columns of the same length, the newest last; the step under
/// way is not among them. A null stands where the process stood still.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepsBody {
    /// When the first step began.
    #[schema(format = DateTime)]
    from: String,
    /// Milliseconds from one step to the next.
    step: u64,
    /// Events answered 202.
    accepted: Vec<Option<u32>>,
    /// Events written to the database.
    stored: Vec<Option<u32>>,
    /// Events that were known before.
    duplicate: Vec<Option<u32>>,
    /// Events that the database refused for good.
    dead_lettered: Vec<Option<u32>>,
    /// Requests refused as a whole, by reason; a reason that no step has is left out.
    #[schema(value_type = BTreeMap<String, Vec<Option<u32>>>)]
    refused: BTreeMap<&'static str, Vec<Option<u32>>>,
    /// Accepted events that are not stored, at the end of each step.
    buffer_size: Vec<Option<u32>>,
    /// Milliseconds that a write to the database took, on average; null also where there
    /// was none.
    write_ms: Vec<Option<f32>>,
}

impl From<Told> for StepsBody {
    fn from(told: Told) -> Self {
        let column = |of: &dyn Fn(&Step) -> u32| -> Vec<Option<u32>> {
            told.steps.iter().map(|step| step.as_ref().map(of)).collect()
        };
        let reasons = RefusedBecause::ALL.iter().enumerate();
        let refused = reasons.filter_map(|(at, reason)| {
            let any = told.steps.iter().flatten().any(|step| step.refused[at] > 0);
            any.then(|| (reason.name(), column(&|step| step.refused[at])))
        });
        let tenths = |ms: f32| (ms * 10.0).round() / 10.0;
        Self {
            refused: refused.collect(),
            accepted: column(&|step| step.accepted),
            stored: column(&|step| step.stored),
            duplicate: column(&|step| step.duplicate),
            dead_lettered: column(&|step| step.dead_lettered),
            buffer_size: column(&|step| step.held),
            write_ms: told.steps.iter().map(|step| step.as_ref()?.flush_ms.map(tenths)).collect(),
            from: told.from.to_string(),
            step: told.length_ms,
        }
    }
}

/// The counters by the second and by the minute
///
/// What was counted in each second of the last ten minutes, and in each minute of the
/// last 24 hours, since the start of this instance at the earliest.
#[utoipa::path(
    get,
    path = "/stats/history",
    tag = "Monitoring",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The steps that are over.", body = HistoryBody),
        NoCredentials, CallerUnverified,
    ),
)]
pub async fn history(State(service): State<Arc<Service>>, _monitor: Monitor) -> Json<HistoryBody> {
    Json(HistoryBody {
        seconds: service.history.seconds().into(),
        minutes: service.history.minutes().into(),
    })
}
