//! Documents of `events` whose `_id` is none of ours: another tool wrote them.
//!
//! They are in their user's journey, and have to go with it. Whoever erases knows an event
//! by 16 bytes, which cannot hold any `_id`. So each gets a name of 16 bytes, and what it
//! stands for is kept here from when it is found until it is removed: the same store does
//! both. A name that is forgotten is found again.

use std::collections::HashMap;

use bson::raw::{RawBson, RawBsonRef, RawDocumentBuf, cstr};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use trailkeep_event::StoreId;

/// Names that are kept, but for those of one call: some steps of a few erasures.
const MOST: usize = 10_000;

/// What names stand for.
#[derive(Default)]
pub struct ForeignIds(Mutex<HashMap<StoreId, RawBson>>);

impl ForeignIds {
    /// Makes room for what a call finds.
    pub fn make_room(&self) {
        let mut known = self.0.lock();
        if known.len() >= MOST {
            known.clear();
        }
    }

    /// The name of a document with this `_id`, which it stands for from now on.
    pub fn name(&self, id: RawBsonRef<'_>) -> StoreId {
        let mut wrapped = RawDocumentBuf::new();
        wrapped.append(cstr!("_id"), id);
        // Its type counts, as each byte of it: no two have the same.
        let digest = Sha256::digest(wrapped.as_bytes());
        let mut name = [0; 16];
        name.copy_from_slice(&digest[..16]);
        let name = StoreId::from_bytes(name);
        self.0.lock().insert(name, RawBson::from(id));
        name
    }

    /// What of these are names stands for this; the others are ids of ours.
    pub fn part(&self, ids: &[StoreId]) -> (Vec<RawBson>, Vec<StoreId>) {
        let known = self.0.lock();
        let theirs = ids.iter().filter_map(|id| known.get(id).cloned()).collect();
        (theirs, ids.iter().copied().filter(|id| !known.contains_key(id)).collect())
    }

    /// They are removed.
    pub fn forget(&self, ids: &[StoreId]) {
        let mut known = self.0.lock();
        for id in ids {
            known.remove(id);
        }
    }
}
