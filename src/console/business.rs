//! A business account: what its users did by type over time, who they are, what came
//! newest.

mod activity;

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use trailkeep_store::summaries::{Bucket, UserEvents};
use trailkeep_store::{Order, StoredEvent};

use super::chart::Chart;
use super::frame::{Frame, Part};
use super::journey::sentence::cut;
use super::journey::{Row, Rows};
use super::links;
use super::numbers::thousands;
use super::page::Page;
use super::sight::{Sight, When};
use crate::access::team::settings::TeamSettings;
use crate::http::Service;
use crate::http::accounts::{events, named_window};
use crate::http::guard::Staff;
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::journeys::cursor::{self, Way};
use crate::summaries::{Counted, Question, Window};
use activity::Activity;

/// Newest events on a page.
const LIMIT: usize = 50;

/// Characters of who did something, where it is told beside what they did.
const WHO_CHARS: usize = 40;

/// Users that are named.
const TOP: usize = 10;
/// The same where all are asked for.
const MOST_TOP: usize = 100;

#[derive(Template)]
#[template(path = "business.html")]
struct Account {
    frame: Frame,
    account_id: String,
    windows: Vec<Choice>,
    /// What was counted; or why it could not be.
    summary: Result<Told, String>,
    newest: Option<Newest>,
    days: Vec<Day>,
    /// Links to the newest events, and to those before these.
    newer: Option<String>,
    older: Option<String>,
    may_be_incomplete: bool,
}

/// A time that may be looked at.
struct Choice {
    name: &'static str,
    link: String,
    is_chosen: bool,
}

/// What was counted.
struct Told {
    span: &'static str,
    total: String,
    users: String,
    errors: String,
    has_errors: bool,
    counted: When,
    chart: Chart,
    top: Vec<User>,
    /// A link to more users.
    all: Option<String>,
}

/// One of the users with most events.
struct User {
    id: String,
    link: String,
    events: String,
    percent: u64,
    /// Of a bar that is 100 long for the first.
    bar: u64,
}

/// The newest event.
struct Newest {
    at: When,
    what: String,
    who: String,
}

/// Events of one day.
struct Day {
    name: String,
    date: String,
    rows: Vec<Line>,
}

/// One event: its row, where it leads, and the beginning of who did it.
struct Line {
    row: Row,
    link: String,
    who: String,
}

/// The page.
pub async fn page(
    State(service): State<Arc<Service>>,
    staff: Staff,
    sight: Sight,
    PathText(account_id): PathText,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    parameters.check_id("accountId", &account_id);
    let window = named_window(&mut parameters).unwrap_or(Window::Last24h);
    let top = parameters.number("top", 1..=MOST_TOP).unwrap_or(TOP);
    let after = events::after(&mut parameters);
    parameters.finish()?;

    let page = events::newest(&service, &staff.actor, &account_id, after, LIMIT).await?;
    let team = service.access.team.now().await;
    let bucket = Some(Bucket::Hour);
    let question = Question { account_id: account_id.clone(), window, top, bucket };
    let summary = service.summaries.summary(question).await.map_err(Problem::from);
    let link = |pairs: &[(&str, &str)]| {
        let mut all = vec![("window", window.name())];
        all.extend_from_slice(pairs);
        format!("{}?{}", links::account(&account_id), links::query(&all))
    };
    let all = link(&[("top", &MOST_TOP.to_string())]);
    let older = page.next.map(|at| cursor::encode(at, Order::Descending, Way::Onwards));
    let account = Account {
        windows: windows(&account_id, window),
        summary: match summary {
            Ok(counted) => Ok(Told::new(&counted, all, &sight)),
            Err(problem) => Err(problem.detail().to_owned()),
        },
        newest: page.events.first().filter(|_| after.is_none()).map(|event| {
            let row = Rows { sight: &sight, team: &team, open: None }.row(event);
            let (at, what) = (sight.ago(event.occurred_at), row.text());
            Newest { at, what, who: cut(&row.user_id, WHO_CHARS) }
        }),
        days: days(&page.events, &sight, &team),
        newer: after.map(|_| link(&[]) + "#newest"),
        older: older.map(|cursor| link(&[("cursor", &cursor)]) + "#newest"),
        may_be_incomplete: page.may_be_incomplete,
        frame: Frame::new(&service, &staff, sight, Part::Elsewhere, &*account_id),
        account_id,
    };
    Ok(Page(account).into_response())
}

fn windows(account_id: &str, window: Window) -> Vec<Choice> {
    let choice = |one: Window| Choice {
        name: span(one),
        link: format!("{}?window={}", links::account(account_id), one.name()),
        is_chosen: one == window,
    };
    Window::NAMED.into_iter().map(choice).collect()
}

fn span(window: Window) -> &'static str {
    match window {
        Window::Last7d => "7 days",
        Window::Last24h | Window::Between(..) => "24 hours",
    }
}

impl Told {
    fn new(counted: &Counted, all: String, sight: &Sight) -> Self {
        let summary = &counted.summary;
        let window = counted.question.window;
        let activity = Activity::new(window, (counted.from, counted.to), summary);
        let most = summary.top_users.first().map_or(1, |user| user.events.max(1));
        let user = |user: &UserEvents| User {
            id: user.user_id.clone(),
            link: links::user(&user.user_id),
            events: thousands(user.events),
            percent: user.events * 100 / summary.total.max(1),
            bar: (user.events * 100 / most).max(1),
        };
        let named = u64::try_from(summary.top_users.len()).unwrap_or(u64::MAX);
        let is_more = summary.unique_users > named && counted.question.top < MOST_TOP;
        Self {
            span: span(window),
            total: thousands(summary.total),
            users: thousands(summary.unique_users),
            errors: thousands(activity.errors()),
            has_errors: activity.errors() > 0,
            counted: sight.clock(counted.computed_at),
            chart: activity.chart(sight),
            top: summary.top_users.iter().map(user).collect(),
            all: is_more.then_some(all),
        }
    }
}

/// The events, the newest first, by day; each with a link to its place in its user's
/// journey.
fn days(events: &[StoredEvent], sight: &Sight, team: &TeamSettings) -> Vec<Day> {
    let rows = Rows { sight, team, open: None };
    let days =
        events.chunk_by(|one, other| sight.day(one.occurred_at) == sight.day(other.occurred_at));
    let day = |events: &[StoredEvent]| {
        let first = events.first()?;
        let (name, date) = sight.day_names(sight.day(first.occurred_at));
        let rows = events.iter().map(|event| Line {
            row: rows.row(event),
            link: links::event(&event.user_id, &event.event_id),
            who: cut(&event.user_id, WHO_CHARS),
        });
        Some(Day { name, date, rows: rows.collect() })
    };
    days.filter_map(day).collect()
}
