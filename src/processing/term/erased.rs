//! Entries of the feed whose events are erased: they are nobody's any more, as if they had
//! never been wanted.

use std::collections::HashMap;
use std::sync::Arc;

use trailkeep_delivery::{Entry, UserKey};
use trailkeep_event::Arrival;
use trailkeep_store::processing::Processor;

use crate::ingest::erased::Erased;

/// Who is erased, as the feed of one processor calls them.
pub struct ErasedEntries {
    erased: Arc<Erased>,
    version: u64,
    keys: HashMap<UserKey, Arrival>,
}

impl ErasedEntries {
    /// Of these users.
    pub fn of(erased: Arc<Erased>) -> Self {
        Self { erased, version: 0, keys: HashMap::new() }
    }

    /// Takes out what is erased.
    pub fn leave_out(&mut self, processor: &Processor, entries: &mut Vec<Entry>) {
        let version = self.erased.version();
        if version != self.version {
            let named = self.erased.named().into_iter();
            self.keys = named.map(|(id, until)| (processor.key_of(&id), until)).collect();
            self.version = version;
        }
        if !self.keys.is_empty() {
            let is_erased = |entry: &Entry| {
                self.keys.get(&entry.user).is_some_and(|until| entry.arrival < *until)
            };
            entries.retain(|entry| !is_erased(entry));
        }
    }
}
