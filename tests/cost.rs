//! What an event costs, in allocations: a number that does not depend on the
//! machine or on what else runs on it, and that grows with nearly everything
//! that makes an event dearer (a clone, a `String` in between, a buffer that
//! has to grow).
//!
//! Counted on the thread that does the work: from the bytes of a request,
//! through every rule, admission and the writer, to the document for MongoDB; and
//! from the documents of a page to its JSON. HTTP, the journal's thread, the driver and the database are not part of it; `cargo bench` and the
//! benchmark in load-tests measure time.
//!
//! `cargo test --test cost -- --nocapture` prints the figures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bson::raw::RawDocument;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use trailkeep::ingest::feeding::Feeding;
use trailkeep::ingest::quota::Shares;
use trailkeep::ingest::room::Amount;
use trailkeep::ingest::writer::{Destination, Writers};
use trailkeep::ingest::{Ingest, Parts, Patience, WriteRules};
use trailkeep::journeys::{Journeys, export};
use trailkeep::monitoring::health::Health;
use trailkeep::monitoring::statistics::Statistics;
use trailkeep::people::People;
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::time::SystemClock;
use trailkeep_event::{Accepted, Arrival, Rules, StoreId, Timestamp, TypeRule, wire};
use trailkeep_journal::{Journal, Rules as JournalRules};
use trailkeep_store::embedded::{EmbeddedSettings, EmbeddedStore};
use trailkeep_store::mongo::{decode_document, encode_document};
use trailkeep_store::{
    Id, JourneyPart, JourneyRange, Order, Outcome, Position, Store, StoreError, Timeouts,
};

/// Events in a request, and the allocations that each of them may take: up to
/// one less than a whole one above what it takes, so that one more for each
/// event does not pass.
const PER_EVENT: [(usize, f64); 3] = [(1, 19.5), (10, 9.0), (100, 7.5)];

/// Allocations that each event on a page of 100 may take.
const PER_EVENT_OF_A_PAGE: f64 = 5.5;

#[test]
fn an_event_takes_no_more_allocations_than_it_did() {
    let faults: Vec<String> = PER_EVENT
        .into_iter()
        .filter_map(|(batch, allowed)| {
            let taken = to_the_store(batch);
            check(&format!("an event in a batch of {batch}"), taken, allowed)
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_event_on_a_page_takes_no_more_allocations_than_it_did() {
    let fault = check("an event on a page", on_a_page(), PER_EVENT_OF_A_PAGE);
    assert!(fault.is_none(), "{}", fault.unwrap_or_default());
}

/// Memory is charged for what comes of a body before it is read, see `http::budget`.
#[test]
fn no_body_becomes_more_than_is_charged_for_it() {
    const BYTES: usize = 4 << 20;
    let event = |payload: &str| {
        let id = "u".repeat(36);
        format!(r#"{{"userId":"{id}","type":"search","payload":{payload}}},"#)
    };
    let list = |value: &str| {
        event(&format!("{{\"a\":[{value}0]}}", value = value.repeat(32_000 / value.len())))
    };
    let keys: String = (0..3_000).map(|n| format!("\"{n:x}\":0,")).collect();
    let bodies = [
        ("tiny events", r#"{"userId":"u","type":"search"},"#.to_owned()),
        ("events of the usual size", event(r#"{"path":"/pricing","n":[1,2.5,true],"q":"shoes"}"#)),
        ("lists of zeros", list("0,")),
        ("lists of negative zeros", list("-0,")),
        ("lists of large numbers", list("1e9,")),
        ("lists of empty texts", list("\"\",")),
        ("lists of lists", list("[],")),
        ("many keys", event(&format!("{{{keys}\"\":0}}"))),
        ("keys that are no fields", format!("{{{}\"\":0}},", "\"\":0,".repeat(100_000))),
        ("fields given again", format!("{{{}\"ts\":0}},", "\"ts\":0,".repeat(100_000))),
        ("keys with escapes", format!("{{{}\"\":0}},", "\"\\n\":0,".repeat(100_000))),
        ("no events", "0,".to_owned()),
    ];
    for (name, part) in bodies {
        for length in [part.len() + 2, 60_000, BYTES] {
            let count = (length / part.len()).max(1);
            let body = format!("[{}", part.repeat(count));
            let body = format!("{}]", body.trim_end_matches(','));
            // Read twice: the sender's clock is wrong, and that comes last.
            let sent_at = Timestamp::now().as_millis() - 3_600_000;
            for body in [format!(r#"{{"events":{body},"sentAt":{sent_at}}}"#), body] {
                let most = wire::most_bytes(body.as_bytes(), &rules());
                let mut events = None;
                let taken = allocation_counter::measure(|| {
                    events = Some(wire::read_json(body.as_bytes(), &rules(), Timestamp::now()));
                });
                let ratio = |bytes: u64| bytes as f64 / body.len() as f64;
                let (taken, most) = (taken.bytes_max, most as u64);
                println!(
                    "{name}, {} bytes: {:.2} times as many, {:.2} are charged",
                    body.len(),
                    ratio(taken),
                    ratio(most)
                );
                assert!(taken <= most, "{name}: {taken} bytes, {most} are charged");
            }
        }
    }
}

/// Says what to do when a figure has left its bounds. They are narrow on both
/// sides: a limit that is far above what is taken would let the next through.
fn check(what: &str, taken: f64, allowed: f64) -> Option<String> {
    println!("{what} takes {taken:.2} allocations, {allowed:.2} are allowed");
    if taken > allowed {
        Some(format!(
            "{what} takes {taken:.2} allocations, and {allowed:.2} are allowed. Look for what \
             your change clones, collects, formats or lets grow on its way (the list of files is \
             at the head of src/lib.rs), and borrow it, reserve it or make it once for a batch. \
             If it is worth its price, raise the limit in tests/cost.rs, and say in the commit \
             what it buys."
        ))
    } else if taken <= allowed - 1.0 {
        Some(format!(
            "{what} takes only {taken:.2} allocations, and {allowed:.2} are allowed: lower the \
             limit in tests/cost.rs to less than {:.2}, so that nobody gives it away again.",
            taken + 1.0
        ))
    } else {
        None
    }
}

/// Counted over so many requests, after as many that fill what is kept.
const REQUESTS: usize = 200;

/// Allocations of one event from the bytes of a request to its document.
fn to_the_store(batch: usize) -> f64 {
    let runtime = runtime();
    let (_writers, ingest, _folder) = runtime.block_on(async { ingest(batch) });
    let (body, rules) = (body(batch), rules());
    let post = async || {
        for _ in 0..REQUESTS {
            let events = wire::read_json(&body, &rules, Timestamp::now()).unwrap();
            ingest.admit(events, Patience::NONE, None).await.unwrap();
            while ingest.held().events > 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    runtime.block_on(post());
    let counted = allocation_counter::measure(|| runtime.block_on(post()));
    assert_eq!(ingest.statistics().stored.get(), (2 * REQUESTS * batch) as u64);
    counted.count_total as f64 / (REQUESTS * batch) as f64
}

/// Allocations of one event from a document to the JSON of its page.
fn on_a_page() -> f64 {
    const EVENTS: usize = 100;
    let runtime = runtime();
    let (_writers, ingest, _folder) = runtime.block_on(async { ingest(EVENTS) });
    let events = wire::read_json(&body(EVENTS), &rules(), Timestamp::now()).unwrap();
    let documents = events.into_iter().map(|event| {
        let arrival = Arrival::from_i64(1);
        encode_document(&Accepted { event, arrival })
    });
    let store = Arc::new(Documents(documents.collect()));
    let journeys = Journeys::new(store, ingest);
    let range = JourneyRange {
        ids: vec![Id::whole("user-000001")],
        from: None,
        to: None,
        after: None,
        order: Order::Descending,
        types: Vec::new(),
        session_id: None,
    };
    let mut out = Vec::with_capacity(1 << 20);
    let counted = allocation_counter::measure(|| {
        let page = runtime.block_on(journeys.page(&range, EVENTS)).unwrap();
        for event in &page.events {
            export::write_json(event, &mut out);
        }
        assert_eq!(page.events.len(), EVENTS);
    });
    assert!(out.starts_with(b"{\"eventId\""));
    counted.count_total as f64 / EVENTS as f64
}

/// On this thread alone, which is the one that is counted.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// Writes as soon as one request's events are there.
fn ingest(batch: usize) -> (Writers, Arc<Ingest>, TempDir) {
    let second = Duration::from_secs(1);
    let folder = tempfile::tempdir().unwrap();
    let journal_rules =
        JournalRules { max_bytes: 1 << 30, is_synced: false, max_age: JournalRules::MAX_AGE };
    let (ingest, reader) = Ingest::new(Parts {
        limit: Amount { events: 5000, bytes: 64 << 20 },
        // The defaults.
        shares: Shares { per_account: 80, per_key: 100 },
        rules: WriteRules {
            max_events: batch,
            max_wait: 60 * second,
            backoff_min: second,
            backoff_max: second,
        },
        instance: 0,
        journal: Journal::open(folder.path(), journal_rules, Box::new(|_| ())).unwrap(),
        clock: Arc::new(SystemClock),
        statistics: Arc::new(Statistics::new().unwrap()),
        health: Arc::new(Health::new()),
    });
    let (prepared, is_prepared) = watch::channel(true);
    // It looks at it once, when it begins.
    std::mem::forget(prepared);
    // Nothing is refused here, and nobody is fed for, so nothing is written to it.
    let empty = Arc::new(empty_store(&folder.path().join("store")));
    let destination = Destination {
        feeds: Arc::clone(&empty) as _,
        events: Arc::new(Documents(Vec::new())),
        letters: Arc::clone(&empty) as _,
        people: Arc::new(People::new(empty)),
    };
    let feeding = Feeding::of_others(&ingest);
    let writers = Writers::start(&ingest, reader, &destination, feeding, 1, &is_prepared);
    (writers, ingest, folder)
}

fn empty_store(folder: &Path) -> EmbeddedStore {
    const SECOND: Duration = Duration::from_secs(1);
    let settings = EmbeddedSettings {
        retention: trailkeep_store::Retention::of_all(None),
        timeouts: Timeouts { read: SECOND, write: SECOND, check: SECOND, prepare: SECOND },
    };
    EmbeddedStore::open(folder, &settings).unwrap()
}

/// A store that makes documents of what it is given, and gives back those that
/// it has.
struct Documents(Vec<Vec<u8>>);

#[async_trait]
impl Store for Documents {
    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn insert(&self, events: &[Arc<Accepted>]) -> Result<Vec<Outcome>, StoreError> {
        for accepted in events {
            black_box(encode_document(accepted));
        }
        Ok(vec![Outcome::Stored; events.len()])
    }

    async fn arrivals(&self, _: &[StoreId]) -> Result<HashMap<StoreId, Arrival>, StoreError> {
        Ok(HashMap::new())
    }

    async fn positions(&self, _: &[StoreId]) -> Result<HashMap<StoreId, Position>, StoreError> {
        Ok(HashMap::new())
    }

    async fn journey(&self, range: &JourneyRange, limit: usize) -> Result<JourneyPart, StoreError> {
        let documents = self.0.iter().take(limit);
        let events = documents.map(|document| {
            let document = RawDocument::from_bytes(document).unwrap();
            decode_document(document, &range.ids[0].id).unwrap()
        });
        Ok(JourneyPart { events: events.collect(), has_more: false })
    }

    fn writes_in_flight(&self, configured: usize) -> usize {
        configured
    }

    async fn close(&self) {}
}

/// A batch as a tracker sends it. The service makes the ids, so that each
/// request brings new events.
fn body(events: usize) -> Vec<u8> {
    let mut body = String::from("[");
    for number in 0..events {
        let separator = if number == 0 { "" } else { "," };
        let user = number % 7;
        write!(
            body,
            r#"{separator}{{"userId":"user-{user:06}","type":"page_view","sessionId":"s-{user}-1765794600","#,
        )
        .unwrap();
        write!(
            body,
            r#""payload":{{"path":"/pricing","referrer":"https://example.org/","width":1440,"scroll":0.75,"plan":{{"name":"pro"}}}}}}"#,
        )
        .unwrap();
    }
    body.push(']');
    body.into_bytes()
}

fn rules() -> Rules {
    Rules {
        types: TypeRule::OneOf(HashSet::from(["page_view".into(), "search".into()])),
        default_user: None,
        max_events: 1000,
        payload: PayloadLimits { max_bytes: 32 * 1024, max_depth: 32 },
        max_future_ms: 86_400_000,
    }
}
