//! The audit trail: who did what, when and from where.

mod deed;

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use trailkeep_event::Timestamp;
use trailkeep_store::access::{AuditEntry, AuditRange};
use uuid::Uuid;

use super::administrator::Administrator;
use super::frame::{Frame, Part};
use super::links;
use super::page::Page;
use super::sight::{Sight, When};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::{Service, audit};
use crate::privacy::erase::is_name_of_erased;
use deed::{About, Deed};

const PAGE: &str = "/console/audit";

/// Bits of a UUID of version 7 behind its milliseconds.
const BITS_BEHIND_TIME: u32 = 80;

#[derive(Template)]
#[template(path = "audit.html")]
struct Trail {
    frame: Frame,
    asked: Asked,
    entries: Vec<Entry>,
    /// The page after this one.
    older: Option<String>,
    /// Whether this is not the first page.
    is_later: bool,
}

/// What of the trail is asked for, as the form has it.
struct Asked {
    actor: String,
    subject: String,
    day: String,
}

/// One line of the trail.
struct Entry {
    at: When,
    actor: String,
    /// What else this one did.
    of_actor: String,
    what: String,
    is_bad: bool,
    subject: Option<String>,
    /// The page of what it was done to.
    link: Option<String>,
    reason: Option<String>,
    client: Option<String>,
}

impl Asked {
    /// Whether anything is left out.
    fn is_filtered(&self) -> bool {
        !(self.actor.is_empty() && self.subject.is_empty() && self.day.is_empty())
    }

    fn older(&self, cursor: &str) -> String {
        let pairs = [("actor", &*self.actor), ("subject", &self.subject), ("cursor", cursor)];
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        format!("{PAGE}?{}", links::query(&pairs))
    }
}

impl Entry {
    fn of(entry: AuditEntry, sight: &Sight) -> Self {
        let deed = Deed::of(&entry.action);
        let link = entry.subject.as_deref().and_then(|subject| match deed.about {
            About::User if is_name_of_erased(subject) => None,
            About::User => Some(links::user(subject)),
            About::Account => Some(links::account(subject)),
            About::Thing => None,
        });
        let mut at = sight.clock(entry.at);
        if sight.day(entry.at) != sight.day(sight.now) {
            at.text = format!("{}, {}", sight.date(entry.at).text, at.text);
        }
        Self {
            at,
            of_actor: format!("{PAGE}?{}", links::query(&[("actor", &entry.actor)])),
            actor: entry.actor,
            what: deed.words.into_owned(),
            is_bad: deed.is_bad,
            subject: entry.subject,
            link,
            reason: entry.reason,
            client: entry.client,
        }
    }
}

/// A page of the trail, the newest first.
pub async fn page(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let paging = audit::page_asked(&mut parameters);
    let mut field = |name| parameters.text(name).unwrap_or_default().trim().to_owned();
    let asked = Asked { actor: field("actor"), subject: field("subject"), day: field("day") };
    let before = before(&mut parameters, &asked.day, &sight);
    parameters.finish()?;
    let is_later = paging.after.is_some();
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let range = AuditRange {
        before: paging.after.or(before),
        actor: given(&asked.actor),
        subject: given(&asked.subject),
    };
    let (entries, next) = audit::read(&service, &range, &paging).await?;
    let page = Trail {
        entries: entries.into_iter().map(|entry| Entry::of(entry, &sight)).collect(),
        older: next.map(|cursor| asked.older(&cursor)),
        frame: Frame::new(&service, &staff, sight, Part::Audit, "Audit"),
        asked,
        is_later,
    };
    Ok(Page(page).into_response())
}

/// The least id of the day after the one that is asked for.
fn before(parameters: &mut Parameters, day: &str, sight: &Sight) -> Option<Uuid> {
    if day.is_empty() {
        return None;
    }
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok();
    let next = day.and_then(|day| day.succ_opt()).map(|next| sight.start_of(next));
    if next.is_none() {
        parameters.fault("day", "must be a day, such as 2025-12-31");
    }
    next.map(least_id)
}

fn least_id(moment: Timestamp) -> Uuid {
    let millis = u128::try_from(moment.as_millis()).unwrap_or(0);
    Uuid::from_u128(millis << BITS_BEHIND_TIME)
}

#[cfg(test)]
mod tests {
    use uuid::timestamp::{Timestamp as UuidTime, context::ContextV7};

    use super::*;

    #[test]
    fn ids_of_a_moment_and_later_lie_behind_its_least_one() {
        let id_at = |millis: u64| {
            let nanos = u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000;
            Uuid::new_v7(UuidTime::from_unix(ContextV7::new(), millis / 1000, nanos))
        };
        let least = least_id(Timestamp::from_millis_clamped(1_765_794_600_000));
        assert!(id_at(1_765_794_599_999) < least);
        assert!(id_at(1_765_794_600_000) > least);
    }
}
