//! What the pieces of a range come to.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::summaries::{MAX_TYPES, Piece, Summary, UserEvents};

/// Bytes of an entry beside its name, about: three words and a number in a table
/// that is half empty, and what the allocator rounds up. While a table grows,
/// and while the summary is made, there is half as much again.
const ENTRY: usize = 80;

/// Memory for all the counts that are under way, in KiB.
pub struct Room(Arc<Semaphore>);

/// Counts of types and users. Gives its room back when it is dropped.
#[derive(Default)]
pub struct Tally {
    types: HashMap<String, u64>,
    users: HashMap<String, u64>,
    bytes: usize,
    room: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// So much for all of them together.
    pub fn new(max_bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(max_bytes / 1024)))
    }
}

impl Tally {
    /// Adds a piece; false if there is no room for what it brought. Then the
    /// tally is of no more use.
    pub fn add(&mut self, piece: Piece, room: &Room) -> bool {
        self.bytes += add_all(&mut self.types, piece.types);
        self.bytes += add_all(&mut self.users, piece.users);
        self.has_room(room)
    }

    fn has_room(&mut self, room: &Room) -> bool {
        let held = self
            .room
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = (self.bytes / 1024).saturating_sub(held);
        let Ok(missing) = u32::try_from(missing) else {
            return false;
        };
        let Ok(more) = Arc::clone(&room.0).try_acquire_many_owned(missing) else {
            return false;
        };
        match &mut self.room {
            Some(room) => room.merge(more),
            None => self.room = Some(more),
        }
        true
    }

    /// Different users that were added.
    pub fn users(&self) -> usize {
        self.users.len()
    }

    /// What was added, with so many users at the most.
    pub fn summary(self, top: usize) -> Summary {
        let total = self.types.values().sum();
        let unique_users = self.users.len() as u64;
        let totals = most_frequent(self.types, MAX_TYPES);
        let top_users = most_frequent(self.users, top);
        Summary {
            total,
            totals: totals.into_iter().collect(),
            top_users: top_users
                .into_iter()
                .map(|(user_id, events)| UserEvents { user_id, events })
                .collect(),
            unique_users,
        }
    }
}

/// Adds counts to others; gives the bytes by which these grew.
fn add_all(counts: &mut HashMap<String, u64>, more: Vec<(String, u64)>) -> usize {
    let mut grown = 0;
    for (name, events) in more {
        if let Some(count) = counts.get_mut(&name) {
            *count += events;
        } else {
            grown += name.len() + ENTRY;
            counts.insert(name, events);
        }
    }
    grown
}

/// So many of them at the most, those with most events first, then in the order
/// of their names' bytes.
fn most_frequent(counts: HashMap<String, u64>, wanted: usize) -> Vec<(String, u64)> {
    let order = |(one, more): &(String, u64), (other, fewer): &(String, u64)| {
        fewer.cmp(more).then_with(|| one.cmp(other))
    };
    let mut counts: Vec<_> = counts.into_iter().collect();
    if wanted < counts.len() {
        counts.select_nth_unstable_by(wanted, order);
        counts.truncate(wanted);
    }
    counts.sort_unstable_by(order);
    counts
}
