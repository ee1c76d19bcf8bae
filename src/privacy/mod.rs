//! What has to do with a person's rights to their data.
//!
//! [`export`] gives all that is known of a user, as lines of JSON: a file that a person
//! can be sent.

pub mod export;
mod lines;
