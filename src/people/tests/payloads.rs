//! To whom an event leads that was found by its payload.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::json;
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Accepted, Arrival, Event, Payload, StoreId, Timestamp};
use trailkeep_store::StoreError;
use trailkeep_store::payloads::{PayloadHit, PayloadKey, PayloadStore, PayloadValue};
use trailkeep_store::people::{Decision, Person};

use super::search::{Accounts, named, people};
use crate::people::facts;
use crate::people::search::{Kind, Matched, Payloads, Search, Waiting};

/// Keeps events until it is dropped; has no index of the key `late`.
#[derive(Default)]
struct MemoryPayloads {
    events: Mutex<Vec<Arc<Accepted>>>,
    /// Events that searches have read.
    read: Mutex<usize>,
}

#[async_trait]
impl PayloadStore for MemoryPayloads {
    async fn index_payloads(&self, _: &[PayloadKey]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn by_payload(
        &self,
        key: &PayloadKey,
        value: &PayloadValue,
        most: usize,
    ) -> Result<Option<Vec<PayloadHit>>, StoreError> {
        if key.as_str() == "late" {
            return Ok(None);
        }
        let events = self.events.lock();
        let mut found: Vec<_> =
            events.iter().filter(|one| value.is_in(&one.event.payload, key)).collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.event.occurred_at));
        found.truncate(most);
        *self.read.lock() += found.len();
        Ok(Some(found.into_iter().map(|one| hit(one)).collect()))
    }
}

fn hit(accepted: &Accepted) -> PayloadHit {
    let event = &accepted.event;
    PayloadHit {
        user_id: event.user_id.clone(),
        occurred_at: event.occurred_at,
        received_at: event.received_at,
        arrival: accepted.arrival,
    }
}

fn keys(names: &[&str]) -> Vec<PayloadKey> {
    names.iter().map(|name| PayloadKey::new(name).unwrap()).collect()
}

/// Where no setting names a key.
pub fn no_payloads() -> Payloads {
    Payloads::new(Arc::new(MemoryPayloads::default()), Vec::new())
}

fn moment(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1000).unwrap()
}

fn event(user: &str, payload: &serde_json::Value, second: i64) -> Arc<Accepted> {
    let limits = PayloadLimits { max_bytes: 1 << 20, max_depth: 64 };
    let event_id = format!("e{second}");
    let at = moment(second);
    Arc::new(Accepted {
        event: Event {
            id: StoreId::derive(user, &event_id),
            user_id: user.into(),
            event_id: event_id.into(),
            kind: "purchase".into(),
            anonymous_id: None,
            session_id: None,
            account_id: None,
            payload: Payload::from_json(payload.to_string().as_bytes(), limits).unwrap(),
            occurred_at: at,
            received_at: at,
        },
        arrival: Arrival::first_at(at),
    })
}

/// What is found by `A-1`, as ids and kinds, with these rows and stored events.
async fn found(
    rows: &[Person],
    events: Vec<Arc<Accepted>>,
    waiting: &Waiting,
) -> Vec<(String, Kind)> {
    let store = Arc::new(MemoryPayloads { events: Mutex::new(events), ..Default::default() });
    let payloads = Payloads::new(store, keys(&["orderId", "invoice"]));
    let search = Search::new(people(rows).await, Arc::new(Accounts(&[])), payloads);
    let found = search.find("A-1", 10, waiting).await.unwrap().found;
    found.into_iter().map(|one| (one.id.into(), one.kind)).collect()
}

fn user(id: &str) -> (String, Kind) {
    (id.to_owned(), Kind::User)
}

#[tokio::test]
async fn those_whose_events_are_newest_come_first_and_each_once() {
    let rows: Vec<_> = [("ann", 90), ("bob", 10), ("cem", 50)]
        .map(|(id, at)| named(id, &json!({ "name": format!("{id} x") }), at))
        .into();
    let order = json!({ "orderId": "A-1" });
    let events = vec![
        event("ann", &order, 1),
        event("bob", &json!({ "invoice": "A-1" }), 3),
        event("bob", &order, 2),
        event("cem", &order, 4),
        event("dan", &json!({ "orderId": ["A-1"] }), 5),
    ];
    let store = Arc::new(MemoryPayloads { events: Mutex::new(events), ..Default::default() });
    let payloads = Payloads::new(Arc::clone(&store) as _, keys(&["orderId", "invoice", "late"]));
    let search = Search::new(people(&rows).await, Arc::new(Accounts(&[])), payloads);
    let results = search.find("A-1", 10, &Waiting::default()).await.unwrap();
    let told: Vec<_> =
        results.found.iter().map(|one| (&*one.id, &*one.label, one.matched.clone())).collect();
    let by = |key: &str| Matched::Payload(key.into());
    let expected = [
        ("cem", "cem x", by("orderId")),
        ("bob", "bob x", by("invoice")),
        ("ann", "ann x", by("orderId")),
    ];
    assert_eq!(told, expected);
    assert_eq!(results.unsearched, ["late".into()]);
    *store.read.lock() = 0;
    assert_eq!(search.find("A-1", 1, &Waiting::default()).await.unwrap().found.len(), 1);
    assert_eq!(*store.read.lock(), 2, "one of each key");
}

#[tokio::test]
async fn an_event_leads_to_the_user_in_whose_journey_it_is() {
    let arrival = |second| Arrival::first_at(moment(second));
    let joined = |id: &str, to: &str| {
        let decision = Decision { at: moment(1), by: "root".into(), user: Some(to.into()) };
        Person::new(id).seen_at(moment(1)).decided(decision)
    };
    let rows = [
        Person::new("ann").seen_at(moment(1)).as_user(arrival(1)),
        Person::new("bob").seen_at(moment(1)).as_user(arrival(1)),
        // Ann's up to the fifth second, in which Bob was signed in on it.
        Person::new("device").claimed_by("ann", arrival(2)).claimed_by("bob", arrival(5)),
        Person::new("phone").claimed_by("old-ann", arrival(2)),
        joined("old-ann", "ann"),
    ];
    let order = json!({ "orderId": "A-1" });
    for (id, second, expected) in [
        ("device", 4, user("ann")),
        ("device", 6, ("device".to_owned(), Kind::Anonymous)),
        ("phone", 4, user("ann")),
        ("old-ann", 4, user("ann")),
        ("bob", 4, user("bob")),
        ("nobody", 4, user("nobody")),
    ] {
        let hits = found(&rows, vec![event(id, &order, second)], &Waiting::default()).await;
        assert_eq!(hits, [expected], "{id} at {second}");
    }
    let both = vec![event("device", &order, 4), event("ann", &order, 3)];
    assert_eq!(found(&rows, both, &Waiting::default()).await, [user("ann")]);
}

#[tokio::test]
async fn what_waits_counts_with_what_it_says_of_people() {
    let order = event("device", &json!({ "orderId": "A-1" }), 5);
    let mut signed_in = Accepted::clone(&event("ann", &json!({}), 6));
    signed_in.event.anonymous_id = Some("device".into());
    let events = vec![order, Arc::new(signed_in)];
    let waiting = Waiting { people: facts::of_all(&events), events };
    assert_eq!(found(&[], Vec::new(), &waiting).await, [user("ann")]);
    // Both before it is stored and after.
    let stored = vec![Arc::clone(&waiting.events[0])];
    assert_eq!(found(&[], stored, &waiting).await, [user("ann")]);
}
