//! Promises about what processing keeps.

pub mod feeds;
pub mod outcomes;
pub mod parking;
pub mod pending_events;
pub mod processors;
pub mod samples;
pub mod steering;
