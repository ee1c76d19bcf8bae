//! Disks that fail, segments that fill up and are used again.

use std::time::{Duration, Instant};

use super::memory_disk::MemoryDisk;
use super::{RULES, append, batch, open, open_on, open_telling};
use crate::event::{Accepted, Arrival};
use crate::pipeline::journal::segment::{Disk as _, SEGMENT_BYTES};
use crate::pipeline::journal::{Journal, OpenError, Rules};

fn events_on(disk: &MemoryDisk) -> (Journal, Vec<Accepted>) {
    let (journal, recovered) = open_on(disk.clone());
    (journal, recovered.events)
}

fn write(journal: &Journal, batch: &[Accepted]) -> bool {
    append(journal, batch).recv().unwrap().is_ok()
}

/// Tries until it works: a disk that was full is asked again after a second.
fn write_at_last(journal: &Journal, batch: &[Accepted]) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !write(journal, batch) {
        assert!(Instant::now() < limit, "the journal stays stuck");
        std::thread::yield_now();
    }
}

#[test]
fn a_batch_is_refused_when_its_write_or_its_sync_fails_and_does_not_come_back() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    let batches: Vec<_> = (1..=4).map(|n| batch(n * 1024, 2, 10)).collect();
    assert!(write(&journal, &batches[0]));
    disk.fail(|faults| faults.writes = 1);
    assert!(!write(&journal, &batches[1]));
    assert!(write(&journal, &batches[2]));
    disk.fail(|faults| faults.syncs = 1);
    assert!(!write(&journal, &batches[3]));
    assert!(write(&journal, &batch(9999, 1, 0)));
    journal.close();

    let (_, found) = events_on(&disk);
    let expected = [&batches[0][..], &batches[2][..], &batch(9999, 1, 0)].concat();
    assert_eq!(found, expected);
}

#[test]
fn what_was_refused_does_not_come_back_after_a_crash_right_then() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    assert!(write(&journal, &batch(256, 1, 10)));
    disk.fail(|faults| faults.syncs = 1);
    assert!(!write(&journal, &batch(512, 1, 10)));
    // Every sector of the failed write is on the disk all the same.
    disk.sync_all();
    let (_, found) = events_on(&disk.copy());
    assert_eq!(found, batch(256, 1, 10));
}

#[test]
fn what_was_refused_does_not_come_back_after_a_crash_on_a_full_disk() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    assert!(write(&journal, &batch(256, 1, 10)));
    // No further segment says how much of this one counts.
    disk.fail(|faults| (faults.writes, faults.creates) = (1, usize::MAX));
    let refused: Vec<_> = (2..5)
        .map(|n| append(&journal, &batch(n * 256, 2, 300)))
        .collect();
    for answer in refused {
        assert!(answer.recv().unwrap().is_err());
    }
    disk.sync_all();
    let (_, found) = events_on(&disk.copy());
    assert_eq!(found, batch(256, 1, 10));
}

#[test]
fn later_numbers_are_higher_than_all_that_were_noted_as_stored() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    assert!(write(&journal, &batch(1 << 20, 1, 10)));
    journal.forget_before(Arrival::from_i64((1 << 20) + 1));
    journal.close();
    let (_, recovered) = open_on(disk);
    assert_eq!(recovered.events, []);
    assert_eq!(
        recovered.numbered_up_to,
        Some(Arrival::from_i64((1 << 20) + 1))
    );
}

#[test]
fn a_full_disk_is_noticed_to_have_room_again_without_a_batch() {
    let disk = MemoryDisk::default();
    let (is_stuck, stuck) = std::sync::mpsc::channel();
    let on_stuck = Box::new(move |now| is_stuck.send(now).unwrap_or_default());
    let (journal, _) = open_telling(disk.clone(), on_stuck);
    assert!(write(&journal, &batch(256, 1, 100_000)));
    disk.fail(|faults| faults.creates = usize::MAX);
    // Does not fit into the rest of the segment.
    assert!(!write(&journal, &batch(512, 1, 100_000)));
    assert_eq!(stuck.recv(), Ok(true));
    disk.fail(|faults| faults.creates = 0);
    assert_eq!(stuck.recv(), Ok(false));
}

#[test]
fn a_full_disk_refuses_and_works_again_by_itself() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    assert!(write(&journal, &batch(256, 1, 10)));
    disk.fail(|faults| (faults.writes, faults.creates) = (1, usize::MAX));
    assert!(!write(&journal, &batch(512, 1, 10)));
    assert!(!write(&journal, &batch(768, 1, 10)));
    disk.fail(|faults| faults.creates = 0);
    write_at_last(&journal, &batch(1024, 1, 10));
    journal.close();
    let (_, found) = events_on(&disk);
    assert_eq!(found, [batch(256, 1, 10), batch(1024, 1, 10)].concat());
}

#[test]
fn segments_are_used_again_once_their_events_are_stored() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    let payload = usize::try_from(SEGMENT_BYTES / 16).unwrap();
    let rounds = 160;
    for round in 1..=rounds {
        assert!(write(&journal, &batch(round * 256, 1, payload)));
        journal.forget_before(Arrival::from_i64(round * 256));
    }
    assert!(
        disk.segments() <= 4,
        "{} segments for ten segments' data",
        disk.segments()
    );
    journal.close();
    let (_, found) = events_on(&disk);
    assert_eq!(
        found,
        batch(rounds * 256, 1, payload),
        "nothing of an earlier use comes back"
    );
}

#[test]
fn nothing_is_forgotten_that_is_not_stored() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    let batches: Vec<_> = (1..=40).map(|n| batch(n * 256, 1, 10_000)).collect();
    for batch in &batches {
        assert!(write(&journal, batch));
    }
    drop(journal);
    let (journal, found) = events_on(&disk);
    assert_eq!(found, batches.concat());
    drop(journal);
    let (_, again) = events_on(&disk);
    assert_eq!(
        again,
        batches.concat(),
        "also when nothing was done in between"
    );
}

#[test]
fn a_batch_larger_than_a_segment_gets_one_of_its_size() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    let large = batch(256, 1, usize::try_from(SEGMENT_BYTES).unwrap() + 1000);
    assert!(write(&journal, &large));
    assert!(write(&journal, &batch(512, 1, 0)));
    drop(journal);
    let (_, found) = events_on(&disk);
    assert_eq!(found, [large, batch(512, 1, 0)].concat());
}

#[test]
fn after_a_clean_end_nothing_that_is_stored_comes_back() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    assert!(write(&journal, &batch(256, 5, 10)));
    journal.forget_before(Arrival::from_i64(i64::MAX));
    journal.close();
    assert!(
        !write(&journal, &batch(9999, 1, 10)),
        "nothing is taken after the end"
    );
    let (_, found) = events_on(&disk);
    assert_eq!(found, []);
}

#[test]
fn a_folder_has_one_journal_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let (journal, _) = open(&path);
    assert!(matches!(
        Journal::open(&path, RULES, Box::new(|_| ())),
        Err(OpenError::Locked { .. })
    ));
    assert!(write(&journal, &batch(256, 3, 100)));
    drop(journal);
    let (_journal, recovered) = open(&path);
    assert_eq!(recovered.events, batch(256, 3, 100));
    assert_eq!(recovered.damaged, 0);
}

#[test]
fn a_segment_is_made_before_it_is_needed() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    let half = usize::try_from(SEGMENT_BYTES / 2).unwrap();
    assert!(write(&journal, &batch(256, 1, half)));
    assert_eq!(disk.segments(), 1);
    assert!(write(&journal, &batch(512, 1, 10)));
    let limit = Instant::now() + Duration::from_secs(30);
    while disk.segments() < 2 {
        assert!(Instant::now() < limit, "no segment is made");
        std::thread::yield_now();
    }
    journal.close();
    let (_, found) = events_on(&disk);
    assert_eq!(found, [batch(256, 1, half), batch(512, 1, 10)].concat());
}

#[test]
fn nobody_waits_for_the_name_of_a_segment_also_of_one_that_is_used_again() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    let quarter = usize::try_from(SEGMENT_BYTES / 4).unwrap();
    for round in 0..6 {
        let first = 1 + round * 1024;
        // To half of a segment, with all that was written before stored.
        journal.forget_before(Arrival::from_i64(first));
        assert!(write(&journal, &batch(first, 1, quarter)));
        assert!(write(&journal, &batch(first + 256, 1, quarter)));
        let answered = append(&journal, &batch(first + 512, 1, 10));
        let current = answered.recv().unwrap().unwrap().segment;
        let limit = Instant::now() + Duration::from_secs(30);
        while disk.numbers().unwrap().last() <= Some(&current) {
            assert!(Instant::now() < limit, "no segment is made ready");
            std::thread::yield_now();
        }
        // And on into the next one.
        let names = disk.hold_names();
        for answered in [3, 4].map(|n| append(&journal, &batch(first + n * 200, 1, quarter))) {
            let answer = answered.recv_timeout(Duration::from_secs(30));
            assert!(answer.expect("an answer").is_ok());
        }
        drop(names);
    }
    assert!(disk.segments() <= 4, "{} segments", disk.segments());
}

#[test]
fn a_segment_that_cannot_be_used_again_is_not_left_behind() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    disk.fail(|faults| faults.reuses = usize::MAX);
    let half = usize::try_from(SEGMENT_BYTES / 2).unwrap();
    for round in 0..20 {
        let first = 1 + round * 256;
        journal.forget_before(Arrival::from_i64(first));
        assert!(write(&journal, &batch(first, 1, half)));
    }
    drop(journal);
    assert!(disk.segments() <= 4, "{} segments", disk.segments());
}

#[test]
fn segments_without_events_are_used_again_behind_one_that_is_kept() {
    let disk = MemoryDisk::default();
    let (journal, _) = events_on(&disk);
    let kept = batch(256, 1, 10);
    assert!(write(&journal, &kept));
    // Each start takes a new segment, and leaves it without an event.
    drop(journal);
    for _ in 0..10 {
        let (journal, found) = events_on(&disk);
        assert_eq!(found, kept);
        drop(journal);
    }
    assert!(disk.segments() <= 4, "{} segments", disk.segments());
}

#[test]
fn an_event_that_is_never_stored_does_not_fill_the_disk() {
    let disk = MemoryDisk::default();
    let rules = Rules {
        max_bytes: 6 * SEGMENT_BYTES,
        ..RULES
    };
    let journal = Journal::on(disk.clone(), rules, Box::new(|_| ()))
        .unwrap()
        .journal;
    let payload = usize::try_from(SEGMENT_BYTES / 4).unwrap();
    let stuck = (1..1000).find(|round| !write(&journal, &batch(round * 256, 1, payload)));
    assert!((12..24).contains(&stuck.unwrap()), "{stuck:?}");
    assert!(disk.segments() <= 7, "{} segments", disk.segments());
    // It is stored at last, and all behind it was before.
    journal.forget_before(Arrival::from_i64(1 << 20));
    let last = batch(1 << 20, 1, 10);
    write_at_last(&journal, &last);
    journal.close();
    let (_, found) = events_on(&disk);
    assert_eq!(found.last(), last.first());
}
