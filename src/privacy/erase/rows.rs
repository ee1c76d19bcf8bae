//! Who is who without the erased: their rows go, their names go from the rows of others, and what
//! was posted later is said again.
//!
//! A row has merged what all events of its id said, and cannot be taken apart. So it is removed,
//! and made again of the events that stay.

use std::sync::Arc;

use trailkeep_event::Arrival;
use trailkeep_store::erasures::{Erasure, ErasureStore, Mention, MentionedAt};
use trailkeep_store::people::{PeopleStore, Row};
use trailkeep_store::{Id, JourneyRange, Order, Store, StoreError};

use super::{before, named};
use crate::people::People;
use crate::people::forgetting::Said;

/// Events that are read at once.
const EVENTS: usize = 500;
/// Mentions that are forgotten at once: all of who is who is read for them.
const MENTIONS: usize = 100_000;
/// How often a row is read again that somebody else changed meanwhile.
const TRIES: u32 = 10;

/// Where rows are, and the events that they come from.
pub struct Rows {
    /// The rows.
    pub rows: Arc<dyn PeopleStore>,
    /// Where else ids are noted.
    pub store: Arc<dyn ErasureStore>,
    /// What events said.
    pub people: Arc<People>,
    /// The events.
    pub events: Arc<dyn Store>,
}

/// What went of who is who.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Rows.
    pub people: u64,
    /// Sessions.
    pub sessions: u64,
}

impl Rows {
    /// Removes the rows of an erasure's ids, and forgets their names elsewhere. Answers how many
    /// there were. Events that are written meanwhile may be missing in what is left, until they
    /// are [said again](Self::say_again).
    ///
    /// # Errors
    ///
    /// Those of the store. It may be done again.
    pub async fn remove(&self, erasure: &Erasure) -> Result<Removed, StoreError> {
        let ids: Vec<Id> = erasure.ids.iter().filter_map(named).collect();
        let names: Vec<&str> = ids.iter().map(|id| id.id.as_str()).collect();
        // Where only some can be named, the user need not be the first of these.
        let Some(until) = erasure.ids.iter().map(|erased| erased.until).max() else {
            return Ok(Removed::default());
        };
        let mut people = 0;
        for id in &ids {
            if id.until == Some(until) {
                people += self.rows.remove_people(&[&id.id]).await?;
            } else {
                self.empty(&id.id, &names, until).await?;
            }
        }
        Ok(Removed { people, sessions: self.forget_mentions(&ids).await? })
    }

    /// Forgets ids where they are noted as the users of sessions and of other ids. Answers how
    /// many sessions there were.
    async fn forget_mentions(&self, ids: &[Id]) -> Result<u64, StoreError> {
        let mut sessions = 0;
        if ids.is_empty() {
            return Ok(sessions);
        }
        loop {
            let mentions = self.store.mentions(ids, MENTIONS).await?;
            if mentions.is_empty() {
                return Ok(sessions);
            }
            for id in ids {
                let of_id = mentions.iter().filter(|mention| *mention.user_id == *id.id);
                sessions += self.people.forget(&id.id, before(id), of_id.map(said)).await?;
            }
        }
    }

    /// A part of what an id did is erased, for it is somebody else's since: who that is stays
    /// known.
    async fn empty(&self, id: &str, erased: &[&str], until: Arrival) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let Some(row) = self.rows.people(&[id]).await?.into_iter().next() else {
                return Ok(());
            };
            let row = Row { person: row.person.emptied(erased, until), rev: row.rev };
            if self.rows.keep(&[row]).await? == 0 {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable(format!("others changed the same row {TRIES} times")))
    }

    /// Keeps what events say that stay of these ids.
    ///
    /// # Errors
    ///
    /// Those of the store. It may be done again.
    pub async fn say_again(&self, erasure: &Erasure) -> Result<(), StoreError> {
        for id in erasure.ids.iter().filter_map(named) {
            let until = before(&id);
            let whole = vec![Id::whole(&*id.id)];
            let mut range = JourneyRange::whole(whole, Order::Ascending);
            loop {
                let part = self.events.journey(&range, EVENTS).await?;
                range.after = part.events.last().map(trailkeep_store::StoredEvent::position);
                let later = part.events.into_iter().filter(|event| event.arrival >= until);
                self.people.keep_again(later.collect()).await?;
                if !part.has_more {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn said(mention: &Mention) -> Said<'_> {
    match &mention.at {
        MentionedAt::Session(session) => Said { anonymous_id: None, session_id: Some(session) },
        MentionedAt::Id(id) => Said { anonymous_id: Some(id), session_id: None },
    }
}
