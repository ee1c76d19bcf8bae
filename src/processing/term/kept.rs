//! What a term remembers of events that are on their way.

use std::sync::Arc;

use trailkeep_delivery::UserKey;
use trailkeep_store::StoredEvent;
use trailkeep_store::processing::Processed;

use crate::processing::attempts::Attempts;

/// What is known of an event that is on its way.
#[derive(Default)]
pub struct Heading {
    pub attempts: Attempts,
    /// How often it was not found.
    pub missing: u32,
    pub first_sent_after: u64,
    /// When it is sent again, where it rests.
    pub rests_until: u64,
    pub body: Option<Arc<StoredEvent>>,
}

/// An event that fails.
pub struct Failing {
    pub user_id: Box<str>,
    pub event_id: Box<str>,
    pub error: Box<str>,
}

/// Outcomes that the database did not take.
#[derive(Default)]
pub struct NotRecorded {
    pub outcomes: Vec<(UserKey, Processed)>,
    /// When they are tried again; `None` where there are none.
    pub again_at: Option<u64>,
    /// How often some were tried again, since all were taken.
    pub rounds: u32,
}
