//! A user: who it is, whether they are here, what they did, what went wrong.
//!
//! Nothing here waits for counts: the strip is of the newest events, which are the first
//! page anyway; the days of the sparkline come by [`activity`].

mod activity;
mod asked;
mod event;
mod export;
mod looking;
mod reason;
mod strip;
mod ticket;
mod traits;
mod words;

pub use activity::activity;
pub use event::event;
pub use export::{csv, ndjson};
pub use reason::give as give_reason;
pub use ticket::ticket;

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use trailkeep_store::{Order, Retention, StoredEvent};

use super::frame::{Frame, Part};
use super::journey::sentence::{self, Hue};
use super::journey::{Day, Rows, days};
use super::links;
use super::page::Page;
use super::sight::{Sight, kept};
use crate::http::Service;
use crate::http::guard::Staff;
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::journeys::cursor::{self, Way};
use crate::journeys::linked::Circle;
use crate::journeys::profile::Glance;
use crate::journeys::{self};
use activity::Sparkline;
use asked::{Asked, Start};
use looking::{LIMIT, look};
use strip::Strip;
use traits::Traits;

#[derive(Template)]
#[template(path = "user.html", blocks = ["journey"])]
struct User {
    frame: Frame,
    user_id: String,
    link: String,
    strip: Strip,
    traits: Traits,
    chips: Vec<Chip>,
    asked: Asked,
    days: Vec<Day>,
    /// The days of the sparkline, where they were asked for with the page.
    activity: Option<Sparkline>,
    /// Why somebody looks, where they said so.
    reason: String,
    /// Types that are not shown, and how many events that are.
    hidden: Vec<(String, usize)>,
    /// Links to the pages beside this one.
    newer: Option<String>,
    older: Option<String>,
    /// The position of the newest event, from which the script goes on.
    newest: Option<String>,
    may_be_incomplete: bool,
    is_empty: bool,
    /// How long events are kept; `None` for good.
    kept: Option<String>,
}

/// A type to filter by.
struct Chip {
    kind: String,
    name: String,
    icon: &'static str,
    hue: Hue,
    count: usize,
    is_on: bool,
}

/// Nobody is known by this id.
#[derive(Template)]
#[template(path = "user/unknown.html")]
struct Unknown {
    frame: Frame,
    user_id: String,
}

/// The page; or, for the script, a part of the journey.
pub async fn page(
    State(service): State<Arc<Service>>,
    staff: Staff,
    sight: Sight,
    PathText(user_id): PathText,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let asked = Asked::read(&user_id, query.as_deref(), &sight)?;
    let team = service.access.team.now().await;
    if team.asks_for_reason && staff.actor.reason.is_none() && !asked.is_fragment {
        let link = links::user(&user_id);
        let frame = Frame::new(&service, &staff, sight, Part::Elsewhere, "Why");
        return Ok(Page(reason::Why { frame, user_id, link }).into_response());
    }
    let (circle, newest) = look(&service, &staff.actor, &user_id).await?;
    if newest.events.is_empty() && circle.is_unknown() {
        let frame = Frame::new(&service, &staff, sight, Part::Elsewhere, "Nobody");
        return Ok(Page(Unknown { frame, user_id }).with(StatusCode::NOT_FOUND));
    }
    let other = match asked.is_whole() {
        true => None,
        false => Some(wanted(&service, &circle, &asked).await?),
    };
    let page = other.as_ref().unwrap_or(&newest);
    let activity = match asked.with_activity {
        true => Some(activity::counted(&service, &circle).await?),
        false => None,
    };
    let glance = Glance::of(&circle, &newest);
    let strip = Strip::new(&circle, &glance, &newest.events, &sight, &team);
    let (shown, hidden) = asked.shown(&page.events, &team);
    let open = asked.open.as_deref();
    let rows = Rows { sight: &sight, team: &team, open };
    let is_start = page.previous.is_none() && asked.is_newest();
    let days = days(shown, &user_id, &rows, strip.is_here && is_start);
    let position = |position, way| cursor::encode(position, Order::Descending, way);
    let user = User {
        traits: Traits::new(&circle, &glance, &sight),
        frame: Frame::new(&service, &staff, sight, Part::Elsewhere, &*strip.name),
        link: links::user(&user_id),
        chips: chips(&newest.events, &asked),
        newer: page.previous.map(|at| asked.link(&[("cursor", &position(at, Way::Back))])),
        older: page.next.map(|at| asked.link(&[("cursor", &position(at, Way::Onwards))])),
        newest: page.events.first().map(|event| position(event.position(), Way::Back)),
        may_be_incomplete: page.may_be_incomplete,
        is_empty: days.is_empty(),
        kept: how_long(&service.options.retention),
        activity,
        reason: staff.actor.reason.unwrap_or_default(),
        user_id,
        strip,
        days,
        hidden,
        asked,
    };
    Ok(match user.asked.is_fragment {
        true => Page(user.as_journey()).into_response(),
        false => Page(user).into_response(),
    })
}

/// The page that is asked for.
async fn wanted(
    service: &Service,
    circle: &Circle,
    asked: &Asked,
) -> Result<journeys::Page, Problem> {
    let range = asked.range(circle);
    let journeys = &service.journeys;
    Ok(match &asked.start {
        Start::Onwards(_) => journeys.page(&range, LIMIT).await?,
        Start::Back(before) => {
            let mut page = journeys.page_before(&range, *before, LIMIT).await?;
            page.turn();
            page
        }
        Start::Around(event_id) => {
            let page = journeys.page_around(&range, event_id, LIMIT).await?;
            page.ok_or_else(Problem::unknown_event)?
        }
    })
}

/// Nothing where all of it is kept for good.
fn how_long(retention: &Retention) -> Option<String> {
    retention.shortest()?;
    let kept = kept(retention, "");
    Some(if retention.of_others().is_some() { format!("for {kept}") } else { kept })
}

/// The types of the newest events, those first of which there are most.
fn chips(events: &[StoredEvent], asked: &Asked) -> Vec<Chip> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        *counts.entry(&event.kind).or_default() += 1;
    }
    for kind in &asked.types {
        counts.entry(kind).or_default();
    }
    let mut chips: Vec<Chip> = counts
        .into_iter()
        .map(|(kind, count)| {
            let (icon, hue) = sentence::look(kind);
            let is_on = asked.types.iter().any(|wanted| wanted == kind);
            Chip { kind: kind.to_owned(), name: sentence::name(kind), icon, hue, count, is_on }
        })
        .collect();
    chips.sort_by_key(|chip| std::cmp::Reverse((chip.hue == Hue::Err, chip.count)));
    chips
}
