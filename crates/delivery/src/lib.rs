//! Whose event goes to a processor next: the rules of feed, window, record and lease,
//! as pure state machines. Whoever has a database and a network carries their effects
//! out.
//!
//! The specification is one line: *for each user, the least arrival number with no
//! outcome is next.* A model check (`tests/model/`) lets two instances crash, be
//! paused, take over and answer late in every order, and holds them to it.

#![warn(missing_docs)]

mod effect;
pub mod feed;
pub mod lease;
mod names;
mod reader;
mod user;
mod window;

pub use effect::{Covering, Effect, Ending, Found, Releasing, Ticket};
pub use names::{DocumentId, Entry, ParkRecord, Process, UserKey};
pub use reader::Reader;
pub use window::{Stuck, Window};

#[cfg(test)]
mod tests;
