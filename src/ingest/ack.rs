//! The only way back: what the store answered, told to the backlog, to the room
//! for it, and, behind the feed of what was stored, to the journal.

use std::sync::atomic::Ordering;

use trailkeep_event::Arrival;
use trailkeep_store::Outcome;

use super::Ingest;
use super::backlog::Settled;
use super::queue::Write;
use super::room::Amount;
use crate::backoff;

impl Ingest {
    /// Counts what became of each event of a write and lets those go that are
    /// settled. Answers how many have to be tried again.
    pub(super) fn acknowledge(&self, write: &Write, outcomes: &[Outcome]) -> usize {
        let rules = &self.rules;
        let pause = |tries| backoff::pause(rules.backoff_min, rules.backoff_max, tries);
        let mut backlog = self.backlog.lock();
        let settled = backlog.settle(write, outcomes, pause);
        self.count_settled(&settled);
        let low = backlog.low();
        self.changed(backlog);
        self.feeder.settled_before(low);
        self.made_room(settled.room);
        // Users of this write may be ready again, or it was what a drain waits for.
        self.writer_wake.notify_one();
        if self.health.is_replaying() {
            self.replayed();
        }
        write.events.len() - settled.left.len()
    }

    fn count_settled(&self, settled: &Settled<'_>) {
        let (mut stored, mut duplicate, mut dead_lettered, mut erased) = (0, 0, 0, 0);
        for (_, outcome) in &settled.left {
            match outcome {
                Outcome::Stored => stored += 1,
                Outcome::Duplicate => duplicate += 1,
                Outcome::Refused(_) => dead_lettered += 1,
                Outcome::Erased => erased += 1,
                Outcome::Retry => {}
            }
        }
        self.statistics.stored.inc_by(stored);
        self.statistics.duplicate.inc_by(duplicate);
        self.statistics.dead_lettered.inc_by(dead_lettered);
        self.statistics.erased.inc_by(erased);
    }

    /// Gives back the room of events that left.
    pub(super) fn made_room(&self, room: Amount) {
        self.room.release(room);
        self.tell_room();
    }

    /// Tells the health whether there is room.
    pub(super) fn tell_room(&self) {
        if self.room.is_well_free() {
            self.health.backlog_has_room();
        }
    }

    /// Events up to this number may be stored already: by an earlier process, or
    /// by a try whose answer never came.
    pub(super) fn doubt_up_to(&self, last: Arrival) {
        self.doubtful_up_to.fetch_max(last.as_i64(), Ordering::Relaxed);
    }

    pub(super) fn is_doubtful(&self, arrival: Arrival) -> bool {
        arrival.as_i64() <= self.doubtful_up_to.load(Ordering::Relaxed)
    }

    /// Says that the head of what was found at the start is stored, but for
    /// single events that the database does not take, once that is so.
    pub(super) fn replayed(&self) {
        let records = self.replay.load(Ordering::Relaxed);
        let is_known = records < u64::MAX;
        if is_known && self.health.is_replaying() && self.backlog.lock().has_tried(records) {
            self.health.replaying(false);
        }
    }
}
