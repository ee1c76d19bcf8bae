//! What happened, as text for a ticket.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::looking::look;
use super::strip::Strip;
use crate::console::journey::{Rows, days};
use crate::console::links;
use crate::console::sight::Sight;
use crate::http::Service;
use crate::http::guard::Staff;
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::query::fault_of_id;
use crate::journeys::profile::Glance;

/// Events that a ticket has.
const MOST: usize = 30;

/// Who it is, and the newest events, as plain text.
pub async fn ticket(
    State(service): State<Arc<Service>>,
    staff: Staff,
    sight: Sight,
    PathText(user_id): PathText,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if fault_of_id(&user_id).is_some() {
        return Err(Problem::unknown_user());
    }
    let (circle, mut page) = look(&service, &staff.actor, &user_id).await?;
    let glance = Glance::of(&circle, &page);
    let team = service.access.team.now().await;
    let strip = Strip::new(&circle, &glance, &page.events, &sight, &team);
    page.events.truncate(MOST);
    let mut text = head(&strip, &user_id);
    let rows = Rows { sight: &sight, team: &team, open: None };
    for day in days(&page.events, &user_id, &rows, false) {
        let _ = writeln!(text, "\n{} ({})", day.date, sight.offset());
        for row in day.sessions.iter().flat_map(|session| &session.rows) {
            let times =
                if row.count() > 1 { format!(" (×{})", row.count()) } else { String::new() };
            let _ = writeln!(text, "{}  {}{times}", row.at.text, row.text());
        }
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let _ = writeln!(text, "\n{host}{}", links::user(&user_id));
    Ok(text.into_response())
}

fn head(strip: &Strip, user_id: &str) -> String {
    let mut text = strip.name.clone();
    match &strip.email {
        Some(email) if *email != strip.name => {
            let _ = write!(text, ", {email}");
        }
        _ => {}
    }
    if strip.name != user_id {
        let _ = write!(text, ", user {user_id}");
    }
    text.push('\n');
    let seen = strip.last_seen.as_ref().map(|seen| &*seen.full).unwrap_or("never");
    let _ = writeln!(text, "Last seen: {seen}");
    if let Some((page, _)) = &strip.page {
        let _ = writeln!(text, "Last page: {page}");
    }
    if let Some((error, _, when)) = &strip.error {
        let _ = writeln!(text, "Last error: {error}, {}", when.full);
    }
    if let Some(device) = &strip.device {
        let _ = writeln!(text, "Device: {device}");
    }
    text
}
