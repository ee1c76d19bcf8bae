//! Whose event goes to a processor next.

#![warn(missing_docs)]

mod names;

pub use names::{DocumentId, Entry, ParkRecord, Process, UserKey};
