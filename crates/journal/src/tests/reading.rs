//! Reading back while more is appended.

use proptest::prelude::*;

use super::{Open, open_on, record};
use crate::memory_disk::MemoryDisk;
use crate::{Mark, Place, Record};

fn next(open: &mut Open, up_to: Mark) -> Option<Record> {
    let read = open.reader.next(up_to.place).unwrap();
    read.map(|read| read.record)
}

#[test]
fn reading_begins_where_it_is_told_and_ends_where_it_is_told() {
    let mut open = open_on(MemoryDisk::default());
    let records: Vec<_> = (1..=4).map(|n| record(n, 300)).collect();
    let places: Vec<_> = records.iter().map(|record| open.append(record).unwrap()).collect();
    open.reader.seek(places[1].start);
    assert_eq!(next(&mut open, places[2].end), Some(records[1].clone()));
    assert_eq!(next(&mut open, places[2].end), Some(records[2].clone()));
    assert_eq!(next(&mut open, places[2].end), None, "what comes behind is left for later");
    assert_eq!(next(&mut open, places[3].end), Some(records[3].clone()));
    assert_eq!(next(&mut open, places[3].end), None);
}

#[test]
fn a_disk_that_fails_to_be_read_loses_nothing() {
    let disk = MemoryDisk::default();
    let mut open = open_on(disk.clone());
    let written = record(1, 10);
    let end = open.append(&written).unwrap().end;
    disk.fail(|faults| faults.reads = 2);
    assert!(open.reader.next(end.place).is_err());
    assert!(open.reader.next(end.place).is_err());
    assert_eq!(next(&mut open, end), Some(written));
}

#[test]
fn a_damaged_record_is_passed_over() {
    let disk = MemoryDisk::default();
    let mut open = open_on(disk.clone());
    let records: Vec<_> = (1..=5).map(|n| record(n, 300)).collect();
    let ends: Vec<_> = records.iter().map(|record| open.append(record).unwrap().end).collect();
    for lost in [3, 5] {
        disk.damage(&super::text_of(lost));
    }
    let expected = [records[0].clone(), records[1].clone(), records[3].clone()];
    assert_eq!(open.read(ends[4]), expected, "the last one is passed over too");
}

#[test]
fn a_segment_that_was_settled_and_used_again_is_not_read() {
    let mut open = open_on(MemoryDisk::default());
    let records: Vec<_> = (1..=60).map(|n| record(n, 18_000)).collect();
    let first = open.append(&records[0]).unwrap().end;
    assert_eq!(next(&mut open, first), Some(records[0].clone()));
    // The reader stands in the first segment, all of which is settled and
    // written over.
    let mut end = first;
    for record in &records[1..=50] {
        open.journal.settled_before(end);
        end = open.append(record).unwrap().end;
    }
    assert!(end.place.segment > 4);
    let read = open.read(end);
    assert_eq!(read.last(), Some(&records[50]));
    assert!(records[..=50].ends_with(&read), "in order, and whole");
    assert!(read.len() < 50);
}

/// A start costs the same whatever is there: the head of each segment, and the
/// newest.
#[test]
fn a_start_reads_the_heads_and_the_newest_segment_alone() {
    let disk = MemoryDisk::default();
    let mut open = open_on(disk.clone());
    let records: Vec<_> = (1..=100).map(|n| record(n, 18_000)).collect();
    for record in &records {
        open.append(record).unwrap();
    }
    assert!(disk.segments() > 10);
    drop(open);
    let after = disk.copy();
    open = open_on(after.clone());
    assert!(after.bytes_read() <= disk.segments() * 4096 + (128 << 10));
    assert_eq!(open.recovered.unsettled().weight, super::weight(&records));
    assert_eq!(open.found(), records);
}

#[derive(Debug, Clone)]
enum Step {
    /// Bytes of a record.
    Append(usize),
    /// That many records, of those that are there.
    Read(usize),
    /// All that was read is settled.
    Settle,
    FailCreates(usize),
    FailReads(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop_oneof![9 => 0..900_usize, 3 => 9_000..40_000_usize, 1 => 0..200_000_usize];
    prop_oneof![
        8 => bytes.prop_map(Step::Append),
        5 => (1..12_usize).prop_map(Step::Read),
        2 => Just(Step::Settle),
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
        let disk = MemoryDisk::default();
        let mut open = open_on(disk.clone());
        let mut answered: Vec<(Record, Mark)> = Vec::new();
        let mut read = 0;
        let mut number = 0;
        for step in steps.into_iter().chain([Step::FailReads(0), Step::Read(usize::MAX)]) {
            match step {
                Step::Append(bytes) => {
                    number += 1;
                    let record = record(number, bytes);
                    if let Ok(appended) = open.append(&record) {
                        prop_assert_eq!(
                            appended.end.totals.weight,
                            answered.iter().map(|(record, _)| u64::from(record.header.weight)).sum::<u64>()
                                + u64::from(record.header.weight),
                        );
                        answered.push((record, appended.end));
                    }
                }
                Step::Read(count) => {
                    for (expected, end) in answered.iter().skip(read).take(count) {
                        match open.reader.next(end.place) {
                            Ok(Some(found)) => {
                                prop_assert_eq!(&found.record, expected);
                                prop_assert_eq!(found.end, end.place);
                                read += 1;
                            }
                            Ok(None) => prop_assert!(false, "an answered record is missing"),
                            Err(_) => break,
                        }
                    }
                }
                Step::Settle if read > 0 => open.journal.settled_before(answered[read - 1].1),
                Step::Settle => {}
                Step::FailCreates(count) => disk.fail(|faults| faults.creates = count),
                Step::FailReads(count) => disk.fail(|faults| faults.reads = count),
            }
        }
        prop_assert_eq!(read, answered.len());
        let nowhere = open.reader.next(Place { segment: u64::MAX, offset: 0 });
        prop_assert!(nowhere.unwrap().is_none(), "and nothing else");
    }
}
