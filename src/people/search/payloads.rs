//! Who has an event with what was typed at one of the payload keys of the settings.
//!
//! An event leads to the user in whose journey it is: the id's own, or the one whom the id
//! is linked to, as far as the link goes. What an administrator joined to another is that
//! one's, with all that is linked to it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::try_join_all;
use tracing::warn;
use trailkeep_event::{Accepted, Arrival, Timestamp};
use trailkeep_store::StoreError;
use trailkeep_store::payloads::{PayloadHit, PayloadKey, PayloadStore, PayloadValue};
use trailkeep_store::people::{PeopleStore, Person};

use super::waiting::Waiting;

/// The payload keys that are searched.
pub struct Payloads {
    store: Arc<dyn PayloadStore>,
    keys: Vec<PayloadKey>,
}

/// What was found by payloads.
#[derive(Default)]
pub(super) struct ByPayload {
    /// Each user once, with the key at which the newest event has it; those first whose
    /// event is newest.
    pub users: Vec<(Person, Box<str>)>,
    /// Keys that could not be searched.
    pub unsearched: Vec<Box<str>>,
}

/// An event, and the key at which it has what was typed.
struct Found<'a> {
    user_id: &'a str,
    occurred_at: Timestamp,
    received_at: Timestamp,
    arrival: Arrival,
    key: &'a PayloadKey,
}

impl Payloads {
    /// These keys.
    pub fn new(store: Arc<dyn PayloadStore>, keys: Vec<PayloadKey>) -> Self {
        Self { store, keys }
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Of each key as many events are read as users are wanted.
    pub(super) async fn find(
        &self,
        people: &dyn PeopleStore,
        text: &str,
        most: usize,
        waiting: &Waiting,
    ) -> Result<ByPayload, StoreError> {
        let Some(value) = PayloadValue::typed(text) else { return Ok(ByPayload::default()) };
        let searches = self.keys.iter().map(|key| self.store.by_payload(key, &value, most));
        let stored = try_join_all(searches).await?;
        let mut found = Vec::new();
        let mut unsearched = Vec::new();
        for (key, hits) in self.keys.iter().zip(&stored) {
            if let Some(hits) = hits {
                found.extend(hits.iter().map(|hit| Found::stored(hit, key)));
            } else {
                warn!(
                    key = key.as_str(),
                    "the index of a payload key is not there yet: searched without"
                );
                unsearched.push(key.as_str().into());
            }
            let its = waiting.events.iter().filter(|one| value.is_in(&one.event.payload, key));
            found.extend(its.map(|accepted| Found::waiting(accepted, key)));
        }
        found.sort_by_key(|event| std::cmp::Reverse((event.occurred_at, event.arrival)));
        let users = users_of(people, of_first_ids(found, most), waiting).await?;
        Ok(ByPayload { users, unsearched })
    }
}

impl<'a> Found<'a> {
    fn stored(hit: &'a PayloadHit, key: &'a PayloadKey) -> Self {
        Self {
            user_id: &hit.user_id,
            occurred_at: hit.occurred_at,
            received_at: hit.received_at,
            arrival: hit.arrival,
            key,
        }
    }

    fn waiting(accepted: &'a Accepted, key: &'a PayloadKey) -> Self {
        let event = &accepted.event;
        Self {
            user_id: &event.user_id,
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            arrival: accepted.arrival,
            key,
        }
    }
}

/// Those of the first so many ids.
fn of_first_ids(mut found: Vec<Found<'_>>, most: usize) -> Vec<Found<'_>> {
    let mut ids = HashSet::new();
    found.retain(|event| {
        ids.contains(event.user_id) || (ids.len() < most && ids.insert(event.user_id))
    });
    found
}

/// The users in whose journeys the events are, in the order of these.
async fn users_of(
    people: &dyn PeopleStore,
    found: Vec<Found<'_>>,
    waiting: &Waiting,
) -> Result<Vec<(Person, Box<str>)>, StoreError> {
    let mut rows = Rows { people, waiting, known: HashMap::new() };
    rows.read(found.iter().map(|event| event.user_id.into())).await?;
    for event in &found {
        rows.see(event);
    }
    let linked: Vec<Box<str>> = found.iter().map(|event| rows.linked_to(event)).collect();
    rows.read(linked.iter().cloned()).await?;
    let users: Vec<Box<str>> = linked.into_iter().map(|id| rows.joined_to(id)).collect();
    rows.read(users.iter().cloned()).await?;
    let users = users.into_iter().zip(found);
    let rows =
        users.filter_map(|(id, event)| Some((rows.known.remove(&id)?, event.key.as_str().into())));
    Ok(rows.collect())
}

/// What is known of ids, with what waits.
struct Rows<'a> {
    people: &'a dyn PeopleStore,
    waiting: &'a Waiting,
    known: HashMap<Box<str>, Person>,
}

impl Rows<'_> {
    /// Has a row of each of these; one of which nothing is known is taken for a user's.
    async fn read(&mut self, ids: impl Iterator<Item = Box<str>>) -> Result<(), StoreError> {
        let mut ids: Vec<Box<str>> = ids.filter(|id| !self.known.contains_key(id)).collect();
        ids.sort_unstable();
        ids.dedup();
        let wanted: Vec<&str> = ids.iter().map(|id| &**id).collect();
        let rows = self.people.people(&wanted).await?;
        self.known.extend(ids.iter().map(|id| (id.clone(), Person::new(id))));
        self.known.extend(rows.into_iter().map(|row| (row.person.id.clone(), row.person)));
        let waiting = self.waiting.people.iter().filter(|said| ids.contains(&said.id));
        for said in waiting {
            if let Some(row) = self.known.get_mut(&said.id) {
                row.merge(said);
            }
        }
        for id in ids {
            if let Some(row) = self.known.get_mut(&id)
                && *row == Person::new(&id)
            {
                row.is_named = true;
            }
        }
        Ok(())
    }

    /// An id may have no row yet, or none any more: then the event says when it was seen.
    fn see(&mut self, event: &Found<'_>) {
        if let Some(row) = self.known.get_mut(event.user_id)
            && row.seen.is_none()
        {
            *row = row.clone().seen_at(event.occurred_at.min(event.received_at));
        }
    }

    fn linked_to(&self, event: &Found<'_>) -> Box<str> {
        let link = self.known.get(event.user_id).and_then(Person::link);
        let link = link.filter(|link| link.has(event.arrival));
        link.map_or_else(|| event.user_id.into(), |link| link.user)
    }

    fn joined_to(&self, id: Box<str>) -> Box<str> {
        let decision = self.known.get(&id).and_then(|row| row.decided.as_ref());
        decision.and_then(|decision| decision.user.clone()).unwrap_or(id)
    }
}
