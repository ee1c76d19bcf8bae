//! One event, opened: for the script.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use trailkeep_store::{JourneyRange, Order};

use crate::access::audit::action;
use crate::console::journey::Opened;
use crate::console::journey::json::Json;
use crate::console::page::Page;
use crate::http::Service;
use crate::http::guard::Staff;
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::query::Parameters;

/// The event of a user that has this id.
pub async fn event(
    State(service): State<Arc<Service>>,
    staff: Staff,
    PathText(user_id): PathText,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    parameters.check_id("userId", &user_id);
    let event_id = parameters.text("id").unwrap_or_default();
    parameters.check_id("id", &event_id);
    parameters.finish()?;
    service.access.audit.note(&staff.actor, action::READ_JOURNEY, Some(&user_id));
    let circle = service.links.of(&user_id).await?;
    let range = JourneyRange::whole(circle.ids(), Order::Descending);
    // A page of one has the event alone.
    let page = service.journeys.page_around(&range, &event_id, 1).await?;
    let event =
        page.and_then(|page| page.events.into_iter().find(|event| *event.event_id == *event_id));
    let event = event.ok_or_else(Problem::unknown_event)?;
    let payload = Json::payload(&event.payload);
    Ok(Page(Opened::new(&event, payload)).into_response())
}
