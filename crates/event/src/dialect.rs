//! What other collectors' SDKs send, read into drafts: a *dialect* says which key is which
//! field, and where the write key and the sender's clock are. What comes behind the drafts is
//! what it is for our own wire: the rules of [`normalize`](super::normalize) and the same
//! events.
//!
//! Dialects are lenient where ours is strict, because their senders cannot mend anything:
//!
//! - An event that breaks a rule is left out and named, and the others are taken. An SDK that
//!   is refused a batch sends all of it again, or throws it away.
//! - What a dialect does not know is passed over.
//! - Ids that are numbers become texts; an empty text is none.
//! - A body is refused as a whole where it is no JSON, or no form that the dialect has, or has
//!   more events than a request may.

mod batch;
mod parts;
pub mod posthog;
pub mod segment;
mod values;

pub use batch::{LeftOut, Taken, Terms, most_bytes};

#[cfg(test)]
mod tests;
