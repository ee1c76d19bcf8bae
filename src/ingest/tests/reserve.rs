//! A disk that the journal shares with the database.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Setup, admit, events};
use crate::ingest::reserve::{needed, watch};
use crate::ingest::{NotAdmitted, Patience};
use crate::monitoring::disk::Disk;
use crate::monitoring::health::Unready;

/// Has as much room as a test says, and counts who asks.
#[derive(Default)]
struct FakeDisk {
    free: AtomicU64,
    asked: AtomicU64,
}

impl Disk for FakeDisk {
    fn free(&self) -> io::Result<u64> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(self.free.load(Ordering::Relaxed))
    }
}

const PLENTY: u64 = 1 << 40;

/// Longer than the time between two questions.
const A_WHILE: Duration = Duration::from_millis(1500);

fn disk(free: u64) -> Arc<FakeDisk> {
    Arc::new(FakeDisk { free: free.into(), asked: AtomicU64::default() })
}

#[tokio::test(start_paused = true)]
async fn posts_are_refused_while_the_backlog_still_fits_into_the_database() {
    let (ingest, _reader) = Setup::default().open();
    let disk = disk(PLENTY);
    ingest.health.store_prepared();
    tokio::spawn(watch(Arc::clone(&ingest), Arc::clone(&disk) as _, true));
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(admit(&ingest, events("u", 0..100)).await, Ok(()));

    let held = ingest.held().bytes as u64;
    disk.free.store(needed(held) - 1, Ordering::Relaxed);
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(admit(&ingest, events("u", 100..101)).await, Err(NotAdmitted::NotWritten));
    let turn = ingest.turn(Patience::NONE).await;
    assert_eq!(turn, Err(NotAdmitted::NotWritten), "nor is a body read");
    assert_eq!(ingest.health.readiness(), Err(Unready::Journal));
    assert_eq!(ingest.statistics.folder.free(), Some(needed(held) - 1));

    disk.free.store(PLENTY, Ordering::Relaxed);
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(admit(&ingest, events("u", 100..101)).await, Ok(()));
    assert_eq!(ingest.health.readiness(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_database_elsewhere_needs_nothing_of_this_disk() {
    let (ingest, _reader) = Setup::default().open();
    tokio::spawn(watch(Arc::clone(&ingest), disk(1), false));
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(ingest.statistics.folder.free(), Some(1));
    assert_eq!(admit(&ingest, events("u", 0..1)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_disk_is_asked_once_a_second_however_much_is_posted() {
    let (ingest, _reader) = Setup::default().open();
    let disk = disk(PLENTY);
    tokio::spawn(watch(Arc::clone(&ingest), Arc::clone(&disk) as _, true));
    for second in 0..10 {
        for number in 0..20 {
            let id = second * 20 + number;
            assert_eq!(admit(&ingest, events("u", id..id + 1)).await, Ok(()));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let asked = disk.asked.load(Ordering::Relaxed);
    assert!((9..=11).contains(&asked), "{asked}");
}
