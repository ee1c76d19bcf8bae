//! One processor: who is stuck, what was given up, what was asked of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use trailkeep_event::Timestamp;
use trailkeep_store::processing::{Command, Processed};

use super::{Processor, link};
use crate::console::frame::{Frame, Part};
use crate::console::page::Page;
use crate::console::sight::{Sight, When};
use crate::console::{links, notice};
use crate::http::Service;
use crate::http::guard::Staff;
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::processors::bodies::StuckUserBody;
use crate::http::processors::{self, letters, steering, users};
use crate::http::query::Parameters;
use crate::processing::orders::{Answer, Order, Progress};

/// Events that were given up, on a page.
const LETTERS: usize = 50;

#[derive(Template)]
#[template(path = "processors/one.html")]
struct One {
    frame: Frame,
    notice: Option<&'static str>,
    processor: Processor,
    /// How many are stuck; some of them are told.
    stuck: Vec<Stuck>,
    letters: Vec<Letter>,
    older: Option<String>,
    commands: Vec<Asked>,
}

/// A user who is stuck.
struct Stuck {
    /// Whose event fails and which, with the page around it.
    event: Option<(String, String, String)>,
    is_held: bool,
    attempts: u32,
    error: Option<String>,
    next_try: Option<When>,
    waiting: u64,
    skip: String,
}

impl Stuck {
    fn of(body: StuckUserBody, name: &str, sight: &Sight) -> Self {
        let event = body.user_id.zip(body.event_id).map(|(user_id, event_id)| {
            let around = links::event(&user_id, &event_id);
            (user_id, event_id, around)
        });
        let skip = event.as_ref().map(|(user_id, event_id, _)| {
            let event = links::query(&[("userId", user_id), ("eventId", event_id)]);
            format!("{}/skip?{event}", link(name))
        });
        let next = body.next_try_at.as_deref().and_then(Timestamp::parse_rfc3339);
        Self {
            event,
            skip: skip.unwrap_or_default(),
            is_held: body.state == "held",
            attempts: body.attempts,
            error: body.last_error,
            next_try: next.map(|at| sight.clock(at)),
            waiting: body.waiting,
        }
    }
}

/// An event that was given up.
struct Letter {
    id: String,
    kind: String,
    /// Whose it is, with the page around it.
    user: Option<(String, String)>,
    error: String,
    failed: When,
    attempts: u32,
    drop: String,
}

impl Letter {
    fn of(outcome: Processed, name: &str, sight: &Sight) -> Self {
        let error = match (outcome.error, outcome.http_status) {
            (Some(error), _) => error.into(),
            (None, Some(status)) => format!("answered {status}"),
            (None, None) => String::new(),
        };
        let (kind, user) = match outcome.event {
            Some(event) => {
                let around = links::event(&event.user_id, &event.event_id);
                (event.kind.into(), Some((event.user_id.into(), around)))
            }
            None => ("an event that is gone".to_owned(), None),
        };
        Self {
            id: outcome.id.to_string(),
            kind,
            user,
            error,
            failed: sight.ago(outcome.processed_at),
            attempts: outcome.attempts,
            drop: format!("{}/letters/{}/drop", link(name), outcome.id),
        }
    }
}

/// Something that was asked of it.
struct Asked {
    at: When,
    what: &'static str,
    /// What came of it; `None` while it is open.
    came: Option<String>,
    seen: u64,
    events: u64,
}

impl Asked {
    fn of(command: Command, sight: &Sight) -> Self {
        let answer = command.answer.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let progress = command.progress.as_deref();
        let progress: Progress =
            progress.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let order = serde_json::from_str(&command.order).ok();
        Self {
            at: sight.ago(command.made_at),
            what: order.as_ref().map_or("Something this version does not know", words),
            came: answer.map(|answer| match answer {
                Answer::Done { message, .. } | Answer::Conflict { message } => message,
            }),
            seen: progress.seen,
            events: progress.events,
        }
    }
}

fn words(order: &Order) -> &'static str {
    match order {
        Order::Pause => "Pause",
        Order::Resume => "Resume",
        Order::Retry(_) => "Retry a stuck user",
        Order::Skip(_) => "Skip a stuck user’s event",
        Order::Release(_) => "Release a stuck user",
        Order::RetryLetter { .. } => "Retry an event that was given up",
        Order::DropLetter { .. } => "Drop an event that was given up",
        Order::Replay(range) if range.dry_run => "Count what would be sent again",
        Order::Replay(_) => "Send events again",
        Order::Backfill { .. } => "Send what was stored before",
        Order::Check { .. } => "Look for events that were missed",
    }
}

/// The page; what only administrators may see is there for them alone.
pub async fn page(
    State(service): State<Arc<Service>>,
    staff: Staff,
    sight: Sight,
    PathText(name): PathText,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let paging = letters::page_asked(&mut parameters).of(LETTERS);
    let notice = notice::asked(&mut parameters);
    parameters.finish()?;
    let processor = Processor::of(processors::one(&service, &name).await?);
    let stuck = users::stuck(&service, &staff.actor, &name).await?.users;
    let frame = Frame::new(&service, &staff, sight, Part::Processors, &*name);
    let sight = &frame.sight;
    let (mut given_up, mut older, mut commands) = (Vec::new(), None, Vec::new());
    if frame.is_admin {
        let (outcomes, next) = letters::read(&service, &staff.actor, &name, &paging).await?;
        given_up = outcomes.into_iter().map(|one| Letter::of(one, &name, sight)).collect();
        older = next.map(|cursor| {
            format!("{}?{}#given-up", link(&name), links::query(&[("cursor", &cursor)]))
        });
        commands = steering::asked_of(&service, &name).await?;
    }
    let commands = commands.into_iter().rev().map(|command| Asked::of(command, sight)).collect();
    let stuck = stuck.into_iter().map(|body| Stuck::of(body, &name, sight)).collect();
    let page = One { notice, processor, stuck, letters: given_up, older, commands, frame };
    Ok(Page(page).into_response())
}
