//! Everything that this instance accepts, as it comes.
//!
//! The page asks for what comes next and is answered when something has come, or after
//! some seconds: so its rows are made here, from the template of all rows, and a reader
//! that is slow asks less often. Where it goes on is the position of a stream of the API.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use tokio::time::{sleep, timeout};
use trailkeep_store::StoredEvent;

use super::frame::{Frame, Part};
use super::journey::{Row, Rows};
use super::links;
use super::page::Page;
use super::sight::Sight;
use crate::access::audit::action;
use crate::http::Service;
use crate::http::guard::Staff;
use crate::http::on_terms::OnTerms;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::terms::Terms;
use crate::live::{Said, What};

/// How long an answer waits for something to come.
const WAIT: Duration = Duration::from_secs(10);

/// How long it waits for more, once something has come: rows come in small groups.
const GATHER: Duration = Duration::from_millis(250);

/// Rows of one answer: what one second of a stream shows.
const MOST: usize = 50;

#[derive(Template)]
#[template(path = "live.html")]
struct Live {
    frame: Frame,
    from: String,
}

/// What came, the newest first.
#[derive(Template)]
#[template(path = "live/rows.html")]
pub struct Came {
    rows: Vec<(Row, String)>,
    /// Events that are not shown.
    skipped: u64,
    /// Whether others may have come that are not shown.
    has_gap: bool,
    from: String,
}

/// The page.
pub async fn page(
    State(service): State<Arc<Service>>,
    staff: Staff,
    sight: Sight,
) -> Result<Response, Problem> {
    service.access.audit.note(&staff.actor, action::WATCH_ALL, None);
    let from = service.live.of_instance(None).id().to_string();
    let frame = Frame::new(&service, &staff, sight, Part::Live, "Live");
    Ok(Page(Live { frame, from }).into_response())
}

/// What comes next.
pub async fn rows(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    _staff: Staff,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let from = parameters.text("from");
    parameters.finish()?;
    Ok(Page(next(&service, &terms, &sight, from.as_deref()).await?).into_response())
}

/// Waits for what comes after a position; from now on where it is of another process.
pub async fn next(
    service: &Service,
    terms: &Terms,
    sight: &Sight,
    from: Option<&str>,
) -> Result<Came, Problem> {
    let _place = service.live.place(terms.max_streams)?;
    let mut stream = service.live.of_instance(from);
    let mut came = Came { rows: Vec::new(), skipped: 0, has_gap: false, from: String::new() };
    let mut events = Vec::new();
    if let Ok(said) = timeout(WAIT, stream.next()).await {
        came.take(said, &mut events);
        sleep(GATHER).await;
        while events.len() < MOST
            && let Ok(said) = timeout(Duration::ZERO, stream.next()).await
        {
            came.take(said, &mut events);
        }
    }
    let team = service.access.team.now().await;
    let rows = Rows { sight, team: &team, open: None };
    came.rows = events
        .iter()
        .rev()
        .map(|event| (rows.row(event), links::event(&event.user_id, &event.event_id)))
        .collect();
    came.from = stream.id().to_string();
    Ok(came)
}

impl Came {
    fn take(&mut self, said: Vec<Said>, events: &mut Vec<StoredEvent>) {
        for Said { what, .. } in said {
            match what {
                What::Event(event) => events.push(*event),
                What::Skipped(count) => self.skipped += count,
                What::Gap(_) => self.has_gap = true,
            }
        }
    }
}
