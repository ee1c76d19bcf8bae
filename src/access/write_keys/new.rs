//! What a key that is wanted must be.

use trailkeep_event::{Fault, Timestamp};

use crate::origins::{self, is_origin};

/// Keys that the store may have.
pub const MAX_KEYS: usize = 10_000;

/// Origins that one key may be for.
pub const MAX_ORIGINS: usize = 100;

/// Origins that all keys together may name: each instance has them in memory.
pub const MAX_ORIGINS_OF_ALL: usize = 20_000;

/// As in the settings: it stands in records of the journal, in the labels of metrics and
/// in the log.
pub const MAX_NAME_BYTES: usize = 64;

/// A host has 253 at the most.
pub const MAX_ORIGIN_BYTES: usize = 300;

/// A key that is to be made.
#[derive(Debug, Clone, Default)]
pub struct NewWriteKey {
    /// By what people know it: 1 to 64 letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Whose pages may send it; empty for any. At most [`MAX_ORIGINS`].
    pub origins: Vec<String>,
    /// From when on it is not taken, if ever.
    pub expires_at: Option<Timestamp>,
}

impl NewWriteKey {
    /// The same, each origin once; or all that is wrong with it.
    pub(super) fn checked(mut self, now: Timestamp) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=MAX_NAME_BYTES).contains(&self.name.len()) || !self.name.chars().all(is_plain) {
            let rule =
                format!("must have 1 to {MAX_NAME_BYTES} letters, digits, \"-\", \"_\" and \".\"");
            faults.push(Fault::of("name", rule));
        }
        if self.origins.len() > MAX_ORIGINS {
            let rule = format!("must have at most {MAX_ORIGINS}; leave them out for any");
            faults.push(Fault::of("origins", rule));
        }
        let wrong = self.origins.iter().zip(0..MAX_ORIGINS);
        let wrong =
            wrong.filter(|(origin, _)| origin.len() > MAX_ORIGIN_BYTES || !is_origin(origin));
        faults.extend(wrong.map(|(_, place)| {
            let rule = format!("must be {}; leave all out for any origin", origins::FORM);
            Fault::of(format!("origins[{place}]"), rule)
        }));
        if self.expires_at.is_some_and(|end| end <= now) {
            faults.push(Fault::of("expiresAt", "must lie in the future"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.origins.sort();
        self.origins.dedup();
        Ok(self)
    }
}
