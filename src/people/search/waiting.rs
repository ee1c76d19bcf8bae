//! What waits to be stored, and is found beside what is.

use std::sync::Arc;

use trailkeep_event::Accepted;
use trailkeep_store::people::Person;

/// What is accepted and not stored, as far as it is searched.
#[derive(Debug, Default)]
pub struct Waiting {
    /// What its events say of people, a row an id.
    pub people: Vec<Person>,
    /// The events, where [payloads are searched](super::Search::looks_into_payloads).
    pub events: Vec<Arc<Accepted>>,
}
