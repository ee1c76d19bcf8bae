//! What has to do with a person's rights to their data.
//!
//! [`export`] gives all that is known of a user, as lines of JSON: a file that a person
//! can be sent. [`erase`] lets all of it go, wherever it is, so that nothing comes back.

pub mod erase;
pub mod export;
mod lines;
