//! Who is who: what events say of ids, kept beside them.
//!
//! Events are never rewritten. That an anonymous id is a user's, when an id was seen and
//! what it is called is *said* by events ([`facts`]) and merged into one row an id, in any
//! order and as often as one likes (`trailkeep_store::people`): replay, duplicates and
//! several instances need no rules of their own.
//!
//! - **Kept.** What an event says is in the store before the journal forgets the event,
//!   also where the event turns out to be a duplicate (who stored it may have died before
//!   it kept this) or becomes a dead letter.
//! - *Once.* What is [known] to be kept is not written again. `firstSeen` and `lastSeen`
//!   of a row may be off by an hour, so that a user costs two writes an hour and not one an event.

pub mod facts;
pub mod forgetting;
pub mod indexing;
mod known;
pub mod search;

use std::sync::Arc;

use parking_lot::Mutex;
use tracing::error;
use trailkeep_event::Accepted;
use trailkeep_store::StoreError;
use trailkeep_store::people::{PeopleStore, Person, SessionUser};

use known::{Known, LAG_MS};

/// Keeps what events say of people.
pub struct People {
    store: Arc<dyn PeopleStore>,
    known: Mutex<Known>,
}

impl People {
    /// Of a store, of which nothing is known yet.
    pub fn new(store: Arc<dyn PeopleStore>) -> Self {
        Self { store, known: Mutex::default() }
    }

    /// Keeps what these events say. Once it has answered, it is in the store.
    ///
    /// # Errors
    ///
    /// Where the store cannot be reached or refuses us; all of it may be kept again.
    pub async fn keep(&self, events: &[Arc<Accepted>]) -> Result<(), StoreError> {
        let new: Vec<&Arc<Accepted>> = {
            let mut known = self.known.lock();
            events.iter().filter(|accepted| !known.covers(accepted)).collect()
        };
        if new.is_empty() {
            return Ok(());
        }
        let mut people: Vec<Person> = Vec::with_capacity(2 * new.len());
        let mut sessions: Vec<SessionUser> = Vec::new();
        for accepted in &new {
            people.extend(facts::said_by(accepted));
            sessions.extend(facts::of_session(accepted));
        }
        let (people, sessions) =
            tokio::join!(self.merge(&people), self.store.note_sessions(&sessions));
        people?;
        sessions?;
        let mut known = self.known.lock();
        new.into_iter().for_each(|accepted| known.keep(accepted));
        Ok(())
    }

    /// A row that somebody has spoilt by hand must keep no event from being stored: it is
    /// passed over, and told.
    async fn merge(&self, people: &[Person]) -> Result<(), StoreError> {
        match self.store.merge_in_lagging(people, LAG_MS).await {
            Err(StoreError::Unreadable(_)) => {}
            answer => return answer,
        }
        for person in people {
            match self.store.merge_in_lagging(std::slice::from_ref(person), LAG_MS).await {
                Err(StoreError::Unreadable(reason)) => {
                    error!(id = %person.id, reason, "what is kept of this id cannot be read");
                }
                answer => answer?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
