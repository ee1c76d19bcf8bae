//! Users who are being erased, or whose events are not taken at all.
//!
//! What arrived of an id before a number is *erased*: it is not written, not fed, not sent and
//! not shown, whichever way it comes. That is asked here and nowhere else. Which ids these are
//! is what the store says of erasures (`privacy::erase`); most of the time there are none, and
//! an event costs a look at one flag.
//!
//! Of an erasure that is done only hashes are known. An instance that took no part in it, for
//! it was away, compares those.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use trailkeep_event::{Accepted, Arrival, Event};
use trailkeep_store::erasures::{ErasedId, ErasureKey, IdHash};

/// What is known of erased and blocked users.
#[derive(Default)]
pub struct Erased {
    /// Whether anybody is being erased.
    is_erasing: AtomicBool,
    is_blocking: AtomicBool,
    /// Grows with every change of who is being erased.
    version: AtomicU64,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    named: HashMap<Box<str>, Covered>,
    hashed: HashMap<IdHash, Arrival>,
    blocked: HashSet<IdHash>,
    key: Option<ErasureKey>,
}

/// What of an id is erased.
struct Covered {
    until: Arrival,
    dropped: Mutex<Dropped>,
}

/// What was let go of an id before it was stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Accepted events.
    pub events: u64,
    /// Sessions that were known to be the user's.
    pub sessions: u64,
}

impl Erased {
    /// These ids are being erased, and no others. What they were counted stays.
    pub fn are<'a>(&self, key: ErasureKey, ids: impl IntoIterator<Item = &'a ErasedId>) {
        let mut known = self.known.write();
        let before = std::mem::take(&mut known.named);
        known.hashed.clear();
        known.key = Some(key);
        for erased in ids {
            let until = erased.until;
            match &erased.id {
                Some(id) => {
                    let dropped = before.get(id).map(|covered| *covered.dropped.lock());
                    let dropped = Mutex::new(dropped.unwrap_or_default());
                    let covered = known.named.entry(id.clone());
                    let covered = covered.or_insert(Covered { until, dropped });
                    covered.until = covered.until.max(until);
                }
                None => {
                    let covered = known.hashed.entry(erased.hash).or_insert(until);
                    *covered = until.max(*covered);
                }
            }
        }
        let is_erasing = !known.named.is_empty() || !known.hashed.is_empty();
        self.is_erasing.store(is_erasing, Ordering::Release);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// What is posted of these ids is left out.
    pub fn block(&self, key: ErasureKey, ids: impl IntoIterator<Item = IdHash>) {
        let mut known = self.known.write();
        known.key = Some(key);
        known.blocked = ids.into_iter().collect();
        self.is_blocking.store(!known.blocked.is_empty(), Ordering::Release);
    }

    /// Whether what arrived of a user under a number is erased.
    pub fn covers(&self, user_id: &str, arrival: Arrival) -> bool {
        if !self.is_erasing.load(Ordering::Acquire) {
            return false;
        }
        let known = self.known.read();
        let is_before = |until: &Arrival| arrival < *until;
        if known.named.get(user_id).is_some_and(|covered| is_before(&covered.until)) {
            return true;
        }
        let Some(key) = known.key.as_ref().filter(|_| !known.hashed.is_empty()) else {
            return false;
        };
        known.hashed.get(&key.hash(user_id)).is_some_and(is_before)
    }

    /// Which of these events are erased, or of users who are blocked: they were accepted before
    /// this instance knew. `None` where none is. They are counted as let go.
    pub(super) fn among(&self, events: &[Arc<Accepted>]) -> Option<Vec<bool>> {
        let is_blocking = self.is_blocking.load(Ordering::Acquire);
        if !is_blocking && !self.is_erasing.load(Ordering::Acquire) {
            return None;
        }
        let covers = |accepted: &Arc<Accepted>| {
            let user_id = &accepted.event.user_id;
            self.covers(user_id, accepted.arrival) || (is_blocking && self.blocks(user_id))
        };
        let erased: Vec<bool> = events.iter().map(covers).collect();
        erased.contains(&true).then_some(erased)
    }

    /// Counts what was let go of a user.
    pub(super) fn dropped(&self, user_id: &str, more: Dropped) {
        if let Some(covered) = self.known.read().named.get(user_id) {
            let mut dropped = covered.dropped.lock();
            dropped.events += more.events;
            dropped.sessions += more.sessions;
        }
    }

    /// What was let go of a user since this was asked last.
    pub fn take_dropped(&self, user_id: &str) -> Dropped {
        let known = self.known.read();
        let covered = known.named.get(user_id);
        covered.map(|covered| std::mem::take(&mut *covered.dropped.lock())).unwrap_or_default()
    }

    /// Leaves out events of users who are blocked. Answers how many.
    pub(super) fn leave_out_blocked(&self, events: &mut Vec<Event>) -> usize {
        if !self.is_blocking.load(Ordering::Acquire) {
            return 0;
        }
        let known = self.known.read();
        let Some(key) = &known.key else { return 0 };
        let before = events.len();
        events.retain(|event| !known.blocked.contains(&key.hash(&event.user_id)));
        before - events.len()
    }

    /// Whether events of a user are left out.
    pub fn blocks(&self, user_id: &str) -> bool {
        let known = self.known.read();
        known.key.as_ref().is_some_and(|key| known.blocked.contains(&key.hash(user_id)))
    }

    /// Grows whenever somebody else is being erased.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Who is being erased, as far as they can be named, and before which number.
    pub fn named(&self) -> Vec<(Box<str>, Arrival)> {
        let known = self.known.read();
        known.named.iter().map(|(id, covered)| (id.clone(), covered.until)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: ErasureKey = ErasureKey([7; 32]);

    fn number(number: i64) -> Arrival {
        Arrival::from_i64(number)
    }

    fn erased(id: &str, until: i64, is_named: bool) -> ErasedId {
        let named = is_named.then(|| id.into());
        ErasedId { id: named, hash: KEY.hash(id), until: number(until) }
    }

    #[test]
    fn what_arrived_before_is_erased_by_name_or_by_hash_and_nothing_else() {
        let known = Erased::default();
        assert!(!known.covers("ann", number(1)));
        known.are(KEY, &[erased("ann", 5, true), erased("bob", 7, false), erased("ann", 9, true)]);
        for (id, last) in [("ann", 8), ("bob", 6)] {
            assert!(known.covers(id, number(last)) && known.covers(id, number(i64::MIN)), "{id}");
            assert!(!known.covers(id, number(last + 1)), "{id}");
        }
        assert!(!known.covers("Ann", number(1)) && !known.covers("", number(1)));
        assert_eq!(known.named(), [("ann".into(), number(9))], "a hash names nobody");
        let version = known.version();
        known.are(KEY, &[]);
        assert!(!known.covers("ann", number(1)) && known.version() > version);
    }

    #[test]
    fn what_was_let_go_is_counted_once_also_where_others_are_erased_meanwhile() {
        let known = Erased::default();
        known.are(KEY, &[erased("ann", 5, true)]);
        known.dropped("ann", Dropped { events: 1, sessions: 2 });
        known.dropped("nobody", Dropped { events: 1, sessions: 1 });
        known.are(KEY, &[erased("ann", 5, true), erased("bob", 5, true)]);
        known.dropped("ann", Dropped { events: 1, sessions: 0 });
        assert_eq!(known.take_dropped("ann"), Dropped { events: 2, sessions: 2 });
        assert_eq!(known.take_dropped("ann"), Dropped::default());
        assert_eq!(known.take_dropped("bob"), Dropped::default());
    }

    #[test]
    fn a_blocked_user_is_known_by_the_hash() {
        let known = Erased::default();
        assert!(!known.blocks("ann"));
        known.block(KEY, [KEY.hash("ann")]);
        assert!(known.blocks("ann") && !known.blocks("bob"));
        known.block(KEY, []);
        assert!(!known.blocks("ann"));
    }
}
