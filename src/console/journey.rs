//! Events as a person reads them: by day, by session, in sentences.
//!
//! The newest come first. A session is a run of events with one session id, or of events
//! without one that follow each other; a silence of half an hour is told. Equal
//! neighbours are folded into one row.

mod days;
pub mod json;
mod opened;
mod row;
pub mod sentence;
mod tree;

pub use days::{Day, days};
pub use opened::Opened;
pub use row::{Row, Rows};
pub use tree::Tree;
