//! Users, found by what their events have in the payload at a few keys, such as the number
//! of an order.
//!
//! Each key has an index of its own on the events, of those alone that have the key: an
//! event without it costs nothing, and nothing is written beside the events. What is
//! compared is a whole text, or a number; what a list or an object has inside is not found.

mod key;
mod value;

use async_trait::async_trait;
use trailkeep_event::{Arrival, Timestamp};

use super::StoreError;

pub use key::PayloadKey;
pub use value::{MAX_VALUE_BYTES, PayloadValue};

/// An event that has what was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadHit {
    /// Whose event it is.
    pub user_id: Box<str>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its number in the order of arrival.
    pub arrival: Arrival,
}

/// Finds events by what their payloads have at a key.
#[async_trait]
pub trait PayloadStore: Send + Sync + 'static {
    /// Makes the indexes of these keys, and drops those that were made for others. Returns
    /// once all can be searched, which takes as long as all events take to be read; it has
    /// no other limit. May be called again, and by several instances at once.
    ///
    /// # Errors
    ///
    /// As of any call. What was begun may go on, and calling again ends it.
    async fn index_payloads(&self, keys: &[PayloadKey]) -> Result<(), StoreError>;

    /// The newest events that have the value at the key, newest first; of those that
    /// happened at once in any order. At most so many are read, so that fewer come where
    /// some of them cannot be read, or have the value in a list. `None` where there is no
    /// index of the key, or not yet: events are never searched without.
    async fn by_payload(
        &self,
        key: &PayloadKey,
        value: &PayloadValue,
        most: usize,
    ) -> Result<Option<Vec<PayloadHit>>, StoreError>;
}
