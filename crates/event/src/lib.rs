//! What an event is, and how any accepted form of one becomes it.
//!
//! Pure: no I/O, nothing of the rest of the service, and no clock but the one handed
//! in (the id that is made for an event without one begins with the system's time). One event passes through here in two steps:
//!
//! 1. [`wire`] reads the bytes of a request into drafts, borrowing from them; of what other
//!    collectors' SDKs send, a [`dialect`] does. A [`payload`] becomes BSON on the way, straight
//!    from the JSON.
//! 2. [`normalize`] turns a draft into an [`Event`], or names its faults, and has
//!    [`id`] derive the identity under which every store keeps it.

#![warn(missing_docs)]

pub mod agent;
pub mod bson_reader;
pub mod bson_tag;
pub mod bson_to_json;
pub mod dialect;
mod draft;
mod encoder;
pub mod fault;
pub mod id;
mod json;
pub mod json_writer;
pub mod minimise;
pub mod normalize;
pub mod payload;
mod payload_reader;
pub mod schema;
pub mod sender;
mod sending;
pub mod time;
pub mod wire;

pub use fault::{Fault, Faults};
pub use id::{Arrival, StoreId};
pub use minimise::Minimise;
pub use normalize::{MAX_FUTURE_MS, Rules, TRACKER_TYPES, TypeRule};
pub use payload::Payload;
pub use sender::{Keep, Sender};
pub use time::Timestamp;

/// One fact about one user, in the only form the rest of the service knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Identity in the store, derived from `user_id` and `event_id` alone.
    pub id: StoreId,
    /// Whose event it is: 1 to 256 bytes.
    pub user_id: Box<str>,
    /// `anonymousId` on the wire: 1 to 256 bytes. `None` where none was sent, or the
    /// same as the `userId` beside it; equal to `user_id` where it was sent alone. What
    /// that says of the user is [`known_as`](Self::known_as).
    pub anonymous_id: Option<Box<str>>,
    /// The tracker's name for the event, unique within its user: 1 to 128 bytes.
    pub event_id: Box<str>,
    /// `type` on the wire: 1 to 64 bytes.
    pub kind: Box<str>,
    /// The visit it belongs to, where the tracker says: 1 to 256 bytes.
    pub session_id: Option<Box<str>>,
    /// The business account it belongs to, where the tracker says: 1 to 256 bytes.
    pub account_id: Option<Box<str>>,
    /// What the tracker adds; a JSON object.
    pub payload: Payload,
    /// When it happened, as the tracker says, else `received_at`.
    pub occurred_at: Timestamp,
    /// When the service read it.
    pub received_at: Timestamp,
}

impl Event {
    /// Who sent it, as far as the event alone tells.
    pub fn known_as(&self) -> KnownAs<'_> {
        match self.anonymous_id.as_deref() {
            None => KnownAs::User,
            Some(anonymous_id) if *anonymous_id == *self.user_id => KnownAs::Visitor,
            Some(anonymous_id) => KnownAs::Both { anonymous_id },
        }
    }

    /// Bytes of memory that the event holds while it is buffered: its own
    /// size and that of all it points to.
    pub fn size(&self) -> usize {
        let optional = |text: &Option<Box<str>>| text.as_deref().map_or(0, str::len);
        std::mem::size_of::<Accepted>()
            + self.user_id.len()
            + self.event_id.len()
            + self.kind.len()
            + optional(&self.anonymous_id)
            + optional(&self.session_id)
            + optional(&self.account_id)
            + self.payload.as_bson().len()
    }
}

/// What an event says of the id that is its `user_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownAs<'a> {
    /// It is a user's: it was sent as `userId`, without an `anonymousId` or with the
    /// same, or it is the configured default user.
    User,
    /// It is a visitor's of whom nothing else is known: it was sent as `anonymousId`
    /// alone.
    Visitor,
    /// It is a user's, who was known before under another id. Both were sent, and
    /// they differ.
    Both {
        /// The id from before.
        anonymous_id: &'a str,
    },
}

/// An event that was admitted: it has its place in the order of arrival. Its sender
/// is answered 202 once the journal has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The event itself.
    pub event: Event,
    /// Its place in the order of arrival.
    pub arrival: Arrival,
}

#[cfg(test)]
mod tests;
