//! What came of a piece of work.

use std::collections::{BTreeSet, HashMap};

use trailkeep_delivery::lease::Replacement;
use trailkeep_delivery::{DocumentId, Entry, Found, Reader, UserKey};
use trailkeep_event::{Arrival, StoreId, Timestamp};
use trailkeep_store::Outcome;
use trailkeep_store::processing::{
    EventHead, FoundEvents, Parked, Processed, ProcessedEvent, ProcessedState, Processor,
};
use uuid::Uuid;

use crate::processing::orders::{Answer, Order, Progress};

/// What came of a piece of work.
pub enum Report {
    /// The feed was read; `None` where another is in charge.
    Polled(Reader, Option<Polled>),
    /// What is done, and the runs of what is pending in a later one.
    LookedUp(BTreeSet<StoreId>, Vec<(StoreId, u32)>),
    Recorded(Vec<(UserKey, Processed, Outcome)>),
    /// Whose it is, and whether it is stored.
    Parked(Parked, bool),
    Read(UserKey, Found, Vec<(StoreId, u32)>),
    Moved(UserKey, bool),
    Unparked(UserKey, bool),
    Forgotten,
    /// These were asked for, and that was found.
    Fetched(Vec<StoreId>, FoundEvents),
    /// The processor as it is now, and what people ask for, with how far that has come,
    /// oldest first.
    Orders(Option<Processor>, Vec<(Uuid, Order, Progress)>),
    /// The database has done its part of the next page.
    Prepared(Uuid, Page),
    /// It is told how far an order has come: from where it goes on, where it does.
    Told(Uuid, Option<Progress>),
    /// How many documents the feed has, where that was told.
    Published(Option<u64>),
    /// A renewal that was sent at that time was carried out, or found another lease.
    Renewed(Replacement, u64, bool),
}

/// What was found in the feed.
#[derive(Default)]
pub struct Polled {
    /// To be taken in.
    pub taken: Vec<(DocumentId, Vec<Entry>)>,
    /// Was handed on before, and is there still.
    pub again: Vec<DocumentId>,
}

/// A page of an order, as far as the database is concerned.
#[derive(Debug, Default)]
pub struct Page {
    /// Users whose records have to cover everything from a number on.
    pub covers: Vec<(UserKey, Box<str>, Arrival)>,
    /// Users who go on where they wait for a person at this event.
    pub releases: Vec<(UserKey, StoreId)>,
    /// How far the order has come with it.
    pub progress: Progress,
    /// What is answered with it, where it is the last.
    pub answer: Option<Answer>,
}

/// An order that is carried out.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The command that it is.
    pub id: Uuid,
    pub order: Order,
    pub progress: Progress,
    pub now: Timestamp,
}

impl Page {
    /// The only one.
    pub fn last(answer: Answer) -> Self {
        Self { answer: Some(answer), ..Self::default() }
    }
}

/// Runs of pending events that are not in their first.
pub fn runs(states: &HashMap<StoreId, (u32, ProcessedState)>) -> Vec<(StoreId, u32)> {
    let pending =
        states.iter().filter(|(_, (run, state))| *state == ProcessedState::Pending && *run > 0);
    pending.map(|(id, (run, _))| (*id, *run)).collect()
}

/// What of an event its outcome repeats.
pub fn event_of(head: EventHead) -> ProcessedEvent {
    ProcessedEvent {
        event_id: head.event_id,
        user_id: head.user_id,
        kind: head.kind,
        occurred_at: head.occurred_at,
        received_at: head.received_at,
    }
}
