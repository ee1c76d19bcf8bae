//! What is known of a user, at a glance: who they are, whose ids are theirs, what they did
//! last and how much.
//!
//! All of it is of the user's own id and of those that are linked to it, each up to where
//! its link ends. What the newest events say is read from one page of the journey, so it
//! is there from the 202 on; days are counted in the store.

mod newest;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use trailkeep_event::time::Clock;
use trailkeep_event::{Arrival, Timestamp};
use trailkeep_store::activity::{Activity, ActivityStore};
use trailkeep_store::people::{Person, Trait};
use trailkeep_store::summaries::Bucket;
use trailkeep_store::{JourneyRange, Order, StoreError};

use super::linked::Circle;
use super::{Journeys, Page};
pub use newest::{Device, Newest};

/// Events that are read for what they say of a user: the newest.
pub const NEWEST: usize = 500;

/// Days that are counted, the present one among them.
pub const DAYS: i64 = 30;

/// Events that are counted at the most, the newest.
const MOST_COUNTED: u64 = 50_000;

/// What is known of a user.
pub struct Profile {
    /// Whose ids are the user's.
    pub circle: Circle,
    /// The newest events, up to [`NEWEST`] and a page's bytes.
    pub page: Page,
    /// What is known without counting.
    pub glance: Glance,
    /// The stored events of each of the last [`DAYS`] days of UTC, the oldest first. Where
    /// there are too many to be counted it begins with a later day, of which some are
    /// missing.
    pub activity: Vec<(Timestamp, u64)>,
}

/// What the ids of a user and its newest events tell by themselves.
pub struct Glance {
    /// What the newest events say.
    pub newest: Newest,
    /// The first and the last time that one of the ids was seen, up to an hour off where
    /// events came out of order.
    pub seen: Option<(Timestamp, Timestamp)>,
    /// The newest values, those of the user's own id first.
    pub traits: BTreeMap<Box<str>, Trait>,
    /// E-mail addresses, the one that was said last first.
    pub emails: Vec<Box<str>>,
}

impl Glance {
    /// Of the ids of a user, and a page with the newest events of all of them.
    pub fn of(circle: &Circle, page: &Page) -> Self {
        Self {
            newest: Newest::of(&page.events),
            seen: seen(circle, page),
            traits: traits(circle),
            emails: emails(circle),
        }
    }
}

/// Tells what is known of users.
pub struct Profiles {
    journeys: Journeys,
    activity: Arc<dyn ActivityStore>,
    clock: Arc<dyn Clock>,
}

impl Profiles {
    /// Of what is in the store and on its way there.
    pub fn new(
        journeys: Journeys,
        activity: Arc<dyn ActivityStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { journeys, activity, clock }
    }

    /// What is known of the user whose ids these are; `None` where nothing is.
    pub async fn of(&self, circle: Circle) -> Result<Option<Profile>, StoreError> {
        let range = JourneyRange::whole(circle.ids(), Order::Descending);
        let (page, activity) =
            tokio::try_join!(self.journeys.page(&range, NEWEST), self.activity(&circle))?;
        if page.events.is_empty() && circle.is_unknown() {
            return Ok(None);
        }
        Ok(Some(Profile { glance: Glance::of(&circle, &page), activity, circle, page }))
    }

    /// The days of [`Profile::activity`] alone.
    pub async fn activity(&self, circle: &Circle) -> Result<Vec<(Timestamp, u64)>, StoreError> {
        let counted: Vec<(String, Option<Arrival>)> =
            circle.ids().into_iter().map(|id| (id.id, id.until)).collect();
        let today = Bucket::Day.start_of(self.clock.now());
        let from = today.plus_millis(-(DAYS - 1) * Bucket::Day.millis());
        let activity = self.activity.activity(&counted, from, MOST_COUNTED).await?;
        Ok(days(&activity, from, today))
    }
}

/// The rows of the circle, the user's own first, each with the arrival before which it is
/// about the user.
fn rows(circle: &Circle) -> impl Iterator<Item = (&Person, Option<Arrival>)> {
    let linked = circle.linked.iter().map(|linked| (&linked.person, linked.until));
    std::iter::once((&circle.person, None)).chain(linked)
}

fn is_before(until: Option<Arrival>, said: Arrival) -> bool {
    until.is_none_or(|until| said < until)
}

fn seen(circle: &Circle, page: &Page) -> Option<(Timestamp, Timestamp)> {
    let rows = rows(circle).filter_map(|(row, until)| {
        let seen = row.seen?;
        let last = until.map_or(seen.last, |until| seen.last.min(until.moment()));
        Some((seen.first, last))
    });
    let events = page.events.iter().map(|event| {
        let at = event.occurred_at.min(event.received_at);
        (at, at)
    });
    rows.chain(events).reduce(|(first, last), other| (first.min(other.0), last.max(other.1)))
}

/// Beneath the user's own lies the newest of what linked ids have.
fn traits(circle: &Circle) -> BTreeMap<Box<str>, Trait> {
    let mut newest: BTreeMap<Box<str>, Trait> = BTreeMap::new();
    for (row, until) in rows(circle).skip(1) {
        for (key, said) in row.traits.iter().filter(|(_, said)| is_before(until, said.said)) {
            match newest.get_mut(key) {
                Some(known) if *known >= *said => {}
                Some(known) => known.clone_from(said),
                None => {
                    newest.insert(key.into(), said.clone());
                }
            }
        }
    }
    newest.extend(circle.person.traits.iter().map(|(key, said)| (key.into(), said.clone())));
    newest
}

fn emails(circle: &Circle) -> Vec<Box<str>> {
    let mut all: Vec<_> = rows(circle)
        .flat_map(|(row, until)| {
            row.emails.iter().filter(move |email| is_before(until, email.said))
        })
        .collect();
    all.sort_by_key(|email| Reverse(email.said));
    let mut emails: Vec<Box<str>> = Vec::new();
    for email in all {
        if !emails.contains(&email.address) {
            emails.push(email.address.clone());
        }
    }
    emails
}

/// Days without events stand between the others. A clock that is ahead may bring one more.
fn days(activity: &Activity, from: Timestamp, today: Timestamp) -> Vec<(Timestamp, u64)> {
    let counted: BTreeMap<Timestamp, u64> = activity.days.iter().copied().collect();
    let first = counted.first_key_value().filter(|_| !activity.is_whole);
    let mut day = first.map_or(from, |(day, _)| *day);
    let last = counted.last_key_value().map_or(today, |(day, _)| today.max(*day));
    let mut days = Vec::new();
    while day <= last {
        days.push((day, counted.get(&day).copied().unwrap_or_default()));
        day = day.plus_millis(Bucket::Day.millis());
    }
    days
}
