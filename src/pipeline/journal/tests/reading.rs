//! Reading back while more is appended.

use proptest::prelude::*;

use super::memory_disk::MemoryDisk;
use super::{RULES, append, batch};
use crate::event::{Accepted, Arrival};
use crate::pipeline::journal::reader::ReadBack;
use crate::pipeline::journal::{Journal, Opened, Place};

struct Open {
    disk: MemoryDisk,
    journal: Journal,
    reader: Box<dyn ReadBack>,
}

fn open() -> Open {
    let disk = MemoryDisk::default();
    let Opened {
        journal, reader, ..
    } = Journal::on(disk.clone(), RULES, Box::new(|_| ())).unwrap();
    Open {
        disk,
        journal,
        reader,
    }
}

fn last(batch: &[Accepted]) -> Arrival {
    batch[batch.len() - 1].arrival
}

impl Open {
    fn write(&self, batch: &[Accepted]) -> Option<Place> {
        append(&self.journal, batch).recv().unwrap().ok()
    }

    fn next(&mut self, up_to: &[Accepted]) -> Option<Vec<Accepted>> {
        let read = self.reader.next(last(up_to)).unwrap();
        read.map(|batch| batch.events)
    }
}

#[test]
fn reading_begins_where_it_is_told_and_ends_where_it_is_told() {
    let mut open = open();
    let batches: Vec<_> = (1..=4).map(|n| batch(n * 1024, 2, 300)).collect();
    let places: Vec<_> = batches
        .iter()
        .map(|batch| open.write(batch).unwrap())
        .collect();
    open.reader.seek(places[1]);
    assert_eq!(open.next(&batches[2]).unwrap(), batches[1]);
    assert_eq!(open.next(&batches[2]).unwrap(), batches[2]);
    assert_eq!(
        open.next(&batches[2]),
        None,
        "what comes behind is left for later"
    );
    assert_eq!(open.next(&batches[3]).unwrap(), batches[3]);
    assert_eq!(open.next(&batches[3]), None);
}

#[test]
fn what_was_refused_is_not_read_back_and_what_comes_behind_it_is() {
    let mut open = open();
    let batches: Vec<_> = (1..=3).map(|n| batch(n * 1024, 2, 300)).collect();
    open.write(&batches[0]).unwrap();
    open.disk.fail(|faults| faults.syncs = 1);
    assert_eq!(open.write(&batches[1]), None);
    // It may be on the disk all the same.
    open.disk.sync_all();
    open.write(&batches[2]).unwrap();
    assert_eq!(open.next(&batches[2]).unwrap(), batches[0]);
    assert_eq!(open.next(&batches[2]).unwrap(), batches[2]);
    assert_eq!(open.next(&batches[2]), None);
}

#[test]
fn a_disk_that_fails_to_be_read_loses_nothing() {
    let mut open = open();
    let written = batch(1024, 2, 10);
    open.write(&written).unwrap();
    open.disk.fail(|faults| faults.reads = 2);
    assert!(open.reader.next(last(&written)).is_err());
    assert!(open.reader.next(last(&written)).is_err());
    assert_eq!(open.next(&written).unwrap(), written);
}

#[test]
fn a_damaged_batch_is_passed_over() {
    let mut open = open();
    let batches: Vec<_> = (1..=5).map(|n| batch(n * 1024, 2, 300)).collect();
    for batch in &batches {
        open.write(batch).unwrap();
    }
    for lost in [2, 4] {
        let id = &batches[lost][1].event.event_id;
        open.disk.damage(id.as_bytes());
    }
    assert_eq!(open.next(&batches[4]).unwrap(), batches[0]);
    assert_eq!(open.next(&batches[4]).unwrap(), batches[1]);
    assert_eq!(open.next(&batches[4]).unwrap(), batches[3]);
    assert_eq!(
        open.next(&batches[4]),
        None,
        "the last one is passed over too"
    );
}

#[test]
fn a_segment_that_was_forgotten_and_used_again_is_not_read() {
    let mut open = open();
    let batches: Vec<_> = (1..=60).map(|n| batch(n * 1024, 2, 9000)).collect();
    assert!(open.write(&batches[0]).is_some());
    assert_eq!(open.next(&batches[0]).unwrap(), batches[0]);
    // The reader stands in the first segment, which is left by all its events
    // and written over.
    for batch in &batches[1..50] {
        open.write(batch).unwrap();
        open.journal.forget_before(last(batch).next());
    }
    let place = open.write(&batches[50]).unwrap();
    assert!(place.segment > 4);
    let mut read = Vec::new();
    while let Some(batch) = open.next(&batches[50]) {
        read.push(batch);
    }
    assert_eq!(read.last(), Some(&batches[50]));
    assert!(batches[..=50].ends_with(&read), "in order, and whole");
    assert!(read.len() < 50);
}

#[derive(Debug, Clone)]
enum Step {
    /// Events and bytes of a payload.
    Append(usize, usize),
    /// That many batches, of those that are there.
    Read(usize),
    /// All that was read is stored.
    Forget,
    FailSyncs(usize),
    FailCreates(usize),
    FailReads(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop_oneof![9 => 0..900_usize, 3 => 9_000..40_000_usize, 1 => 0..200_000_usize];
    prop_oneof![
        8 => (1..6_usize, bytes).prop_map(|(events, bytes)| Step::Append(events, bytes)),
        5 => (1..12_usize).prop_map(Step::Read),
        2 => Just(Step::Forget),
        1 => (1..3_usize).prop_map(Step::FailSyncs),
        1 => (1..3_usize).prop_map(Step::FailCreates),
        1 => (1..3_usize).prop_map(Step::FailReads),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn what_was_answered_is_read_back_once_and_in_order(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut open = open();
        let mut answered: Vec<Vec<Accepted>> = Vec::new();
        let mut read = 0;
        let mut next = 256;
        for step in steps.into_iter().chain([Step::FailReads(0), Step::Read(usize::MAX)]) {
            match step {
                Step::Append(events, bytes) => {
                    let batch = batch(next, events, bytes / events);
                    next += 256 * events as i64;
                    if open.write(&batch).is_some() {
                        answered.push(batch);
                    }
                }
                Step::Read(count) => {
                    for expected in answered.iter().skip(read).take(count) {
                        match open.reader.next(last(expected)) {
                            Ok(Some(found)) => {
                                prop_assert_eq!(&found.events, expected);
                                read += 1;
                            }
                            Ok(None) => prop_assert!(false, "an answered batch is missing"),
                            Err(_) => break,
                        }
                    }
                }
                Step::Forget if read > 0 => {
                    open.journal.forget_before(last(&answered[read - 1]).next());
                }
                Step::Forget => {}
                Step::FailSyncs(count) => open.disk.fail(|faults| faults.syncs = count),
                Step::FailCreates(count) => open.disk.fail(|faults| faults.creates = count),
                Step::FailReads(count) => open.disk.fail(|faults| faults.reads = count),
            }
        }
        prop_assert_eq!(read, answered.len());
    }
}
