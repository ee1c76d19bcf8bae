//! Whatever happens, what was answered comes back.

use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::{Open, RULES, append, record, weight};
use crate::memory_disk::MemoryDisk;
use crate::{Journal, Mark, Record, Rules};

#[derive(Debug, Clone)]
enum Step {
    /// Records that are appended without waiting for one another, by their bytes.
    Append(Vec<usize>),
    /// This share of what was answered is settled, in percent.
    Settle(usize),
    /// The segment is to be left.
    Leave,
    /// The next write fails: the process ends, and the service starts again.
    FailWrite,
    /// The next sync does.
    FailSync,
    FailCreates(usize),
    FailZeros(usize),
    FailRenames(usize),
    /// The power goes, and the service starts again.
    PowerCut(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop_oneof![9 => 0..300_usize, 3 => 9_000..40_000_usize, 1 => 0..200_000_usize];
    prop_oneof![
        8 => prop::collection::vec(bytes, 1..6).prop_map(Step::Append),
        2 => (0..=100_usize).prop_map(Step::Settle),
        1 => Just(Step::Leave),
        1 => Just(Step::FailWrite),
        1 => Just(Step::FailSync),
        1 => (1..3_usize).prop_map(Step::FailCreates),
        1 => (1..3_usize).prop_map(Step::FailZeros),
        1 => (1..3_usize).prop_map(Step::FailRenames),
        3 => any::<u64>().prop_map(Step::PowerCut),
    ]
}

fn open_on(disk: &MemoryDisk, rules: Rules) -> Open {
    Journal::on(disk.clone(), rules, Box::new(|_| ())).unwrap().into()
}

/// What must be so, kept in the simplest way.
struct Model {
    disk: MemoryDisk,
    rules: Rules,
    open: Open,
    next: i64,
    /// Answered, in order, and not known to be settled.
    kept: Vec<(Record, Mark)>,
    /// Refused: none of these may ever come back.
    refused: Vec<Record>,
}

impl Model {
    fn new(rules: Rules) -> Self {
        let disk = MemoryDisk::default();
        let open = open_on(&disk, rules);
        Self { open, disk, rules, next: 1, kept: Vec::new(), refused: Vec::new() }
    }

    fn append(&mut self, sizes: &[usize]) {
        let mut waiting = Vec::new();
        for &bytes in sizes {
            let record = record(self.next, bytes);
            self.next += 1;
            let answered = append(&self.open.journal, &record);
            waiting.push((record, answered));
        }
        let mut has_failed = false;
        for (record, answered) in waiting {
            match answered.recv() {
                Ok(Ok(appended)) => {
                    assert!(!has_failed, "answered behind one that was not");
                    self.kept.push((record, appended.end));
                }
                Ok(Err(_)) => self.refused.push(record),
                Err(_) => has_failed = true,
            }
        }
        if has_failed {
            self.power_cut(0);
        }
    }

    fn settle(&mut self, percent: usize) {
        let count = self.kept.len() * percent / 100;
        if let Some((_, end)) = self.kept.drain(..count).next_back() {
            self.open.journal.settled_before(end);
        }
    }

    fn power_cut(&mut self, seed: u64) {
        let disk = self.disk.after_power_cut(&mut StdRng::seed_from_u64(seed));
        let mut open = open_on(&disk, self.rules);
        let found = open.found();
        assert!(
            found.is_sorted_by(|a, b| a.header.number < b.header.number),
            "in order, and once each"
        );
        assert_eq!(
            open.recovered.unsettled().weight,
            weight(&found),
            "what the totals say, of {:?} after {:?}",
            found.iter().map(|record| record.header.number).collect::<Vec<_>>(),
            self.kept
                .iter()
                .map(|(record, mark)| (record.header.number, *mark))
                .collect::<Vec<_>>(),
        );
        for (kept, _) in &self.kept {
            assert!(found.contains(kept), "record {} is lost or changed", kept.header.number);
        }
        for refused in &self.refused {
            assert!(!found.contains(refused), "record {} came back", refused.header.number);
        }
        let highest = found.last().map_or(0, |record| record.header.number);
        assert!(open.recovered.highest.unwrap_or(0) >= highest);
        // Again, for where each of them ends.
        open.reader.seek(open.recovered.low.place);
        let mut totals = open.recovered.low.totals;
        self.kept.clear();
        while let Some(read) = open.reader.next(open.recovered.end.place).unwrap() {
            totals = totals.and(read.record.header.weight, read.bytes);
            let end = Mark { place: read.end, totals };
            self.kept.push((read.record, end));
        }
        // The old thread writes to a disk that nobody will read.
        self.disk = disk;
        self.open = open;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn answered_records_come_back_and_refused_ones_do_not(
        steps in prop::collection::vec(step(), 1..40),
        seed in any::<u64>(),
        // Each segment is left as soon as another is ready, or none is.
        is_aging in any::<bool>(),
    ) {
        let max_age = if is_aging { Duration::ZERO } else { Rules::MAX_AGE };
        let mut model = Model::new(Rules { max_age, ..RULES });
        for step in steps {
            match step {
                Step::Append(sizes) => model.append(&sizes),
                Step::Settle(percent) => model.settle(percent),
                Step::Leave => model.open.journal.leave(Box::new(|_| ())),
                Step::FailWrite => model.disk.fail(|faults| faults.writes = 1),
                Step::FailSync => model.disk.fail(|faults| faults.syncs = 1),
                Step::FailCreates(count) => model.disk.fail(|faults| faults.creates = count),
                Step::FailZeros(count) => model.disk.fail(|faults| faults.zeros = count),
                Step::FailRenames(count) => model.disk.fail(|faults| faults.renames = count),
                Step::PowerCut(seed) => model.power_cut(seed),
            }
        }
        model.disk.fail(|faults| *faults = crate::memory_disk::Faults::default());
        model.power_cut(seed);
    }
}
