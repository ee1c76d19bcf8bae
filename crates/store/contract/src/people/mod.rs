//! Promises about who is who.

pub mod linking;
pub mod rows;
pub mod samples;
pub mod searching;
pub mod user_sessions;
