//! How fast `trailkeep seed` is, beside a bare loop of the driver's
//! `insert_many` over the same documents.
//!
//! Both write to one `mongod` with the same indexes, write concern, batches and
//! number of writes in flight, in turn, each round into a database of its own,
//! and the medians are compared. `trailkeep seed` also writes all events to its
//! journal, as the service does. The bare loop has its documents ready in
//! memory; `trailkeep seed` is the dist binary as people run it, the making
//! of the events and the start of the process included.
//!
//! ```text
//! cargo build --profile dist
//! cargo run --profile dist --example seed_rate
//! ```
//!
//! It starts a `mongod` as the tests do, or takes the server that
//! `TEST_MONGODB_URI` names, and drops its databases there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bson::RawDocumentBuf;
use clap::Parser;
use mongodb::Client;
use mongodb::options::{Acknowledgment, WriteConcern};
use tokio::sync::Mutex;
use trailkeep::seed::{Plan, Samples};
use trailkeep_event::id::ArrivalClock;
use trailkeep_event::{Accepted, Timestamp};
use trailkeep_store::mongo::{MongoSettings, MongoStore, PeriodSettings, encode_document};
use trailkeep_store::{Retention, Store, Timeouts};

#[derive(Parser)]
struct Arguments {
    /// Events in each run
    #[arg(long, default_value_t = 200_000)]
    events: u64,
    /// Runs of each kind
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Events in one write; at most 1,000, a fifth of the backlog
    #[arg(long, default_value_t = 1_000)]
    batch: usize,
    /// Writes in flight at once
    #[arg(long, default_value_t = 4)]
    in_flight: usize,
    /// The binary to measure; the one beside this example without it
    #[arg(long)]
    binary: Option<PathBuf>,
}

impl Arguments {
    fn binary(&self) -> PathBuf {
        self.binary.clone().unwrap_or_else(|| {
            let own = std::env::current_exe().expect("a path of our own");
            own.ancestors().nth(2).expect("a folder above examples").join("trailkeep")
        })
    }
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let until = Timestamp::now();
    let documents = documents(&arguments, until);
    let (mut bare, mut seeded) = (Vec::new(), Vec::new());
    for round in 0..arguments.rounds {
        // Whoever comes second finds the server warm: take turns.
        for turn in 0..2 {
            let is_bare = (round + turn) % 2 == 0;
            let name = format!("seed_rate_{round}_{turn}");
            let uri = trailkeep_testkit::mongod::shared_uri(&name);
            let rate = if is_bare {
                insert_bare(&uri, documents.clone(), &arguments).await
            } else {
                run_seed(&uri, until, &arguments)
            };
            check_and_drop(&uri, arguments.events).await;
            let kind = if is_bare { "insert_many" } else { "trailkeep seed" };
            println!("round {round}: {kind}: {rate:.0} events/s");
            if is_bare { &mut bare } else { &mut seeded }.push(rate);
        }
    }
    let (bare, seeded) = (median(bare), median(seeded));
    println!(
        "medians: insert_many {bare:.0} events/s, trailkeep seed {seeded:.0} events/s, ratio {:.2}",
        seeded / bare
    );
}

fn plan(arguments: &Arguments, until: Timestamp) -> Plan {
    Plan {
        events: arguments.events,
        seed: 1,
        users: u32::try_from(arguments.events / 20).expect("fewer events").max(401),
        accounts: 400,
        days: 30,
        until,
        whale: "whale".into(),
        whale_share: 0.2,
    }
}

/// The documents that the run of `trailkeep seed` writes, in batches.
fn documents(arguments: &Arguments, until: Timestamp) -> Vec<Arc<Vec<RawDocumentBuf>>> {
    let mut clock = ArrivalClock::new(1);
    let mut accept = |event| Accepted { event, arrival: clock.take(1, until.as_millis() * 1_000) };
    let documents: Vec<RawDocumentBuf> = Samples::new(plan(arguments, until))
        .expect("a plan that can be carried out")
        .map(|sample| encode_document(&accept(sample.to_event(until))))
        .map(|bytes| RawDocumentBuf::from_bytes(bytes).expect("a document"))
        .collect();
    let batches = documents.chunks(arguments.batch);
    batches.map(|batch| Arc::new(batch.to_vec())).collect()
}

/// Events in a second of the bare loop.
async fn insert_bare(
    uri: &str,
    documents: Vec<Arc<Vec<RawDocumentBuf>>>,
    arguments: &Arguments,
) -> f64 {
    prepare(uri).await;
    let client = Client::with_uri_str(uri).await.expect("a client");
    let events = client
        .default_database()
        .expect("a database in the URI")
        .collection::<RawDocumentBuf>("events");
    let concern = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
    let queue = Arc::new(Mutex::new(documents.into_iter()));
    let began = Instant::now();
    let workers: Vec<_> = (0..arguments.in_flight)
        .map(|_| {
            let (queue, events, concern) = (Arc::clone(&queue), events.clone(), concern.clone());
            tokio::spawn(async move {
                loop {
                    let Some(batch) = queue.lock().await.next() else {
                        return;
                    };
                    let insert = events.insert_many(batch.iter());
                    let insert = insert.ordered(false).write_concern(concern.clone());
                    insert.await.expect("an insert");
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.expect("a worker");
    }
    let rate = rate(arguments.events, began.elapsed());
    client.shutdown().await;
    rate
}

/// The indexes that the service makes.
async fn prepare(uri: &str) {
    const TIMEOUT: Duration = Duration::from_secs(10);
    let settings = MongoSettings {
        retention: Retention::of_all(None),
        timeouts: Timeouts {
            read: TIMEOUT,
            write: TIMEOUT,
            check: TIMEOUT,
            prepare: Timeouts::PREPARE,
        },
        periods: PeriodSettings::DEFAULT,
    };
    let store = MongoStore::connect(uri, &settings).await.expect("a store");
    store.prepare().await.expect("indexes");
    store.close().await;
}

/// Events in a second of the whole process.
fn run_seed(uri: &str, until: Timestamp, arguments: &Arguments) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let began = Instant::now();
    let output = Command::new(arguments.binary())
        .args(["seed", &arguments.events.to_string()])
        .args(["--seed", "1", "--until", &until.to_string()])
        .args(["--batch", &arguments.batch.to_string()])
        .args(["--in-flight", &arguments.in_flight.to_string()])
        .env_clear()
        .env("MONGODB_URI", uri)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the service's binary; build it first");
    let took = began.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    rate(arguments.events, took)
}

async fn check_and_drop(uri: &str, events: u64) {
    let client = Client::with_uri_str(uri).await.expect("a client");
    let database = client.default_database().expect("a database in the URI");
    let stored = database
        .collection::<RawDocumentBuf>("events")
        .estimated_document_count()
        .await
        .expect("a count");
    assert_eq!(stored, events, "all events are there");
    database.drop().await.expect("a dropped database");
    client.shutdown().await;
}

#[allow(clippy::cast_precision_loss)]
fn rate(events: u64, took: Duration) -> f64 {
    events as f64 / took.as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
