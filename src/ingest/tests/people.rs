//! What events say of people is kept before the journal forgets them.

use std::sync::atomic::Ordering;

use super::*;

/// An event of a user who was known under another id before.
fn signed_in(user: &str, anonymous_id: &str, id: &str) -> Event {
    let anonymous_id = Some(anonymous_id.into());
    Event { anonymous_id, ..event(user, id) }
}

fn owner(setup: &Setup, anonymous_id: &str) -> Option<Box<str>> {
    setup.people.row(anonymous_id)?.link().map(|link| link.user)
}

async fn drain(running: Running) -> usize {
    running.writers.drain(Instant::now() + Duration::from_secs(60)).await
}

#[tokio::test(start_paused = true)]
async fn an_event_is_held_until_what_it_says_is_kept() {
    let setup = Setup::default();
    setup.people.is_away.store(true, Ordering::SeqCst);
    let running = setup.start();
    running.admit(vec![signed_in("ann", "a-1", "e-1")]).await.unwrap();
    while setup.people.calls.load(Ordering::SeqCst) < 3 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(running.ingest.held().events, 1);
    assert_eq!(running.ingest.saying().len(), 1, "what waits counts");

    setup.people.is_away.store(false, Ordering::SeqCst);
    let ingest = Arc::clone(&running.ingest);
    assert_eq!(drain(running).await, 0);
    assert_eq!(owner(&setup, "a-1").as_deref(), Some("ann"));
    assert!(ingest.saying().is_empty());
}

#[tokio::test]
async fn a_duplicate_says_it_too_because_whoever_stored_it_may_have_died_before() {
    let setup = Setup::default();
    let running = setup.start();
    running.admit(vec![event("ann", "e-1")]).await.unwrap();
    running.admit(vec![signed_in("ann", "a-1", "e-1")]).await.unwrap();
    assert_eq!(drain(running).await, 0);
    assert_eq!(owner(&setup, "a-1").as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_dead_letter_says_it_too() {
    let setup = Setup::default();
    setup.store.refused.lock().push(StoreId::derive("ann", "e-1"));
    let running = setup.start();
    running.admit(vec![signed_in("ann", "a-1", "e-1")]).await.unwrap();
    assert_eq!(drain(running).await, 0);
    assert_eq!(setup.letters.kept.lock().len(), 1);
    assert_eq!(owner(&setup, "a-1").as_deref(), Some("ann"));
}

#[tokio::test]
async fn what_is_known_is_not_asked_for_again() {
    let setup =
        Setup { rules: WriteRules { max_events: 1, ..RULES }, in_flight: 1, ..Setup::default() };
    let running = setup.start();
    running.admit(vec![signed_in("ann", "a-1", "e-1")]).await.unwrap();
    while running.ingest.held().events > 0 {
        tokio::task::yield_now().await;
    }
    let calls = setup.people.calls.load(Ordering::SeqCst);
    running
        .admit((2..50).map(|id| signed_in("ann", "a-1", &format!("e-{id}"))).collect())
        .await
        .unwrap();
    assert_eq!(drain(running).await, 0);
    assert_eq!(setup.people.calls.load(Ordering::SeqCst), calls);
}
