//! Promises about the newest events of business accounts.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use trailkeep_event::{Accepted, Arrival, StoreId};
use trailkeep_store::summaries::AccountStore;
use trailkeep_store::{MAX_READ_BYTES, Position, Store, StoredEvent};

use crate::samples::{at, event, payload, store_all, stored};

fn of_account(account: &str, user: &str, event_id: &str, millis: i64, arrival: i64) -> Accepted {
    let mut accepted = event(user, event_id, millis, arrival);
    accepted.event.account_id = Some(account.into());
    accepted
}

/// What an account has behind a position, found the slow way.
fn expected(events: &[Accepted], account: &str, after: Option<Position>) -> Vec<StoredEvent> {
    let is_after = |event: &StoredEvent| after.is_none_or(|after| event.position() < after);
    let is_of_account = |event: &StoredEvent| event.account_id.as_deref() == Some(account);
    let mut events: Vec<_> = events.iter().map(stored).collect();
    events.retain(|event| is_of_account(event) && is_after(event));
    events.sort_by_key(StoredEvent::position);
    events.reverse();
    events
}

/// All pages behind a position, put together. No page but the last may be short, unless
/// its events are large.
async fn page_through(
    accounts: &dyn AccountStore,
    account: &str,
    mut after: Option<Position>,
    limit: usize,
) -> Vec<StoredEvent> {
    let mut events = Vec::new();
    loop {
        let page = accounts.events(account, after, limit).await.unwrap();
        let bytes: usize = page.events.iter().map(StoredEvent::bytes).sum();
        assert!(page.events.len() <= limit);
        assert!(!page.has_more || page.events.len() == limit || bytes > MAX_READ_BYTES);
        after = page.events.last().map(StoredEvent::position).or(after);
        events.extend(page.events);
        assert!(events.len() <= 1_000, "pages without an end");
        if !page.has_more {
            return events;
        }
    }
}

/// Of three users and two accounts, or of none, within some milliseconds and with few
/// numbers: nearly all share their time with others, of one user or of several.
fn random_events(random: &mut StdRng, count: i64) -> Vec<Accepted> {
    (0..count)
        .map(|number| {
            let user = ["ann", "bob", "cid"].choose(random).unwrap();
            let (millis, arrival) = (random.random_range(0..8), random.random_range(0..4));
            let mut event = event(user, &format!("e{number}"), millis, arrival);
            event.event.kind = (*["x", "y", "z"].choose(random).unwrap()).into();
            let account = [None, Some("acme"), Some("acme"), Some("Acme")].choose(random).unwrap();
            event.event.account_id = account.map(Into::into);
            event
        })
        .collect()
}

pub async fn pages_of_an_account_visit_every_event_once_newest_first(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    const SEED: u64 = 0x0061_6363_7473;
    let random = &mut StdRng::seed_from_u64(SEED);
    let events = random_events(random, 200);
    store_all(&*store, &events).await;
    for account in ["acme", "Acme", "nobody", ""] {
        for limit in [1, 2, 3, 7, 20, 50, 99, 200, 1_000] {
            let read = page_through(&*accounts, account, None, limit).await;
            assert_eq!(read, expected(&events, account, None), "{account:?} by {limit}");
        }
    }
}

/// An event that was removed since, or never was: a cursor names a place.
pub async fn a_position_of_an_account_needs_no_event(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    const SEED: u64 = 0x706f_7369;
    let random = &mut StdRng::seed_from_u64(SEED);
    let events = random_events(random, 60);
    store_all(&*store, &events).await;
    for round in 0..60 {
        let after = Some(Position {
            occurred_at: at(random.random_range(-1..9)),
            arrival: Arrival::from_i64(random.random_range(-1..5)),
            id: StoreId::from_bytes([random.random(); 16]),
        });
        let limit = random.random_range(1..=25);
        let read = page_through(&*accounts, "acme", after, limit).await;
        assert_eq!(read, expected(&events, "acme", after), "round {round}, by {limit}");
    }
}

/// As those of a batch without times of their own do.
pub async fn what_happened_at_once_is_in_order_of_arrival_whoever_did_it(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    let mut events: Vec<_> = (0..90)
        .map(|number| {
            let user = format!("u{}", number % 7);
            let mut event = of_account("a", &user, &number.to_string(), 0, number);
            event.event.kind = format!("type {}", number % 4).into();
            event
        })
        .collect();
    events.shuffle(&mut StdRng::seed_from_u64(7));
    store_all(&*store, &events).await;
    let read = page_through(&*accounts, "a", None, 8).await;
    let numbers: Vec<_> = read.iter().map(|event| event.arrival.as_i64()).collect();
    assert_eq!(numbers, (0..90).rev().collect::<Vec<_>>());
}

pub async fn an_accounts_events_are_read_up_to_4_mib(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    const BYTES: usize = 600_000;
    let json = format!("{{\"text\":\"{}\"}}", "x".repeat(BYTES));
    // Half of them share their time.
    let events: Vec<_> = (0..24)
        .map(|number: i64| {
            let mut event = of_account("a", "ann", &format!("e{number}"), number.min(12), number);
            event.event.payload = payload(&json);
            event
        })
        .collect();
    store_all(&*store, &events).await;
    let page = accounts.events("a", None, 1000).await.unwrap();
    assert_eq!(page.events.len(), MAX_READ_BYTES / BYTES + 1);
    let read = page_through(&*accounts, "a", None, 1000).await;
    assert_eq!(read, expected(&events, "a", None));
}

pub async fn events_that_come_later_do_not_shift_pages_of_an_account(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    let events: Vec<_> =
        (0..4).map(|number| of_account("a", "ann", &number.to_string(), number, number)).collect();
    store_all(&*store, &events).await;
    let page = accounts.events("a", None, 2).await.unwrap().events;
    store_all(&*store, &[of_account("a", "bob", "newest", 9, 9)]).await;
    let after = page.last().map(StoredEvent::position);
    let read = page_through(&*accounts, "a", after, 1).await;
    assert_eq!(read, expected(&events, "a", after));
    assert_eq!(read.len(), 2);
}
