//! Erasures, and ids that are to be erased.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use trailkeep_event::{Accepted, Arrival, StoreId};
use trailkeep_store::access::AccessStore;
use trailkeep_store::dead_letters::DeadLetterStore;
use trailkeep_store::erasures::{ErasedId, Erasure, ErasureKey, ErasureStore, IdHash, Trace};
use trailkeep_store::people::PeopleStore;
use trailkeep_store::processing::ProcessingStore;
use trailkeep_store::{Id, Store};
use uuid::Uuid;

use crate::samples::{at, event};

/// One store, as each of its traits.
#[derive(Clone)]
pub struct Stores {
    pub erasures: Arc<dyn ErasureStore>,
    pub events: Arc<dyn Store>,
    pub letters: Arc<dyn DeadLetterStore>,
    pub processing: Arc<dyn ProcessingStore>,
    pub people: Arc<dyn PeopleStore>,
    pub access: Arc<dyn AccessStore>,
}

/// Ids that are all of other users, and mean something to a database that is not careful.
pub fn ids() -> Vec<String> {
    let texts = [
        "ann",
        "Ann",
        "ann ",
        " ann",
        "an",
        "anna",
        "ann\0",
        "ann.smith",
        "$ann",
        "{\"$ne\":null}",
        "%",
        "_nn",
        "/ann/i",
        "' OR '1'='1",
        "\u{e9}",
        "e\u{301}",
    ];
    let long = ["x".repeat(256), format!("{}y", "x".repeat(255))];
    texts.map(str::to_owned).into_iter().chain(long).collect()
}

/// What of an id arrived before a number.
pub fn until(id: &str, number: i64) -> Id {
    Id { id: id.to_owned(), until: Some(Arrival::from_i64(number)) }
}

pub fn hash(number: u8) -> IdHash {
    IdHash([number; 32])
}

/// An erasure that was asked for so many milliseconds after the samples' start.
pub fn erasure(millis: i64, ids: &[&str]) -> Erasure {
    let key = ErasureKey([7; 32]);
    let erased = |id: &&str| ErasedId {
        id: Some((*id).into()),
        hash: key.hash(id),
        until: Arrival::first_at(at(millis)),
    };
    Erasure {
        id: Uuid::now_v7(),
        ids: ids.iter().map(erased).collect(),
        requested_at: at(millis),
        verified_at: None,
        parts: BTreeMap::new(),
        missing: Vec::new(),
        deleted: BTreeMap::new(),
    }
}

/// An event that names an anonymous id and a session besides.
pub fn named(user: &str, event_id: &str, number: i64) -> Accepted {
    let mut accepted = event(user, event_id, number, number);
    accepted.event.anonymous_id = Some(format!("anonymous {event_id}").into());
    accepted.event.session_id = Some(format!("session {event_id}").into());
    accepted
}

/// What is to be found of an event.
pub fn trace(accepted: &Accepted) -> Trace {
    Trace {
        id: accepted.event.id,
        anonymous_id: accepted.event.anonymous_id.clone(),
        session_id: accepted.event.session_id.clone(),
    }
}

/// In the order of their identities.
pub fn sorted(mut traces: Vec<Trace>) -> Vec<Trace> {
    traces.sort_by_key(|trace| trace.id);
    traces
}

pub fn traces(events: &[Accepted]) -> Vec<Trace> {
    sorted(events.iter().map(trace).collect())
}

pub fn identities(traces: &[Trace]) -> Vec<StoreId> {
    traces.iter().map(|trace| trace.id).collect()
}

/// Runs something sixteen times at once, and gives what each time gave.
pub async fn sixteen_at_once<T, F, Running>(stores: &Stores, run: F) -> Vec<T>
where
    T: Send + 'static,
    F: Fn(Arc<dyn ErasureStore>, u8) -> Running,
    Running: Future<Output = T> + Send + 'static,
{
    let running = (0..16).map(|number| tokio::spawn(run(stores.erasures.clone(), number)));
    join_all(running).await.into_iter().map(|result| result.unwrap()).collect()
}
