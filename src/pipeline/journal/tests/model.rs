//! Whatever happens, what was answered comes back, and what was refused does not.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::memory_disk::MemoryDisk;
use super::{append, batch, open_on};
use crate::event::{Accepted, Arrival};
use crate::pipeline::journal::Journal;

#[derive(Debug, Clone)]
enum Step {
    /// Batches that are appended without waiting for one another: events of
    /// each, and bytes of a payload.
    Append(Vec<(usize, usize)>),
    /// This share of what was answered is stored, in percent.
    Store(usize),
    FailWrites(usize),
    FailSyncs(usize),
    FailCreates(usize),
    /// The power goes, and the service starts again.
    PowerCut(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let batch = (
        1..6_usize,
        prop_oneof![9 => 0..300_usize, 1 => 0..200_000_usize],
    );
    prop_oneof![
        8 => prop::collection::vec(batch, 1..6).prop_map(Step::Append),
        2 => (0..=100_usize).prop_map(Step::Store),
        1 => (1..3_usize).prop_map(Step::FailWrites),
        1 => (1..3_usize).prop_map(Step::FailSyncs),
        1 => (1..3_usize).prop_map(Step::FailCreates),
        3 => any::<u64>().prop_map(Step::PowerCut),
    ]
}

/// What must be so, kept in the simplest way.
struct Model {
    disk: MemoryDisk,
    journal: Journal,
    next: i64,
    /// Answered, in order, and not known to be stored.
    kept: Vec<Accepted>,
    /// Refused before some batch that was answered later.
    refused: Vec<Arrival>,
    /// Refused since the last batch that was answered: it may be that no next
    /// segment could be made, which would say that they do not count.
    open: Vec<Arrival>,
}

impl Model {
    fn new() -> Self {
        let disk = MemoryDisk::default();
        let (journal, recovered) = open_on(disk.clone());
        assert!(recovered.events.is_empty());
        Self {
            disk,
            journal,
            next: 256,
            kept: Vec::new(),
            refused: Vec::new(),
            open: Vec::new(),
        }
    }

    fn append(&mut self, sizes: &[(usize, usize)]) {
        let mut waiting = Vec::new();
        for &(events, payload_bytes) in sizes {
            let batch = batch(self.next, events, payload_bytes / events);
            self.next += 256 * events as i64;
            let answered = append(&self.journal, &batch);
            waiting.push((batch, answered));
        }
        for (batch, answered) in waiting {
            if answered.recv().unwrap().is_ok() {
                self.kept.extend(batch);
                self.refused.append(&mut self.open);
            } else {
                self.open
                    .extend(batch.iter().map(|accepted| accepted.arrival));
            }
        }
    }

    fn store(&mut self, percent: usize) {
        let count = self.kept.len() * percent / 100;
        self.kept.drain(..count);
        let oldest = self
            .kept
            .first()
            .map_or(Arrival::from_i64(self.next), |kept| kept.arrival);
        self.journal.forget_before(oldest);
    }

    fn power_cut(&mut self, seed: u64) {
        let disk = self.disk.after_power_cut(&mut StdRng::seed_from_u64(seed));
        let (journal, recovered) = open_on(disk.clone());
        self.check(&recovered.events);
        // The old thread writes to a disk that nobody will read.
        self.disk = disk;
        self.journal = journal;
        self.kept = recovered.events;
        self.open.clear();
        // The clock was stepped back, as far as numbers go.
        let lowest = recovered.numbered_up_to.map_or(0, Arrival::as_i64);
        self.next = ((lowest >> 8) + 1) << 8;
        self.refused.retain(|refused| refused.as_i64() < self.next);
    }

    fn check(&self, found: &[Accepted]) {
        assert!(
            found.is_sorted_by(|a, b| a.arrival < b.arrival),
            "in order, and once each"
        );
        for kept in &self.kept {
            let same = found.iter().find(|event| event.arrival == kept.arrival);
            assert_eq!(same, Some(kept), "an answered event is lost or changed");
        }
        for refused in &self.refused {
            let back = found.iter().any(|event| event.arrival == *refused);
            assert!(!back, "a refused event came back");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn answered_batches_come_back_and_refused_ones_do_not(
        steps in prop::collection::vec(step(), 1..40),
        seed in any::<u64>(),
    ) {
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Append(sizes) => model.append(&sizes),
                Step::Store(percent) => model.store(percent),
                Step::FailWrites(count) => model.disk.fail(|faults| faults.writes = count),
                Step::FailSyncs(count) => model.disk.fail(|faults| faults.syncs = count),
                Step::FailCreates(count) => model.disk.fail(|faults| faults.creates = count),
                Step::PowerCut(seed) => model.power_cut(seed),
            }
        }
        model.power_cut(seed);
    }
}
