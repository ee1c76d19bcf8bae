//! Who is in charge: one owner at a time, told by a beat and not by a clock that two
//! machines share.
//!
//! The owner raises the beat every [`RENEW_AFTER`] by compare-and-set. Who has seen the
//! same beat for [`TAKE_AFTER`] *on its own clock* takes the lease, with the next epoch.
//! An owner acts as one for [`SURE_FOR`] after it *sent* its last successful renewal,
//! which ends before anybody else can have taken it, as long as clocks run at about the
//! same speed. Where they do not, or a process was stopped in between, two may believe
//! to be in charge: then a request is repeated, and nothing is lost or overtaken.
//!
//! Times are milliseconds of a clock that only grows, also while the machine sleeps.

use crate::names::Process;

/// After this long an owner renews.
pub const RENEW_AFTER: u64 = 2_000;
/// After this long without a new beat somebody else takes over.
pub const TAKE_AFTER: u64 = 10_000;
/// For this long after a renewal was sent its owner may begin something.
pub const SURE_FOR: u64 = 8_000;

/// So much longer waits who should deliver only if nobody else does.
pub const PATIENCE: u64 = 3;

/// The owner of a lease that was handed over.
pub const NOBODY: Process = Process([0; 8]);

/// The lease as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The process that is in charge.
    pub owner: Process,
    /// Grows with every change of the owner.
    pub epoch: u64,
    /// Grows with every renewal, across owners too.
    pub beat: u64,
}

/// A compare-and-set of the stored lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Replacement {
    /// What has to be there; `None` for nothing.
    pub expected: Option<Lease>,
    /// What comes in its place.
    pub next: Lease,
}

/// One process's view of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tenure {
    me: Process,
    /// Whether nobody else can have this database open.
    is_alone: bool,
    /// Whether others are to go first.
    stands_back: bool,
    /// The lease as it was found last, and since when it has been the same.
    seen: Option<(Option<Lease>, u64)>,
    held: Option<Held>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Held {
    lease: Lease,
    /// When the renewal was sent by which it is held.
    sent_at: u64,
}

impl Tenure {
    /// Knows nothing yet. Who is alone with its database waits for nobody.
    pub fn new(me: Process, is_alone: bool) -> Self {
        Self { me, is_alone, stands_back: false, seen: None, held: None }
    }

    /// Lets others go first, or not: then only a lease that nobody takes for
    /// [`PATIENCE`] times as long is taken.
    pub fn stand_back(&mut self, stands_back: bool) {
        self.stands_back = stands_back;
    }

    /// The stored lease was read.
    pub fn saw(&mut self, lease: Option<Lease>, now: u64) {
        if self.seen.is_none_or(|(seen, _)| seen != lease) {
            self.seen = Some((lease, now));
        }
    }

    /// What to write now, if anything: a renewal, or a take-over. Its outcome is told
    /// by [`replaced`](Self::replaced).
    pub fn due(&self, now: u64) -> Option<Replacement> {
        if let Some(Held { lease, sent_at }) = self.held {
            let is_due = now.saturating_sub(sent_at) >= RENEW_AFTER;
            return is_due.then(|| self.renewal(lease));
        }
        let (seen, since) = self.seen?;
        let unchanged_for = now.saturating_sub(since);
        match seen {
            None if self.stands_back && unchanged_for < PATIENCE * TAKE_AFTER => None,
            None => {
                let next = Lease { owner: self.me, epoch: 1, beat: 1 };
                Some(Replacement { expected: None, next })
            }
            Some(lease) if self.may_take(&lease, unchanged_for) => {
                let next = Lease { owner: self.me, epoch: lease.epoch + 1, beat: lease.beat + 1 };
                Some(Replacement { expected: seen, next })
            }
            Some(_) => None,
        }
    }

    fn may_take(&self, lease: &Lease, unchanged_for: u64) -> bool {
        if self.stands_back {
            return unchanged_for >= PATIENCE * TAKE_AFTER;
        }
        self.is_alone || lease.owner == NOBODY || unchanged_for >= TAKE_AFTER
    }

    /// When the next renewal is due.
    pub fn renews_at(&self) -> Option<u64> {
        self.held.map(|held| held.sent_at + RENEW_AFTER)
    }

    /// Hands the lease over: what to write so that whoever comes takes it at once.
    pub fn hand_over(&self) -> Option<Replacement> {
        let Held { lease, .. } = self.held?;
        let next = Lease { owner: NOBODY, beat: lease.beat + 1, ..lease };
        Some(Replacement { expected: Some(lease), next })
    }

    /// The lease once more with the next epoch, for an owner who has lost touch with what
    /// it wrote: nothing that it sent before changes anything then.
    pub fn begin_anew(&self) -> Option<Replacement> {
        let Held { lease, .. } = self.held?;
        let next = Lease { epoch: lease.epoch + 1, beat: lease.beat + 1, ..lease };
        Some(Replacement { expected: Some(lease), next })
    }

    /// A renewal before it is due, for whoever waits for one.
    pub fn renewal_now(&self) -> Option<Replacement> {
        self.held.map(|held| self.renewal(held.lease))
    }

    fn renewal(&self, lease: Lease) -> Replacement {
        let next = Lease { beat: lease.beat + 1, ..lease };
        Replacement { expected: Some(lease), next }
    }

    /// A replacement that was sent at that time took place, or did not, because
    /// something else was there: then the lease is lost. Answers whether it is held.
    pub fn replaced(&mut self, replacement: &Replacement, sent_at: u64, took_place: bool) -> bool {
        self.held = took_place.then_some(Held { lease: replacement.next, sent_at });
        if took_place {
            self.seen = Some((Some(replacement.next), sent_at));
        } else {
            self.seen = None;
        }
        took_place
    }

    /// Gives the lease up: others see the same beat from now on.
    pub fn give_up(&mut self) {
        self.held = None;
    }

    /// The lease by which this process is in charge, as far as it knows.
    pub fn lease(&self) -> Option<Lease> {
        self.held.map(|held| held.lease)
    }

    /// Whether it may begin to send something.
    pub fn is_sure(&self, now: u64) -> bool {
        self.held.is_some_and(|held| now.saturating_sub(held.sent_at) < SURE_FOR)
    }
}
