//! Processors: the example that is sent the events, what it writes down, what is kept
//! of it in the store, and how both fit what was accepted.
//!
//! Two witnesses are compared: the example's log, which has a line for each request and
//! each answer before that is sent, and the outcomes in the store, read past the
//! service. What may be repeated follows from what was broken, and when.

pub mod disruptions;
pub mod example;
pub mod log;
pub mod order;
pub mod outcomes;
pub mod person;
pub mod plant;
pub mod verdict;

/// An event's identity: its `_id`, and the UUID of its `webhook-id`.
pub type Id = [u8; 16];

/// The type that the example refuses where it refuses any: one that the service takes,
/// and that no other event has.
pub const POISON: &str = "video_pause";

/// How long a request may take, in milliseconds, before the service gives it up.
pub const TIMEOUT_MS: i64 = 10_000;
/// The same where giving up is what is looked at.
pub const SHORT_TIMEOUT_MS: i64 = 1_000;
