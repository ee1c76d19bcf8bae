//! The orders that a term carries out, and how far each is.

use std::collections::BTreeSet;

use trailkeep_delivery::Ticket;
use trailkeep_event::StoreId;
use uuid::Uuid;

use crate::processing::orders::{Order, Progress};
use crate::processing::work::Page;

/// The orders of a processor.
#[derive(Default)]
pub struct Agenda {
    /// Oldest first.
    pub orders: Vec<Carried>,
    /// Whether they were read in this term: nothing is sent before that, for one may say
    /// so.
    pub is_known: bool,
    pub is_reading: bool,
    pub wants_reading: bool,
    pub tickets: Ticket,
    /// What was answered in this term: a read that is under way may still find it open.
    pub answered: BTreeSet<Uuid>,
}

/// An order that is carried out.
pub struct Carried {
    pub id: Uuid,
    pub order: Order,
    pub progress: Progress,
    pub stage: Stage,
}

impl Carried {
    /// Whether it is about many events, so that one such is carried out at a time.
    pub fn is_long(&self) -> bool {
        matches!(self.order, Order::Replay(_) | Order::Backfill { .. } | Order::Check { .. })
    }
}

/// How far its page is.
pub enum Stage {
    /// The next page is to be begun.
    Next,
    /// The database does its part.
    Preparing,
    /// The window does.
    Settling(Page),
    /// An event that was at rest gets its outcome.
    Skipping(StoreId),
    /// The window has done its part, and waits for a renewal.
    Ending(Ticket, Page),
    /// It is being told.
    Telling,
}

impl Agenda {
    /// Of a term that has just begun.
    pub fn new() -> Self {
        Self { wants_reading: true, ..Self::default() }
    }

    /// Whether anything may be sent.
    pub fn lets_send(&self) -> bool {
        self.is_known && !self.is_paused()
    }

    /// Whether sending is paused by a person.
    pub fn is_paused(&self) -> bool {
        self.has(|order| matches!(order, Order::Pause))
    }

    /// Whether what was stored earlier comes before anything of the feed.
    pub fn is_catching_up(&self) -> bool {
        !self.is_known || self.has(|order| matches!(order, Order::Backfill { .. }))
    }

    /// Whether events are sent again that are pending one by one: until all of a user's
    /// are, none of them may be sent.
    pub fn is_replaying(&self) -> bool {
        self.orders.iter().any(|carried| {
            let is_begun =
                carried.progress.as_of.is_some() || !matches!(carried.stage, Stage::Next);
            let is_replay = matches!(&carried.order, Order::Replay(range) if !range.dry_run);
            is_begun && is_replay
        })
    }

    fn has(&self, is: impl Fn(&Order) -> bool) -> bool {
        self.orders.iter().any(|carried| is(&carried.order))
    }

    /// There may be new ones.
    pub fn read_soon(&mut self) {
        self.wants_reading = true;
    }
}
