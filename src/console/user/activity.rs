//! The days of a sparkline, which are counted: so they come after the page.

use std::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use trailkeep_event::Timestamp;
use trailkeep_store::StoreError;

use crate::access::audit::action;
use crate::console::page::Page;
use crate::http::Service;
use crate::http::guard::Staff;
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::query::fault_of_id;
use crate::journeys::linked::Circle;

const HEIGHT: u64 = 22;
/// A day without events is a dash, so that one sees the days.
const LEAST: u64 = 2;
const STEP: usize = 5;

#[derive(Template)]
#[template(path = "user/activity.html")]
pub struct Sparkline {
    total: u64,
    /// Days with events.
    busy: usize,
    days: usize,
    none: String,
    bars: String,
}

/// The events of each of the last days, for the script.
pub async fn activity(
    State(service): State<Arc<Service>>,
    staff: Staff,
    PathText(user_id): PathText,
) -> Result<Response, Problem> {
    if fault_of_id(&user_id).is_some() {
        return Err(Problem::unknown_user());
    }
    service.access.audit.note(&staff.actor, action::READ_USER, Some(&user_id));
    let circle = service.links.of(&user_id).await?;
    Ok(Page(counted(&service, &circle).await?).into_response())
}

/// The days of a user, counted.
pub async fn counted(service: &Service, circle: &Circle) -> Result<Sparkline, StoreError> {
    Ok(sparkline(&service.profiles.activity(circle).await?))
}

fn sparkline(days: &[(Timestamp, u64)]) -> Sparkline {
    let most = days.iter().map(|(_, events)| *events).max().unwrap_or_default().max(1);
    let (mut none, mut bars) = (String::new(), String::new());
    for (index, (_, events)) in days.iter().enumerate() {
        let (x, bar) = (index * STEP, if *events == 0 { &mut none } else { &mut bars });
        let height = match events {
            0 => LEAST,
            events => (events * HEIGHT / most).max(LEAST + 1),
        };
        let _ = write!(bar, "M{x} {HEIGHT}v-{height}h4v{height}z");
    }
    Sparkline {
        total: days.iter().map(|(_, events)| events).sum(),
        busy: days.iter().filter(|(_, events)| *events > 0).count(),
        days: days.len(),
        none,
        bars,
    }
}
