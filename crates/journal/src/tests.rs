#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod damage;
mod disk;
mod faults;
mod formats;
mod inspecting;
mod model;
mod reading;

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::disk::Disk;
use super::{
    Appended, Header, Journal, Mark, NotWritten, OnStuck, Opened, ReadBack, Record, Recovered,
    Rules,
};

pub const RULES: Rules = Rules { max_bytes: u64::MAX, is_synced: true, max_age: Rules::MAX_AGE };

fn open(folder: &Path) -> Open {
    Journal::open(folder, RULES, Box::new(|_| ())).unwrap().into()
}

fn open_on(disk: impl Disk) -> Open {
    open_telling(disk, Box::new(|_| ()))
}

fn open_telling(disk: impl Disk, on_stuck: OnStuck) -> Open {
    Journal::on(disk, RULES, on_stuck).unwrap().into()
}

/// A journal, and a reader that stands where what is not settled begins.
struct Open {
    journal: Journal,
    recovered: Recovered,
    reader: Box<dyn ReadBack>,
}

impl From<Opened> for Open {
    fn from(opened: Opened) -> Self {
        let Opened { journal, recovered, mut reader } = opened;
        reader.seek(recovered.low.place);
        Self { journal, recovered, reader }
    }
}

impl Open {
    /// What an earlier process left, read to its end.
    fn found(&mut self) -> Vec<Record> {
        self.read(self.recovered.end)
    }

    fn read(&mut self, up_to: Mark) -> Vec<Record> {
        let mut records = Vec::new();
        while let Some(read) = self.reader.next(up_to.place).unwrap() {
            assert_eq!(read.bytes, read.record.frame_bytes());
            records.push(read.record);
        }
        records
    }

    fn append(&self, record: &Record) -> Result<Appended, NotWritten> {
        append(&self.journal, record).recv().unwrap()
    }
}

/// A record whose body begins with its number as text.
fn record(number: i64, bytes: usize) -> Record {
    let mut body = format!("record {number:09};").into_bytes();
    body.extend(std::iter::repeat_n(b'x', bytes));
    let header =
        Header { kind: 1, version: 1, weight: u32::try_from(number % 5 + 1).unwrap(), number };
    Record { header, body }
}

fn text_of(number: i64) -> Vec<u8> {
    format!("record {number:09};").into_bytes()
}

/// Appends without waiting; the answer comes through the channel, which ends
/// without one where nobody is answered.
fn append(journal: &Journal, record: &Record) -> mpsc::Receiver<Result<Appended, NotWritten>> {
    let (answer, answered) = mpsc::channel();
    let done = Box::new(move |written| answer.send(written).unwrap_or_default());
    journal.append(record.clone(), done);
    answered
}

/// Waits until something is so, which happens on another thread.
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < limit, "{what}");
        std::thread::yield_now();
    }
}

fn weight(records: &[Record]) -> u64 {
    records.iter().map(|record| u64::from(record.header.weight)).sum()
}

#[test]
fn kept_records_come_back_whole_and_in_order_until_they_are_settled() {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<Record> = (1..=20).map(|number| record(number, 100)).collect();
    let open_journal = open(folder.path());
    let ends: Vec<Mark> =
        records.iter().map(|record| open_journal.append(record).unwrap().end).collect();
    drop(open_journal);

    let mut again = open(folder.path());
    assert_eq!(again.recovered.unsettled().weight, weight(&records));
    assert_eq!(again.recovered.highest, Some(20));
    assert_eq!(again.found(), records);
    again.journal.settled_before(ends[11]);
    drop(again);

    let mut last = open(folder.path());
    assert_eq!(last.recovered.unsettled().weight, weight(&records[12..]));
    assert_eq!(last.found(), records[12..]);
    assert_eq!(last.recovered.highest, Some(20), "also of what is settled");
}

#[test]
fn a_folder_has_one_journal_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let open_journal = open(&path);
    assert!(matches!(Journal::open(&path, RULES, Box::new(|_| ())), Err(super::OpenError::Locked)));
    drop(open_journal);
    open(&path);
}
