//! The answer to `?check=true`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use trailkeep_event::Fault;
use trailkeep_event::wire::Refusal;
use utoipa::ToSchema;

use crate::http::problem::FaultBody;

/// What is wrong with a request of which nothing is kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckedEvents, example = json!({
    "valid": false,
    "count": 2,
    "errors": [{"index": 1, "field": "sesionId", "message": "is not a field of an event; \
        put your own data into \"payload\""}]
}))]
pub struct CheckedBody {
    /// Whether the events would be accepted, all of them.
    valid: bool,
    /// How many events the request has; 0 where it is not JSON.
    count: usize,
    /// The first 100 faults.
    errors: Vec<FaultBody>,
}

impl CheckedBody {
    /// Of so many events none has a fault.
    pub fn valid(count: usize) -> Self {
        Self { valid: true, count, errors: Vec::new() }
    }

    /// What a post would be refused for. What depends on no event, as their number,
    /// is handed back: it is refused here too.
    pub fn of(refusal: Refusal) -> Result<Self, Refusal> {
        let (count, errors) = match refusal {
            Refusal::Faulty { faults, events } => {
                (events, faults.listed().iter().cloned().map(FaultBody::from).collect())
            }
            Refusal::Syntax { message, line, column } => {
                let message = format!("is not JSON: {message} at line {line}, column {column}");
                (0, vec![Fault::of("", message).into()])
            }
            Refusal::TooMany { .. } => return Err(refusal),
        };
        Ok(Self { valid: false, count, errors })
    }
}

impl IntoResponse for CheckedBody {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}
