//! What is accepted beyond the buffer is kept on disk and stored in order.

mod model;
mod portions;
mod turned_away;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{LANES, Next, RULES, event, events};
use crate::event::time::SystemClock;
use crate::event::{Event, StoreId};
use crate::pipeline::buffer::Limits;
use crate::pipeline::flusher::Flusher;
use crate::pipeline::health::{Health, Unready};
use crate::pipeline::journal::tests::memory_disk::MemoryDisk;
use crate::pipeline::journal::{self, Journal, Opened};
use crate::pipeline::shares::Shares;
use crate::pipeline::statistics::Statistics;
use crate::pipeline::tests::fake_store::FakeStore;
use crate::pipeline::waiter::Settled;
use crate::pipeline::{NotAdmitted, Parts, Pipeline};

const LIMITS: Limits = Limits {
    max_events: 60,
    max_bytes: 1 << 20,
};
const PLENTY: u64 = 1 << 30;
const SHARES: Shares = Shares {
    per_account: 60,
    per_key: 70,
};

/// A pipeline with its journal on a disk in memory.
struct Spilling {
    pipeline: Arc<Pipeline>,
    health: Arc<Health>,
    flusher: Flusher,
    store: Arc<FakeStore>,
    disk: MemoryDisk,
    _prepared: watch::Sender<bool>,
}

impl Spilling {
    /// Goes on with what is on the disk.
    fn start(disk: MemoryDisk, store: Arc<FakeStore>, max_spilled_bytes: u64) -> Self {
        let Opened {
            journal,
            recovered,
            reader,
        } = Journal::on(disk.clone(), journal::tests::RULES, Box::new(|_| ())).unwrap();
        let health = Health::new(Duration::from_secs(10)).outlasting_outages(true);
        let health = Arc::new(health);
        health.store_answered();
        health.store_prepared();
        let pipeline = Arc::new(Pipeline::new(Parts {
            limits: LIMITS,
            shares: SHARES,
            rules: RULES,
            lanes: LANES,
            instance: 7,
            journal: Some(journal),
            reader: Some(reader),
            max_spilled_bytes,
            clock: Arc::new(SystemClock),
            statistics: Arc::new(Statistics::new().unwrap()),
            health: Arc::clone(&health),
        }));
        if let Some(last) = recovered.numbered_up_to {
            pipeline.number_after(last);
        }
        if let Some(unstored) = recovered.unstored {
            pipeline.restore_spilled(unstored);
        }
        let (prepared, is_prepared) = watch::channel(true);
        let flusher = Flusher::start(
            Arc::clone(&pipeline),
            super::to(&store, &Arc::default()),
            is_prepared,
        );
        Self {
            pipeline,
            health,
            flusher,
            store,
            disk,
            _prepared: prepared,
        }
    }

    /// With a store that takes nothing until [`store_is_back`](Self::store_is_back).
    fn during_an_outage(max_spilled_bytes: u64) -> Self {
        let store = Arc::new(FakeStore::default());
        *store.always.lock() = Some(Next::Fail);
        Self::start(MemoryDisk::default(), store, max_spilled_bytes)
    }

    fn store_is_back(&self) {
        *self.store.always.lock() = None;
    }

    /// As a crash and a new start: what was synced is there, and nothing else.
    fn restart(self, max_spilled_bytes: u64) -> Self {
        let disk = self.disk.copy();
        let store = Arc::clone(&self.store);
        drop(self);
        Self::start(disk, store, max_spilled_bytes)
    }

    /// Has single events of a user accepted, in batches of ten.
    async fn accept(&self, user: &str, ids: std::ops::Range<usize>) {
        for first in ids.clone().step_by(10) {
            let batch = events(user, first..(first + 10).min(ids.end));
            self.pipeline.admit(batch).await.unwrap();
        }
    }

    async fn emptied(&self) {
        let limit = Instant::now() + Duration::from_secs(600);
        loop {
            let held = self.pipeline.snapshot();
            assert!(held.events <= LIMITS.max_events, "{held:?}");
            if held.events + held.spilled_events == 0 {
                assert_eq!(held.spilled_bytes, 0);
                return;
            }
            assert!(Instant::now() < limit, "not emptied: {held:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What was accepted is somewhere, once.
    fn assert_conserved(&self) {
        let of = &self.pipeline.statistics;
        let held = self.pipeline.snapshot();
        assert_eq!(
            of.accepted.get() + of.restored.get(),
            of.stored.get()
                + of.duplicate.get()
                + of.dead_lettered.get()
                + of.unreadable.get()
                + (held.events + held.spilled_events) as u64,
            "{held:?}"
        );
    }

    fn assert_nobody_holds_anything(&self) {
        let buffer = self.pipeline.buffer.lock();
        assert!(buffer.tenants().is_empty(), "{:?}", buffer.tenants());
        assert!(buffer.spill().portions().is_empty(), "{:?}", buffer.spill());
    }

    fn stored_of(&self, user: &str) -> Vec<String> {
        let stored = self.store.stored.lock();
        let of_user = stored.iter().filter(|a| &*a.event.user_id == user);
        of_user.map(|a| a.event.event_id.to_string()).collect()
    }
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|id| id.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn events_beyond_the_buffer_are_kept_and_stored_in_order() {
    let run = Spilling::during_an_outage(PLENTY);
    for round in 0..50 {
        for user in ["u", "v", "w"] {
            run.accept(user, round * 20..(round + 1) * 20).await;
        }
    }
    let held = run.pipeline.snapshot();
    assert_eq!((held.events, held.spilled_events), (60, 2940));
    assert!(held.spilled_bytes > 2940 * 50, "{held:?}");
    assert!(!run.pipeline.turns_away(Some(0)));
    assert_eq!(run.health.readiness(), Ok(()));
    run.assert_conserved();

    run.store_is_back();
    run.emptied().await;
    run.assert_conserved();
    for user in ["u", "v", "w"] {
        assert_eq!(run.stored_of(user), ids(0..1000));
    }
    assert_eq!(run.pipeline.statistics.duplicate.get(), 0);
    assert_eq!(run.pipeline.oldest_unstored(), None);
}

#[tokio::test(start_paused = true)]
async fn the_journal_forgets_what_was_spilled_only_once_it_is_stored() {
    let run = Spilling::during_an_outage(PLENTY);
    run.accept("u", 0..3000).await;
    let run = run.restart(PLENTY);
    assert_eq!(run.pipeline.statistics.restored.get(), 3000);
    let held = run.pipeline.snapshot();
    assert_eq!((held.events, held.spilled_events), (60, 2940));

    // A part is stored, and noted.
    run.store_is_back();
    while run.stored_of("u").len() < 1000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    *run.store.always.lock() = Some(Next::Fail);
    run.accept("u", 3000..3010).await;
    let run = run.restart(PLENTY);
    let restored = run.pipeline.statistics.restored.get();
    assert!((1000..=2070).contains(&restored), "{restored}");
    run.store_is_back();
    run.emptied().await;
    run.assert_conserved();
    assert_eq!(run.stored_of("u"), ids(0..3010));
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_batches_are_refused_until_there_is_room() {
    let run = Spilling::during_an_outage(20_000);
    let mut accepted = 0;
    while run
        .pipeline
        .admit(events("u", accepted..accepted + 10))
        .await
        == Ok(())
    {
        accepted += 10;
    }
    assert!(accepted > 60, "{accepted}");
    let held = run.pipeline.snapshot();
    assert!(held.spilled_bytes <= 20_000, "{held:?}");
    assert_eq!(run.health.readiness(), Err(Unready::Full));
    let next = run
        .pipeline
        .admit(events("u", accepted..accepted + 10))
        .await;
    assert_eq!(next, Err(NotAdmitted::Full));

    run.store_is_back();
    run.emptied().await;
    assert_eq!(run.health.readiness(), Ok(()));
    run.accept("u", accepted..accepted + 10).await;
    run.emptied().await;
    assert_eq!(run.stored_of("u"), ids(0..accepted + 10));
}

#[tokio::test(start_paused = true)]
async fn what_was_spilled_is_drained_also_where_nothing_is_spilled_any_more() {
    let run = Spilling::during_an_outage(PLENTY);
    run.accept("u", 0..500).await;
    let run = run.restart(0);
    assert!(
        run.pipeline.turns_away(Some(0)),
        "nothing may overtake what is spilled"
    );
    let next = run.pipeline.admit(events("u", 500..501)).await;
    assert_eq!(next, Err(NotAdmitted::Full));
    run.store_is_back();
    run.emptied().await;
    assert!(!run.pipeline.turns_away(Some(0)));
    run.accept("u", 500..510).await;
    run.emptied().await;
    assert_eq!(run.stored_of("u"), ids(0..510));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_spilled_batch_hears_when_it_is_stored() {
    let run = Spilling::during_an_outage(PLENTY);
    run.accept("u", 0..100).await;
    // Of these, five are in the buffer, five are spilled before, five are new,
    // and of the new ones one is there twice.
    let mut batch: Vec<Event> = [
        events("u", 0..5),
        events("u", 90..95),
        events("u", 100..105),
    ]
    .concat();
    batch.push(event("u", "104"));
    let gone = run
        .pipeline
        .admit_at_once(events("u", 105..110))
        .await
        .unwrap();
    let waiter = run.pipeline.admit_at_once(batch).await.unwrap();
    drop(gone);
    let waiting = tokio::spawn(waiter.wait());
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(!waiting.is_finished());
    run.store_is_back();
    let settled = waiting.await.unwrap();
    let expected = Settled {
        duplicates: 11,
        refused: 0,
    };
    assert_eq!(settled, expected);
    run.emptied().await;
    run.assert_conserved();
    let expected = [ids(0..100), ids(105..110), ids(100..105)].concat();
    assert_eq!(run.stored_of("u"), expected);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_spilled_twice_is_stored_once() {
    let run = Spilling::during_an_outage(PLENTY);
    for _ in 0..5 {
        run.accept("u", 0..200).await;
    }
    run.store.refused.lock().push(StoreId::derive("u", "150"));
    run.store_is_back();
    run.emptied().await;
    run.assert_conserved();
    assert_eq!(run.pipeline.statistics.stored.get(), 199);
    // The refused one was refused each time.
    assert_eq!(run.pipeline.statistics.duplicate.get(), 796);
    assert_eq!(run.stored_of("u").len(), 199);
}

#[tokio::test(start_paused = true)]
async fn what_the_disk_has_damaged_is_counted_and_holds_nothing_up() {
    let run = Spilling::during_an_outage(PLENTY);
    run.accept("u", 0..60).await;
    for number in 0..20 {
        run.accept(&format!("only-{number}-here"), 0..10).await;
    }
    run.disk.damage(b"only-7-here");
    run.disk.damage(b"only-19-here");
    run.store_is_back();
    run.emptied().await;
    assert_eq!(run.pipeline.statistics.unreadable.get(), 20);
    run.assert_conserved();
    assert_eq!(run.store.stored.lock().len(), 240);
    run.accept("u", 60..200).await;
    run.emptied().await;
    assert_eq!(run.stored_of("u"), ids(0..200));
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_cannot_be_read_for_a_while_delays_and_loses_nothing() {
    let run = Spilling::during_an_outage(PLENTY);
    run.accept("u", 0..300).await;
    run.disk.fail(|faults| faults.reads = 3);
    run.store_is_back();
    run.emptied().await;
    run.assert_conserved();
    assert_eq!(run.stored_of("u"), ids(0..300));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_refuses_while_spilling_and_works_again_by_itself() {
    let run = Spilling::during_an_outage(PLENTY);
    run.accept("u", 0..10).await;
    run.disk.fail(|faults| faults.creates = usize::MAX);
    let mut accepted = 10;
    while run
        .pipeline
        .admit(events("u", accepted..accepted + 10))
        .await
        == Ok(())
    {
        accepted += 10;
    }
    assert!(
        accepted > 60,
        "a segment holds more than the buffer: {accepted}"
    );
    assert_eq!(
        run.pipeline
            .admit(events("u", accepted..accepted + 10))
            .await,
        Err(NotAdmitted::NotWritten)
    );
    run.disk.fail(|faults| faults.creates = 0);
    // The disk is asked again once a second, by a clock that is not paused.
    let limit = std::time::Instant::now() + Duration::from_secs(30);
    while run
        .pipeline
        .admit(events("u", accepted..accepted + 10))
        .await
        .is_err()
    {
        assert!(std::time::Instant::now() < limit, "the journal stays stuck");
        std::thread::yield_now();
    }
    run.store_is_back();
    run.emptied().await;
    run.assert_conserved();
    assert_eq!(run.stored_of("u"), ids(0..accepted + 10));
}

#[tokio::test(start_paused = true)]
async fn a_drain_stores_what_is_spilled_as_far_as_the_time_allows() {
    let run = Spilling::during_an_outage(PLENTY);
    run.accept("u", 0..500).await;
    run.store_is_back();
    let left = run
        .flusher
        .drain(Instant::now() + Duration::from_secs(60))
        .await;
    assert_eq!(left.len(), 0);
    assert_eq!(run.pipeline.snapshot().spilled_events, 0);
    assert_eq!(run.store.stored.lock().len(), 500);

    let run = Spilling::during_an_outage(PLENTY);
    run.accept("u", 0..500).await;
    let (pipeline, disk, store) = (run.pipeline, run.disk, run.store);
    let left = run
        .flusher
        .drain(Instant::now() + Duration::from_secs(5))
        .await;
    assert_eq!(left.len(), 60);
    assert_eq!(pipeline.snapshot().spilled_events, 440);
    pipeline.close_journal();
    *store.always.lock() = None;
    let run = Spilling::start(disk, store, PLENTY);
    run.emptied().await;
    assert_eq!(run.stored_of("u"), ids(0..500));
}
