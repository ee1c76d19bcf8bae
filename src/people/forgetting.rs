//! What events said of ids, taken back: the events are erased, and nothing of what they said
//! may stay.
//!
//! The rows of the ids themselves are removed by whoever erases. Here is what the events said
//! of *others*: whose a session is, and that the user was signed in on an anonymous id which is
//! another's. That somebody was stays there, without a name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use trailkeep_event::{Accepted, Arrival, Event, Payload};
use trailkeep_store::people::{MAX_PEOPLE, Person, Row};
use trailkeep_store::{StoreError, StoredEvent};

use super::known::Known;
use super::{People, facts};

/// How often rows are read again that somebody else changed meanwhile.
const TRIES: u32 = 10;

/// What an event of a user said of others.
pub struct Said<'a> {
    /// The anonymous id beside the user.
    pub anonymous_id: Option<&'a str>,
    /// The session.
    pub session_id: Option<&'a str>,
}

impl People {
    /// Forgets what events of a user that arrived before a number said of others, also where it
    /// was never kept. Answers how many sessions there were.
    ///
    /// # Errors
    ///
    /// Those of the store. It may be done again.
    pub async fn forget<'a>(
        &self,
        user_id: &str,
        before: Arrival,
        said: impl IntoIterator<Item = Said<'a>>,
    ) -> Result<u64, StoreError> {
        let (mut others, mut sessions) = (BTreeSet::new(), BTreeSet::new());
        for Said { anonymous_id, session_id } in said {
            others.extend(anonymous_id.filter(|id| *id != user_id));
            sessions.extend(session_id);
        }
        let others: Vec<&str> = others.into_iter().collect();
        for some in others.chunks(MAX_PEOPLE) {
            self.forget_claims(user_id, before, some).await?;
        }
        let mut removed = 0;
        let sessions: Vec<&str> = sessions.into_iter().collect();
        for some in sessions.chunks(MAX_PEOPLE) {
            removed += self.store.remove_sessions(some, user_id).await?;
        }
        Ok(removed)
    }

    /// Forgets what these events said of others. Answers how many sessions there were of each
    /// of their users.
    ///
    /// # Errors
    ///
    /// Those of the store. It may be done again.
    pub async fn forget_events<'a>(
        &self,
        events: &'a [Arc<Accepted>],
    ) -> Result<Vec<(&'a str, u64)>, StoreError> {
        let mut by_user: BTreeMap<&str, (Arrival, Vec<Said<'_>>)> = BTreeMap::new();
        for Accepted { event, arrival } in events.iter().map(|accepted| &**accepted) {
            let said = Said {
                anonymous_id: event.anonymous_id.as_deref(),
                session_id: event.session_id.as_deref(),
            };
            let (last, all) = by_user.entry(&event.user_id).or_insert((*arrival, Vec::new()));
            *last = (*last).max(*arrival);
            all.push(said);
        }
        let mut sessions = Vec::with_capacity(by_user.len());
        for (user_id, (last, said)) in by_user {
            let before = Arrival::from_i64(last.as_i64().saturating_add(1));
            sessions.push((user_id, self.forget(user_id, before, said).await?));
        }
        Ok(sessions)
    }

    async fn forget_claims(
        &self,
        user_id: &str,
        before: Arrival,
        ids: &[&str],
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let rows = self.store.people(ids).await?.into_iter();
            let changed = rows.filter_map(|Row { mut person, rev }| {
                person.forget(user_id, before).then_some(Row { person, rev })
            });
            let changed: Vec<Row> = changed.collect();
            if changed.is_empty() || self.store.keep(&changed).await? == 0 {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable(format!("others changed the same people {TRIES} times")))
    }

    /// Takes nothing for kept any more: rows may have been removed.
    pub fn forget_known(&self) {
        *self.known.lock() = Known::default();
    }

    /// Keeps what stored events say, whatever is known to be kept.
    ///
    /// # Errors
    ///
    /// Those of the store. It may be done again.
    pub async fn keep_again(&self, events: Vec<StoredEvent>) -> Result<(), StoreError> {
        let events: Vec<Accepted> = events.into_iter().map(accepted).collect();
        let people: Vec<Person> = events.iter().flat_map(facts::said_by).collect();
        let sessions: Vec<_> = events.iter().filter_map(facts::of_session).collect();
        self.merge(&people).await?;
        for some in sessions.chunks(MAX_PEOPLE) {
            self.store.note_sessions(some).await?;
        }
        Ok(())
    }
}

/// A payload that somebody has spoilt by hand says nothing.
fn accepted(stored: StoredEvent) -> Accepted {
    let arrival = stored.arrival;
    let event = Event {
        id: stored.id,
        user_id: stored.user_id,
        event_id: stored.event_id,
        kind: stored.kind,
        anonymous_id: stored.anonymous_id,
        session_id: stored.session_id,
        account_id: stored.account_id,
        payload: Payload::from_kept_json(&stored.payload).unwrap_or_else(|_| Payload::empty()),
        occurred_at: stored.occurred_at,
        received_at: stored.received_at,
    };
    Accepted { event, arrival }
}
