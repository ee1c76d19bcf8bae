//! What administrators ask of a processor.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::{PAGE, link};
use crate::access::audit::{Actor, action};
use crate::console::administrator::Administrator;
use crate::console::frame::{Frame, Part};
use crate::console::notice;
use crate::console::page::Page;
use crate::console::question::Question;
use crate::console::sight::Sight;
use crate::http::Service;
use crate::http::guard::Staff;
use crate::http::input::Form;
use crate::http::path::{PathText, PathTexts};
use crate::http::problem::Problem;
use crate::http::processors::{self, steering};
use crate::http::query::Parameters;
use crate::processing::orders::{Answer, Order, UserEvent};

/// Asks whoever delivers, and goes back to the page, which tells whether it is done.
pub(super) async fn ask(
    service: &Service,
    admin: &Actor,
    (name, action, user_id): (&str, &'static str, Option<&str>),
    order: &Order,
) -> Result<Redirect, Problem> {
    let asked = steering::order(service, admin, (name, action, user_id), order).await?;
    match asked.answer {
        Some(Answer::Conflict { message }) => Err(Problem::conflict(&message)),
        Some(Answer::Done { .. }) => Ok(notice::done(&link(name), "order-done")),
        None => Ok(notice::done(&link(name), "order-given")),
    }
}

/// Sends nothing until it is resumed.
pub async fn pause(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    PathText(name): PathText,
) -> Result<Redirect, Problem> {
    ask(&service, &staff.actor, (&name, action::PAUSE_PROCESSOR, None), &Order::Pause).await
}

/// Goes on.
pub async fn resume(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    PathText(name): PathText,
) -> Result<Redirect, Problem> {
    ask(&service, &staff.actor, (&name, action::RESUME_PROCESSOR, None), &Order::Resume).await
}

/// The user and the event that a form or an address names.
fn user_event(fields: &mut Parameters) -> UserEvent {
    let mut field = |name| {
        let text = fields.text(name).unwrap_or_default();
        fields.check_id(name, &text);
        text.into_boxed_str()
    };
    UserEvent { user_id: field("userId"), event_id: field("eventId") }
}

/// Does something about a user who is stuck.
pub async fn stuck(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    PathText(name): PathText,
    Form(mut form): Form,
) -> Result<Redirect, Problem> {
    let event = user_event(&mut form);
    let wanted = form.text("do");
    let user_id = event.user_id.clone();
    let order = match wanted.as_deref() {
        Some("retry") => Some((action::RETRY_USER, Order::Retry(event))),
        Some("skip") => Some((action::SKIP_USER, Order::Skip(event))),
        Some("release") => Some((action::RELEASE_USER, Order::Release(event))),
        _ => {
            form.fault("do", "must be retry, skip or release");
            None
        }
    };
    form.finish()?;
    let (action, order) = order.ok_or_else(Problem::internal)?;
    ask(&service, &staff.actor, (&name, action, Some(&user_id)), &order).await
}

/// Asks whether the event at which a user is stuck is to be skipped.
pub async fn ask_to_skip(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    PathText(name): PathText,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let event = user_event(&mut parameters);
    parameters.finish()?;
    let what = format!(
        "The event {} is not sent to {name} any more, and the events behind it are. It stays in \
         the journey, and counts as skipped.",
        event.event_id
    );
    let fields = vec![
        ("userId", event.user_id.to_string()),
        ("eventId", event.event_id.to_string()),
        ("do", "skip".to_owned()),
    ];
    let head = format!("Skip the event at which {} is stuck?", event.user_id);
    let question = question(&service, &staff, sight, (&name, head, what));
    let action = format!("{}/stuck", link(&name));
    let yes = "Skip it".to_owned();
    Ok(Page(Question { fields, action, yes, no: "Keep trying", ..question }).into_response())
}

/// Does something about an event that was given up.
pub async fn letter(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    PathText(name): PathText,
    Form(mut form): Form,
) -> Result<Redirect, Problem> {
    let id = form.text("id").unwrap_or_default();
    let event = id.parse::<Uuid>().unwrap_or_else(|_| {
        form.fault("id", "must be the id of a dead letter");
        Uuid::nil()
    });
    let order = match form.text("do").as_deref() {
        Some("retry") => Some((action::RETRY_DEAD_LETTER, Order::RetryLetter { event })),
        Some("drop") => Some((action::DROP_DEAD_LETTER, Order::DropLetter { event })),
        _ => {
            form.fault("do", "must be retry or drop");
            None
        }
    };
    form.finish()?;
    let (action, order) = order.ok_or_else(Problem::internal)?;
    ask(&service, &staff.actor, (&name, action, Some(&id)), &order).await
}

/// Asks whether an event that was given up is to be dropped.
pub async fn ask_to_drop(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    PathTexts(name, id): PathTexts,
) -> Result<Response, Problem> {
    let what = format!(
        "It is not sent to {name} any more, and counts as skipped. It stays in its user’s journey."
    );
    let head = "Drop the event that was given up?".to_owned();
    let question = question(&service, &staff, sight, (&name, head, what));
    let fields = vec![("id", id), ("do", "drop".to_owned())];
    let action = format!("{}/letters", link(&name));
    let yes = "Drop it".to_owned();
    Ok(Page(Question { fields, action, yes, no: "Keep it", ..question }).into_response())
}

/// Asks whether a processor that is in nobody's settings is to be removed.
pub async fn ask_to_remove(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    PathText(name): PathText,
) -> Result<Response, Problem> {
    let processor = processors::one(&service, &name).await?;
    let pending = match processor.lag.events {
        1 => "1 event waits for it, and is".to_owned(),
        count => format!("{count} events wait for it, and are"),
    };
    let what = format!(
        "{pending} not sent any more. What became of events stays. One that is in nobody’s \
         settings goes by itself after seven days."
    );
    let head = format!("Remove the processor {name}?");
    let question = question(&service, &staff, sight, (&name, head, what));
    let action = format!("{}/remove", link(&name));
    let yes = "Remove it".to_owned();
    Ok(Page(Question { action, yes, no: "Keep it", ..question }).into_response())
}

/// Removes it.
pub async fn remove(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    PathText(name): PathText,
) -> Result<Redirect, Problem> {
    processors::take_away(&service, &staff.actor, &name).await?;
    Ok(notice::done(PAGE, "processor-removed"))
}

/// A question about a processor: its head, and what will happen.
pub(super) fn question(
    service: &Service,
    staff: &Staff,
    sight: Sight,
    (name, head, what): (&str, String, String),
) -> Question {
    Question {
        frame: Frame::new(service, staff, sight, Part::Processors, &*head),
        head,
        words: vec![what],
        action: String::new(),
        fields: Vec::new(),
        yes: String::new(),
        no: "Keep it",
        back: link(name),
    }
}
