//! What a search reads, and in which order it answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Arrival, Payload, Timestamp};
use trailkeep_store::people::{PeopleStore as _, Person};
use trailkeep_store::summaries::{AccountStore, QueryError, Summary, SummaryRange};
use trailkeep_store::{JourneyPart, Position, StoreError};

use super::memory_people::MemoryPeople;
use super::payloads::no_payloads;
use crate::people::search::{MAX_ACCOUNTS, Matched, Search, Waiting};

/// Has these accounts, in order.
pub struct Accounts(pub &'static [&'static str]);

#[async_trait]
impl AccountStore for Accounts {
    async fn summary(&self, _: &SummaryRange, _: Duration) -> Result<Summary, QueryError> {
        unimplemented!("nobody counts here")
    }

    async fn account_ends(&self, _: Duration) -> Result<Option<(String, String)>, QueryError> {
        unimplemented!("nobody asks here")
    }

    async fn accounts_from(
        &self,
        start: &str,
        wanted: usize,
        _: Duration,
    ) -> Result<Vec<String>, QueryError> {
        let from = self.0.iter().filter(|account| **account >= start);
        Ok(from.take(wanted).map(ToString::to_string).collect())
    }

    async fn events(
        &self,
        _: &str,
        _: Option<Position>,
        _: usize,
    ) -> Result<JourneyPart, StoreError> {
        unimplemented!("nobody reads here")
    }
}

fn search_of(people: Arc<MemoryPeople>, accounts: Accounts) -> Search {
    Search::new(people, Arc::new(accounts), no_payloads())
}

pub async fn people(rows: &[Person]) -> Arc<MemoryPeople> {
    let store = Arc::new(MemoryPeople::default());
    store.merge_in(rows).await.unwrap();
    store
}

pub fn named(id: &str, traits: &serde_json::Value, second: i64) -> Person {
    let limits = PayloadLimits { max_bytes: 1 << 20, max_depth: 64 };
    let payload = Payload::from_json(traits.to_string().as_bytes(), limits).unwrap();
    let at = Timestamp::from_millis(second * 1000).unwrap();
    Person::new(id).seen_at(at).identified(&payload, Arrival::first_at(at))
}

#[tokio::test]
async fn a_search_reads_as_many_rows_as_are_wanted_however_many_there_are() {
    let rows: Vec<Person> = (0..10_000)
        .map(|number| named(&format!("max{number}"), &json!({ "name": "Max Muster" }), number))
        .collect();
    let store = people(&rows).await;
    let search = search_of(Arc::clone(&store), Accounts(&[]));
    assert_eq!(search.find("max", 10, &Waiting::default()).await.unwrap().found.len(), 10);
    // Ids, and words of names.
    assert_eq!(store.read.swap(0, Ordering::SeqCst), 20);
    assert_eq!(search.find("max m", 10, &Waiting::default()).await.unwrap().found.len(), 10);
    assert_eq!(store.read.load(Ordering::SeqCst), 200);
}

#[tokio::test]
async fn of_one_kind_those_come_first_who_were_seen_last() {
    let rows =
        [("b", 2), ("c", 3), ("a", 1)].map(|(id, at)| named(id, &json!({ "name": "Ann" }), at));
    let store = people(&rows).await;
    let search = search_of(store, Accounts(&[]));
    let found = search.find("ANN", 10, &Waiting::default()).await.unwrap().found;
    let ids: Vec<&str> = found.iter().map(|found| &*found.id).collect();
    assert_eq!(ids, ["c", "b", "a"]);
}

#[tokio::test]
async fn somebody_is_called_by_the_newest_name() {
    let whole = json!({ "name": "Ann Miller" });
    let parts = json!({ "first_name": "Ann", "lastName": " Meyer " });
    for (older, newer, called) in [(&whole, &parts, "Ann Meyer"), (&parts, &whole, "Ann Miller")] {
        let store = people(&[named("u", older, 1), named("u", newer, 2)]).await;
        let search = search_of(store, Accounts(&[]));
        let found = search.find("u", 10, &Waiting::default()).await.unwrap().found;
        assert_eq!(&*found[0].label, called);
    }
}

#[tokio::test]
async fn a_few_accounts_that_begin_with_it_are_found_and_no_others() {
    let accounts = Accounts(&["acme", "acme-1", "acme-2", "acme-3", "acme-4", "acme-5", "bob"]);
    let search = search_of(people(&[]).await, accounts);
    assert_eq!(
        search.find("acme", 100, &Waiting::default()).await.unwrap().found.len(),
        MAX_ACCOUNTS
    );
    let found = search.find("acme-4", 100, &Waiting::default()).await.unwrap().found;
    let ids: Vec<&str> = found.iter().map(|found| &*found.id).collect();
    assert_eq!(ids, ["acme-4"]);
}

#[tokio::test]
async fn what_waiting_events_say_is_found_beside_the_rows() {
    let search = search_of(people(&[]).await, Accounts(&[]));
    let said = named("z-1", &json!({ "name": "Zoe Adams", "email": "zoe@x.org" }), 1);
    let waiting = Waiting { people: vec![said], events: Vec::new() };
    for (text, matched) in [
        ("z-1", Matched::Id),
        ("z-", Matched::Id),
        ("ZOE@", Matched::Email),
        ("adams zo", Matched::Name),
    ] {
        let found = search.find(text, 10, &waiting).await.unwrap().found;
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(
            (&*found[0].id, &*found[0].label, &found[0].matched),
            ("z-1", "Zoe Adams", &matched)
        );
    }
    assert!(search.find("adams bo", 10, &waiting).await.unwrap().found.is_empty());
}
