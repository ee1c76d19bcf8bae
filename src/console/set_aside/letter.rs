//! One event that was set aside, whole.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use trailkeep_store::dead_letters::DeadLetter;
use uuid::Uuid;

use super::{PAGE, words};
use crate::console::administrator::Administrator;
use crate::console::frame::{Frame, Part};
use crate::console::journey::Tree;
use crate::console::journey::json::Json;
use crate::console::page::Page;
use crate::console::question::Question;
use crate::console::sight::{Sight, When};
use crate::console::{links, notice};
use crate::dead_letters::Retried;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::{Service, dead_letters};

#[derive(Template)]
#[template(path = "set_aside/letter.html")]
struct Whole {
    frame: Frame,
    notice: Option<&'static str>,
    link: String,
    kind: String,
    user_id: String,
    user: String,
    event_id: String,
    anonymous_id: Option<String>,
    session_id: Option<String>,
    account_id: Option<String>,
    occurred: When,
    received: When,
    set_aside: When,
    tried: When,
    tries: u32,
    reason: &'static str,
    advice: &'static str,
    error: String,
    json: String,
    payload: Json,
}

impl Whole {
    fn new(frame: Frame, letter: &DeadLetter) -> Self {
        let event = &letter.accepted.event;
        let text = |text: &Option<Box<str>>| text.as_ref().map(ToString::to_string);
        let sight = &frame.sight;
        let (reason, advice) = words(letter.refusal.reason);
        let json = event.payload.to_json();
        Self {
            notice: None,
            link: format!("{PAGE}/{}", event.id),
            kind: event.kind.to_string(),
            user: links::user(&event.user_id),
            user_id: event.user_id.to_string(),
            event_id: event.event_id.to_string(),
            anonymous_id: text(&event.anonymous_id).filter(|id| **id != *event.user_id),
            session_id: text(&event.session_id),
            account_id: text(&event.account_id),
            occurred: sight.ago(event.occurred_at),
            received: sight.ago(event.received_at),
            set_aside: sight.ago(letter.set_aside_at),
            tried: sight.ago(letter.tried_at),
            tries: letter.tries,
            reason,
            advice,
            error: letter.refusal.error.clone(),
            payload: Json::payload(&json),
            json,
            frame,
        }
    }

    fn tree(&self) -> Tree<'_> {
        Tree::new("payload", &self.payload)
    }
}

/// The letter, and what can be done about it.
pub async fn page(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    PathId(id): PathId,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let notice = notice::asked(&mut parameters);
    parameters.finish()?;
    let letter = dead_letters::look(&service, &staff.actor, id).await?;
    let frame = Frame::new(&service, &staff, sight, Part::SetAside, "An event set aside");
    Ok(Page(Whole { notice, ..Whole::new(frame, &letter) }).into_response())
}

/// Tries to store it again.
pub async fn retry(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    PathId(id): PathId,
) -> Result<Redirect, Problem> {
    Ok(match dead_letters::retry_one(&service, &staff.actor, id).await? {
        Retried::Stored => notice::done(PAGE, "letter-stored"),
        Retried::Duplicate => notice::done(PAGE, "letter-known"),
        Retried::Refused(_) => notice::done(&format!("{PAGE}/{id}"), "letter-refused"),
    })
}

/// Asks whether it is to be dropped.
pub async fn ask(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let letter = dead_letters::look(&service, &staff.actor, id).await?;
    let event = &letter.accepted.event;
    let what = format!(
        "It is of the user {}, was received {}, and is in no journey. Dropped, it is gone for \
         good.",
        event.user_id,
        sight.ago(event.received_at).text
    );
    Ok(Page(Question {
        head: format!("Drop the event {}?", event.kind),
        frame: Frame::new(&service, &staff, sight, Part::SetAside, "Drop an event"),
        words: vec![what],
        action: link(id, "drop"),
        fields: Vec::new(),
        yes: "Drop it".to_owned(),
        no: "Keep it",
        back: format!("{PAGE}/{id}"),
    })
    .into_response())
}

fn link(id: Uuid, what: &str) -> String {
    format!("{PAGE}/{id}/{what}")
}

/// Drops it.
pub async fn drop_it(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    PathId(id): PathId,
) -> Result<Redirect, Problem> {
    dead_letters::drop_this(&service, &staff.actor, id).await?;
    Ok(notice::done(PAGE, "letter-dropped"))
}
