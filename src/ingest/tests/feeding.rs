//! What is stored is told to processors before the journal forgets it.

use trailkeep_event::{Arrival, StoreId, Timestamp};
use trailkeep_store::processing::{Processor, Wanted};

use super::fake_store::Next;
use super::*;

/// A processor that wants everything from a number on.
fn everything(name: &str, since: i64) -> Processor {
    Processor {
        name: name.into(),
        secret: [7; 16],
        wanted: Wanted { any: Some(Arrival::from_i64(since)), ..Wanted::default() },
        version: 0,
        seen_at: Timestamp::from_millis(0).unwrap(),
        lease: None,
    }
}

fn fed(setup: &Setup, name: &str) -> Vec<StoreId> {
    setup.feeds.entries(name).iter().map(|entry| entry.id).collect()
}

async fn drain(running: Running) {
    let left = running.writers.drain(Instant::now() + Duration::from_secs(60)).await;
    assert_eq!(left, 0);
}

fn id(number: usize) -> StoreId {
    StoreId::derive("ann", &format!("e{number}"))
}

#[tokio::test]
async fn what_is_stored_is_fed_in_the_order_of_its_users() {
    let setup = Setup::default();
    setup.feeds.processors.lock().push(everything("default", 0));
    let running = setup.start();
    for number in 0..20 {
        running.admit(vec![event("ann", &format!("e{number}"))]).await.unwrap();
    }
    drain(running).await;
    assert_eq!(fed(&setup, "default"), (0..20).map(id).collect::<Vec<_>>());
}

#[tokio::test]
async fn each_processor_has_a_feed_of_what_it_wants() {
    let setup = Setup::default();
    let types = [("order".into(), Arrival::from_i64(0))].into();
    let orders = Processor { wanted: Wanted { any: None, types }, ..everything("orders", 0) };
    setup.feeds.processors.lock().extend([
        everything("all", 0),
        orders,
        everything("later", i64::MAX),
    ]);
    let running = setup.start();
    let order = Event { kind: "order".into(), ..event("ann", "e1") };
    running.admit(vec![event("ann", "e0"), order]).await.unwrap();
    drain(running).await;
    assert_eq!(fed(&setup, "all"), [id(0), id(1)]);
    assert_eq!(fed(&setup, "orders"), [id(1)]);
    assert!(fed(&setup, "later").is_empty());
}

/// Another instance may have answered 202 for what this one stored, and have ended
/// before it fed it.
#[tokio::test]
async fn what_is_found_to_be_stored_is_fed_under_the_number_that_it_has_there() {
    let setup = Setup::default();
    setup.feeds.processors.lock().push(everything("default", 0));
    let running = setup.start();
    running.admit(vec![event("ann", "e0")]).await.unwrap();
    running.admit(vec![event("ann", "e0")]).await.unwrap();
    drain(running).await;
    let entries = setup.feeds.entries("default");
    let stored = setup.store.stored.lock()[0].arrival;
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.arrival == stored), "{entries:?}");
}

#[tokio::test]
async fn kept_a_feed_that_cannot_be_written_keeps_what_is_stored_in_the_journal() {
    let setup = Setup::default();
    setup.feeds.processors.lock().push(everything("default", 0));
    *setup.feeds.faults.lock() = u32::MAX;
    let running = setup.start();
    running.admit(vec![event("ann", "e0")]).await.unwrap();
    let stored = || setup.store.stored.lock().len() == 1;
    eventually(stored).await;
    let deadline = Instant::now() + Duration::from_millis(50);
    running.writers.drain(deadline).await;
    running.ingest.close_journal();
    drop(running.ingest);
    assert!(setup.feeds.entries("default").is_empty());

    *setup.feeds.faults.lock() = 0;
    let again = setup.start();
    drain(again).await;
    assert_eq!(fed(&setup, "default"), [id(0)]);
}

#[tokio::test]
async fn a_feed_that_fails_for_a_while_has_everything_once_and_in_order() {
    let setup = Setup::default();
    setup.feeds.processors.lock().extend([everything("a", 0), everything("b", 0)]);
    *setup.feeds.faults.lock() = 7;
    setup.store.script.lock().push_back(Next::WriteHalf);
    let running = setup.start();
    for number in 0..10 {
        running.admit(vec![event("ann", &format!("e{number}"))]).await.unwrap();
    }
    drain(running).await;
    for name in ["a", "b"] {
        assert_eq!(fed(&setup, name), (0..10).map(id).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn numbers_go_past_what_a_new_processor_wants() {
    let setup = Setup::default();
    let running = setup.start();
    let ahead = running.ingest.next_arrival().as_i64() + (1 << 50);
    setup.feeds.processors.lock().push(everything("default", ahead));
    running.admit(vec![event("ann", "e0")]).await.unwrap();
    running.admit(vec![event("ann", "e1")]).await.unwrap();
    let is_known = || running.ingest.next_arrival().as_i64() > ahead;
    eventually(is_known).await;
    running.admit(vec![event("ann", "e2")]).await.unwrap();
    drain(running).await;
    assert_eq!(fed(&setup, "default").last(), Some(&id(2)));
}

/// Waits until something is so.
async fn eventually(is_so: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came to be");
}
