//! What a term wants done.

use std::sync::Arc;

use trailkeep_delivery::lease::Lease;
use trailkeep_delivery::{DocumentId, ParkRecord, Reader, UserKey};
use trailkeep_event::{Arrival, StoreId};
use trailkeep_store::StoredEvent;
use trailkeep_store::processing::Processed;
use uuid::Uuid;

use crate::processing::orders::{Answer, Progress};
use crate::processing::work::Asked;

/// Something that a term wants done.
pub enum Task {
    Poll(Reader, Lease),
    LookUp(Vec<StoreId>),
    Record(Vec<(UserKey, Processed)>),
    Park(ParkRecord, Option<Box<str>>, Option<StoreId>),
    Read(UserKey, Box<str>, Arrival, usize),
    Move(ParkRecord, ParkRecord),
    Unpark(ParkRecord),
    Forget(Vec<DocumentId>),
    Fetch(Vec<StoreId>),
    /// Read what people ask for.
    Orders,
    Prepare(Asked),
    Tell(Uuid, Progress, Option<Answer>),
    /// Send this event: which attempt of it, and whose it is.
    Send(UserKey, Arc<StoredEvent>, Attempt),
}

/// Which attempt at an event it is.
#[derive(Clone, Copy)]
pub struct Attempt {
    /// How often the event was asked for again after it was done.
    pub run: u32,
    /// From 1 in each run.
    pub number: u32,
}
