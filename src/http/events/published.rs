//! `GET /events.schema.json`.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use trailkeep_event::schema;

use crate::http::on_terms::OnTerms;

/// What an event may be, as JSON Schema
///
/// JSON Schema 2020-12 of one event as `POST /events` takes it, under the settings in
/// force: with a list of types in them, it names those. Its description says what
/// a schema cannot say.
#[utoipa::path(
    get,
    path = "/events.schema.json",
    tag = "Events",
    security(()),
    responses(
        (status = 200, description = "The schema.", body = Object,
            content_type = "application/schema+json",
            example = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "Event", "type": "object"
            })),
    ),
)]
pub async fn event_schema(OnTerms(terms): OnTerms) -> Response {
    let schema = Json(schema::of_event(&terms.rules));
    ([(header::CONTENT_TYPE, "application/schema+json")], schema).into_response()
}
