//! Disks that fail, segments that fill up and are used again.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::{Open, RULES, append, eventually, open_on, open_telling, record, text_of};
use crate::disk::Disk as _;
use crate::memory_disk::MemoryDisk;
use crate::memory_disk::SEGMENT_BYTES;
use crate::{Journal, Record, Rules};

const SEGMENT: usize = 128 << 10;

fn write(open: &Open, record: &Record) -> bool {
    open.append(record).is_ok()
}

fn found_on(disk: &MemoryDisk) -> Vec<Record> {
    open_on(disk.clone()).found()
}

#[test]
fn a_disk_that_fails_a_sync_answers_nobody_and_ends_the_journal() {
    let disk = MemoryDisk::default();
    let open = open_on(disk.clone());
    assert!(write(&open, &record(1, 10)));
    disk.fail(|faults| faults.syncs = 1);
    assert!(append(&open.journal, &record(2, 10)).recv().is_err(), "no answer");
    assert!(append(&open.journal, &record(3, 10)).recv().is_err(), "nor later");
    eventually("the journal does not end", || open.journal.has_ended());
    drop(open);
    // Whether the second is there is not known, and not told.
    let found = found_on(&disk.copy());
    assert_eq!(found, [record(1, 10)]);
    disk.sync_all();
    assert_eq!(found_on(&disk.copy()), [record(1, 10), record(2, 10)]);
}

#[test]
fn a_disk_that_fails_a_write_answers_nobody_and_ends_the_journal() {
    let disk = MemoryDisk::default();
    let open = open_on(disk.clone());
    assert!(write(&open, &record(1, 10)));
    disk.fail(|faults| faults.writes = 1);
    assert!(append(&open.journal, &record(2, 10)).recv().is_err());
    eventually("the journal does not end", || open.journal.has_ended());
}

#[test]
fn a_full_disk_is_noticed_to_have_room_again_without_a_record() {
    let disk = MemoryDisk::default();
    let (is_stuck, stuck) = std::sync::mpsc::channel();
    let is_stuck = parking_lot::Mutex::new(is_stuck);
    let on_stuck = Box::new(move |now| is_stuck.lock().send(now).unwrap_or_default());
    let open = open_telling(disk.clone(), on_stuck);
    assert!(write(&open, &record(1, 100_000)));
    disk.fail(|faults| faults.creates = usize::MAX);
    // Does not fit into the rest of the segment.
    assert!(!write(&open, &record(2, 100_000)));
    assert_eq!(stuck.recv(), Ok(true));
    disk.fail(|faults| faults.creates = 0);
    assert_eq!(stuck.recv(), Ok(false));
    assert!(write(&open, &record(3, 100_000)));
    drop(open);
    assert_eq!(found_on(&disk), [record(1, 100_000), record(3, 100_000)]);
}

#[test]
fn segments_are_used_again_once_their_records_are_settled_and_nothing_stays_in_them() {
    let disk = MemoryDisk::default();
    let open = open_on(disk.clone());
    let rounds = 160;
    for round in 1..=rounds {
        let end = open.append(&record(round, SEGMENT / 16)).unwrap().end;
        open.journal.settled_before(end);
    }
    assert!(disk.segments() <= 4, "{} segments for ten segments' data", disk.segments());
    // One more begins a new segment, and lets the others go.
    assert!(write(&open, &record(rounds + 1, SEGMENT - 8192)));
    assert!(write(&open, &record(rounds + 2, 10)));
    drop(open);
    for round in 1..rounds {
        assert!(!disk.holds(&text_of(round)), "record {round} is still on the disk");
    }
    assert_eq!(found_on(&disk).last(), Some(&record(rounds + 2, 10)), "and what is not settled is");
}

#[test]
fn what_is_settled_goes_from_the_disk_after_a_while_also_where_little_comes() {
    let disk = MemoryDisk::default();
    let rules = Rules { max_age: Duration::ZERO, ..RULES };
    let open = Open::from(Journal::on(disk.clone(), rules, Box::new(|_| ())).unwrap());
    let end = open.append(&record(1, 1000)).unwrap().end;
    assert!(disk.holds(&text_of(1)));
    open.journal.settled_before(end);
    eventually("the record is still on the disk", || !disk.holds(&text_of(1)));
    // What is not settled stays, however old its segment is.
    assert!(write(&open, &record(2, 1000)));
    eventually("no other segment is begun", || open.journal.on_disk().segments == 2);
    drop(open);
    assert_eq!(found_on(&disk), [record(2, 1000)]);
}

/// What a failed write of a head has left on the disk may be read by the next start as the
/// newest segment.
#[test]
fn nothing_is_written_to_a_segment_once_one_behind_it_may_have_been_begun() {
    let disk = MemoryDisk::default();
    let rules = Rules { max_age: Duration::ZERO, ..RULES };
    let open = Open::from(Journal::on(disk.clone(), rules, Box::new(|_| ())).unwrap());
    assert!(write(&open, &record(1, 1000)));
    eventually("no other segment is made", || disk.segments() == 2);
    // Nothing is appended, so the next write is that of its head, which may be on the disk,
    // and stays there.
    disk.fail(|faults| (faults.writes, faults.removes) = (1, 1));
    eventually("no head is written", || {
        let mut left = 1;
        disk.fail(|faults| left = faults.writes);
        left == 0
    });
    eventually("no record can be written any more", || write(&open, &record(2, 1000)));
    for seed in 0..64 {
        let disk = disk.after_power_cut(&mut StdRng::seed_from_u64(seed));
        let mut open = open_on(disk);
        let found = open.found();
        assert_eq!(open.recovered.unsettled().weight, super::weight(&found), "seed {seed}");
        assert_eq!(open.recovered.highest, Some(2), "seed {seed}");
        assert_eq!(found, [record(1, 1000), record(2, 1000)], "seed {seed}");
    }
}

#[test]
fn nothing_is_forgotten_that_is_not_settled() {
    let disk = MemoryDisk::default();
    let records: Vec<_> = (1..=40).map(|n| record(n, 10_000)).collect();
    let open = open_on(disk.clone());
    for record in &records {
        assert!(write(&open, record));
    }
    drop(open);
    assert_eq!(found_on(&disk), records);
    assert_eq!(found_on(&disk), records, "also when nothing was done in between");
}

#[test]
fn a_record_larger_than_a_segment_gets_one_of_its_size() {
    let disk = MemoryDisk::default();
    let open = open_on(disk.clone());
    // The next segment is made ready by then.
    assert!(write(&open, &record(1, SEGMENT / 2)));
    assert!(write(&open, &record(2, 10)));
    assert!(write(&open, &record(3, SEGMENT + 1000)));
    assert!(write(&open, &record(4, SEGMENT / 2)));
    drop(open);
    let numbers: Vec<i64> = found_on(&disk).iter().map(|record| record.header.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[test]
fn after_a_clean_end_nothing_that_is_settled_comes_back() {
    let disk = MemoryDisk::default();
    let mut open = open_on(disk.clone());
    let end = open.append(&record(1, 10)).unwrap().end;
    open.journal.settled_before(end);
    open.journal.close();
    assert!(
        append(&open.journal, &record(2, 10)).recv().is_err(),
        "nothing is taken after the end"
    );
    drop(open);
    open = open_on(disk);
    assert_eq!(open.found(), []);
    assert_eq!(open.recovered.highest, Some(1));
}

#[test]
fn nobody_waits_for_the_name_of_a_segment_also_of_one_that_is_used_again() {
    let disk = MemoryDisk::default();
    let open = open_on(disk.clone());
    let quarter = SEGMENT / 4;
    for round in 0..6 {
        let first = 1 + round * 10;
        // To half of a segment, with all that was written before settled.
        let end = open.append(&record(first, quarter)).unwrap().end;
        open.journal.settled_before(end);
        assert!(write(&open, &record(first + 1, quarter)));
        let current = open.append(&record(first + 2, 10)).unwrap().end.place.segment;
        eventually("no segment is made ready", || disk.numbers().unwrap().last() > Some(&current));
        // And on into the next one.
        let names = disk.hold_names();
        for answered in [3, 4].map(|n| append(&open.journal, &record(first + n, quarter))) {
            let answer = answered.recv_timeout(Duration::from_secs(30));
            assert!(answer.expect("an answer").is_ok());
        }
        drop(names);
    }
    assert!(disk.segments() <= 6, "{} segments", disk.segments());
}

#[test]
fn a_segment_that_cannot_be_used_again_is_not_left_behind() {
    for set in
        [(|faults| faults.renames = usize::MAX) as fn(&mut crate::memory_disk::Faults), |faults| {
            faults.zeros = usize::MAX
        }]
    {
        let disk = MemoryDisk::default();
        let open = open_on(disk.clone());
        disk.fail(set);
        for round in 1..20 {
            let end = open.append(&record(round, SEGMENT / 2)).unwrap().end;
            open.journal.settled_before(end);
        }
        drop(open);
        assert!(disk.segments() <= 4, "{} segments", disk.segments());
    }
}

#[test]
fn a_start_leaves_no_more_segments_than_it_found_and_its_own() {
    let disk = MemoryDisk::default();
    let open = open_on(disk.clone());
    assert!(write(&open, &record(1, 10)));
    drop(open);
    for _ in 0..10 {
        assert_eq!(found_on(&disk), [record(1, 10)]);
    }
    assert!(disk.segments() <= 3, "{} segments", disk.segments());
    let open = open_on(disk.clone());
    let end = open.append(&record(2, 10)).unwrap().end;
    open.journal.settled_before(end);
    drop(open);
    assert!(disk.segments() <= 4, "{} segments when all is settled", disk.segments());
}

#[test]
fn a_record_that_is_never_settled_does_not_fill_the_disk() {
    let disk = MemoryDisk::default();
    let rules = Rules { max_bytes: 6 * SEGMENT_BYTES, ..RULES };
    let opened = Journal::on(disk.clone(), rules, Box::new(|_| ())).unwrap();
    let open = Open::from(opened);
    let mut last = None;
    let stuck = (1..1000).find(|round| match open.append(&record(*round, SEGMENT / 4)) {
        Ok(appended) => {
            last = Some(appended.end);
            false
        }
        Err(error) => {
            assert!(error.to_string().contains("journal.max_bytes"), "{error}");
            true
        }
    });
    assert!((12..24).contains(&stuck.unwrap()), "{stuck:?}");
    assert!(disk.segments() <= 8, "{} segments", disk.segments());
    open.journal.settled_before(last.unwrap());
    eventually("it stays stuck", || write(&open, &record(2000, 10)));
}
