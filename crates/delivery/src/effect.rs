//! What a [`Window`](crate::Window) asks of a database, as data.

use trailkeep_event::{Arrival, StoreId};

use crate::names::{DocumentId, ParkRecord, UserKey};

/// Something to be done. It is tried until the database has acknowledged it, or the
/// lease is lost; its result is then reported to the window. Effects may be carried out
/// in any order and side by side, and an earlier try may take place at any later time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Find out which of these events have an outcome:
    /// [`looked_up`](crate::Window::looked_up).
    LookUp(Vec<StoreId>),
    /// Keep the outcome of an event: [`recorded`](crate::Window::recorded).
    Record {
        /// Whose event it is.
        user: UserKey,
        /// Which event.
        id: StoreId,
    },
    /// Make a record, or lower the one that is there:
    /// [`parked`](crate::Window::parked).
    Park(ParkRecord),
    /// Find the lowest pending events of a user from a number on:
    /// [`read`](crate::Window::read).
    Read {
        /// Whose events.
        user: UserKey,
        /// From which number on.
        from: Arrival,
        /// How many to look at, at the most.
        limit: usize,
    },
    /// Replace a record by another: [`moved`](crate::Window::moved).
    Move {
        /// What has to be there.
        expected: ParkRecord,
        /// What comes in its place.
        next: ParkRecord,
    },
    /// Remove a record: [`unparked`](crate::Window::unparked).
    Unpark(ParkRecord),
    /// Remove documents from the feed. Nothing is reported.
    Forget(Vec<DocumentId>),
    /// Say that this is done, which was [`ended`](crate::Window::ended). Nothing is
    /// reported.
    Finish(Ticket),
}

/// Something that a person asked for, as its carrier numbers it.
pub type Ticket = u64;

/// What follows an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The processor took the event. Nobody contradicts that.
    Done,
    /// It is given up. Another owner may have had more luck.
    GivenUp,
    /// It is given up, and the user waits for a person.
    Held,
}

/// What came of asking for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Covering {
    /// The stored record covers it.
    Covered,
    /// It is being made or lowered: ask again.
    Begun,
    /// Something else is under way with it: ask again.
    Busy,
}

/// What came of letting a user go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Releasing {
    /// The user does not wait at that event.
    NotHeld,
    /// It is begun: ask again.
    Begun,
    /// Something else is under way: ask again.
    Busy,
}

/// What was found of a user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Found {
    /// Events without an outcome, by arrival number and identity.
    pub pending: Vec<(Arrival, StoreId)>,
    /// The number of the last event that was looked at, where there are more behind it.
    pub up_to: Option<Arrival>,
}
