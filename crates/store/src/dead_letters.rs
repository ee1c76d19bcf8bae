//! Events that a store refused for good, as they are kept instead.
//!
//! A dead letter has the whole event, with its identity and its arrival number,
//! so that it can be stored later as if it had never been refused. Its payload
//! is kept as JSON text: a rule that a person gave to events (a validator on a
//! field of the payload) and the server's limit of nesting do not reach into
//! it, and a payload whose BSON is too large for a document, which is 16 MiB,
//! has at most 8 MiB as text (the highest `events.max_payload_bytes`).

use std::sync::Arc;

use async_trait::async_trait;
use trailkeep_event::{Accepted, Arrival, Event, Payload, StoreId, Timestamp};

use super::{Outcome, Refusal, StoreError};

/// An event that was refused, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The event as it was accepted; its identity is the letter's too.
    pub accepted: Arc<Accepted>,
    /// Why it was refused when it was last tried.
    pub refusal: Refusal,
    /// When it was set aside.
    pub set_aside_at: Timestamp,
    /// When it was last tried; at first the same.
    pub tried_at: Timestamp,
    /// How often it was refused; 1 at first.
    pub tries: u32,
}

impl DeadLetter {
    /// A letter for an event that was refused just now.
    pub fn new(accepted: Arc<Accepted>, refusal: Refusal, now: Timestamp) -> Self {
        Self { accepted, refusal, set_aside_at: now, tried_at: now, tries: 1 }
    }

    /// All but what the tracker sent with it.
    pub fn head(&self) -> LetterHead {
        let event = &self.accepted.event;
        LetterHead {
            id: event.id,
            user_id: event.user_id.clone(),
            event_id: event.event_id.clone(),
            kind: event.kind.clone(),
            anonymous_id: event.anonymous_id.clone(),
            session_id: event.session_id.clone(),
            account_id: event.account_id.clone(),
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            arrival: self.accepted.arrival,
            refusal: self.refusal.clone(),
            set_aside_at: self.set_aside_at,
            tried_at: self.tried_at,
            tries: self.tries,
        }
    }
}

/// A dead letter without its payload, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterHead {
    /// The identity of the event, and of the letter.
    pub id: StoreId,
    /// Whose event it is.
    pub user_id: Box<str>,
    /// Under which the user was known before, as `Event` has it.
    pub anonymous_id: Option<Box<str>>,
    /// The tracker's name for it.
    pub event_id: Box<str>,
    /// `type` on the wire.
    pub kind: Box<str>,
    /// The visit it belongs to.
    pub session_id: Option<Box<str>>,
    /// The business account it belongs to.
    pub account_id: Option<Box<str>>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its number in the order of arrival.
    pub arrival: Arrival,
    /// Why it was refused when it was last tried.
    pub refusal: Refusal,
    /// When it was set aside.
    pub set_aside_at: Timestamp,
    /// When it was last tried.
    pub tried_at: Timestamp,
    /// How often it was refused.
    pub tries: u32,
}

impl LetterHead {
    /// The whole letter, given its payload.
    pub fn with_payload(self, payload: Payload) -> DeadLetter {
        DeadLetter {
            accepted: Arc::new(Accepted {
                event: Event {
                    id: self.id,
                    user_id: self.user_id,
                    event_id: self.event_id,
                    kind: self.kind,
                    anonymous_id: self.anonymous_id,
                    session_id: self.session_id,
                    account_id: self.account_id,
                    payload,
                    occurred_at: self.occurred_at,
                    received_at: self.received_at,
                },
                arrival: self.arrival,
            }),
            refusal: self.refusal,
            set_aside_at: self.set_aside_at,
            tried_at: self.tried_at,
            tries: self.tries,
        }
    }

    /// Its place in the list.
    pub fn place(&self) -> LetterPlace {
        LetterPlace { set_aside_at: self.set_aside_at, id: self.id }
    }
}

/// The place of a letter in the list: by time, then by identity. It never
/// changes, so a page may be followed by the next one while letters go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterPlace {
    /// When it was set aside.
    pub set_aside_at: Timestamp,
    /// Its identity.
    pub id: StoreId,
}

/// Keeps dead letters.
///
/// As with [`Store`](super::Store), any call may be made at any time and ends in
/// time, and a database that is away is [`StoreError::Unavailable`].
#[async_trait]
pub trait DeadLetterStore: Send + Sync + 'static {
    /// Keeps letters, each one for itself; acknowledged only when they would
    /// survive a crash of the store. A letter that is there already stays as
    /// it is, which is [`Outcome::Duplicate`] and as good as kept.
    ///
    /// The answer has one outcome for each letter, in the same order. An error
    /// means that nothing is known: some of the letters may be kept.
    async fn put(&self, letters: &[DeadLetter]) -> Result<Vec<Outcome>, StoreError>;

    /// Letters without their payloads, newest first, from the one after
    /// `after`; at most `limit`.
    async fn list(
        &self,
        after: Option<LetterPlace>,
        limit: usize,
    ) -> Result<Vec<LetterHead>, StoreError>;

    /// One letter, whole.
    async fn get(&self, id: StoreId) -> Result<Option<DeadLetter>, StoreError>;

    /// Notes on a letter that its event was tried again and refused again.
    /// One that is gone stays gone.
    async fn refused_again(
        &self,
        id: StoreId,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Removes letters for good; answers how many of them there were.
    async fn remove(&self, ids: &[StoreId]) -> Result<u64, StoreError>;

    /// How many letters there are. Cheap, so that it can be asked every few
    /// seconds; after a crash of the database it may be somewhat off.
    async fn count(&self) -> Result<u64, StoreError>;
}
