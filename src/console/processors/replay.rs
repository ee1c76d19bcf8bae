//! Sending events again.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{NaiveDateTime, TimeZone as _};
use trailkeep_event::Timestamp;

use super::acts::{ask as ask_deliverer, question};
use super::link;
use crate::access::audit::action;
use crate::console::administrator::Administrator;
use crate::console::page::Page;
use crate::console::question::Question;
use crate::console::sight::Sight;
use crate::http::Service;
use crate::http::input::Form;
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::processors;
use crate::http::query::Parameters;
use crate::processing::orders::{Became, Order, Range};

/// Which events, as a form names them.
struct Wanted {
    from: String,
    since: Option<Timestamp>,
    state: String,
    became: Option<Became>,
}

impl Wanted {
    fn read(fields: &mut Parameters, sight: &Sight) -> Self {
        let from = fields.text("from").unwrap_or_default().trim().to_owned();
        let since = Some(&*from).filter(|text| !text.is_empty()).and_then(|text| {
            let since = moment(text, sight);
            if since.is_none() {
                fields.fault("from", "must be a day and a time, such as 2026-01-31T10:00");
            }
            since
        });
        let state = fields.text("state").unwrap_or_default();
        let became = match &*state {
            "" => None,
            "processed" => Some(Became::Processed),
            "failed" => Some(Became::Failed),
            "skipped" => Some(Became::Skipped),
            _ => {
                fields.fault("state", "must be processed, failed, skipped or empty");
                None
            }
        };
        Self { from, since, state, became }
    }

    fn words(&self, sight: &Sight) -> String {
        let which = match self.became {
            None => "All events that it wants",
            Some(Became::Processed) => "The events that it took",
            Some(Became::Failed) => "The events that were given up",
            Some(Became::Skipped) => "The events that were skipped",
        };
        match self.since {
            Some(since) => {
                format!("{which}, of {} and later", sight.at(since).format("%-d %B %Y, %H:%M",))
            }
            None => format!("{which}, from the beginning"),
        }
    }
}

/// A moment that a field of day and time names, in the zone of the page.
fn moment(text: &str, sight: &Sight) -> Option<Timestamp> {
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    let at = sight.zone.from_local_datetime(&local).earliest()?;
    Timestamp::from_millis(at.timestamp_millis())
}

/// Asks whether events are to be sent again.
pub async fn ask(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    PathText(name): PathText,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let wanted = Wanted::read(&mut parameters, &sight);
    parameters.finish()?;
    processors::one(&service, &name).await?;
    let what = format!(
        "{} are sent to it again, in each user’s order, before what comes in meanwhile. It gets \
         them a second time: what it does for an event it may do twice, unless it minds the \
         number of the run in webhook-id.",
        wanted.words(&sight)
    );
    let head = format!("Send events to {name} again?");
    let question = question(&service, &staff, sight, (&name, head, what));
    let fields = vec![("from", wanted.from), ("state", wanted.state)];
    let action = format!("{}/replay", link(&name));
    let yes = "Send them again".to_owned();
    Ok(Page(Question { fields, action, yes, no: "Send nothing", ..question }).into_response())
}

/// Sends them again.
pub async fn replay(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    PathText(name): PathText,
    Form(mut form): Form,
) -> Result<Redirect, Problem> {
    let wanted = Wanted::read(&mut form, &sight);
    form.finish()?;
    let from = wanted.since.map(Timestamp::as_millis);
    let order = Order::Replay(Range { from, state: wanted.became, ..Range::default() });
    ask_deliverer(&service, &staff.actor, (&name, action::REPLAY, None), &order).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chrono_tz::Tz;

    use super::*;
    use crate::console::sight::Theme;

    #[test]
    fn a_moment_is_of_the_zone_of_the_page() {
        let sight = Sight {
            zone: Tz::Europe__Berlin,
            theme: Theme::Auto,
            now: Timestamp::from_millis_clamped(0),
            place: String::new(),
        };
        let at = |text| moment(text, &sight).map(|at| at.to_string());
        assert_eq!(at("2026-01-31T10:00").as_deref(), Some("2026-01-31T09:00:00.000Z"));
        assert_eq!(at("2026-07-01T10:00:30").as_deref(), Some("2026-07-01T08:00:30.000Z"));
        for wrong in ["2026-01-31", "soon", "2026-03-29T02:30"] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}
