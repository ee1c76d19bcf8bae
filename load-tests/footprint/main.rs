//! What an event takes in MongoDB: bytes of the collection and of each index,
//! and the CPU time of `mongod`.
//!
//! ```text
//! cargo run --profile dist --example footprint -- --events 1000000
//! ```
//!
//! Starts a `mongod` of its own, writes events with the service's own documents
//! through its own store, and asks the server afterwards. The inputs of
//! `docs/SCALE.md` are measured with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sample;
mod server;

use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use trailkeep_event::id::{ArrivalClock, Arrivals};
use trailkeep_event::{Accepted, Event};
use trailkeep_store::mongo::{MongoSettings, MongoStore, PeriodSettings};
use trailkeep_store::{Retention, Store as _, Timeouts};

use sample::Sample;
use server::Server;
use trailkeep_testkit::mongod::Mongod;

/// Events in one write, as in the service.
const BATCH: u64 = 500;
const DATABASE: &str = "footprint";
/// So long that nothing is deleted meanwhile.
const RETENTION: Duration = Duration::from_secs(20 * 365 * 86_400);

/// Measures what an event takes in MongoDB.
#[derive(Debug, Parser)]
#[command(name = "footprint")]
struct Arguments {
    /// How many events to write.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,

    /// How many users they belong to.
    #[arg(long, default_value_t = 50_000)]
    users: u64,

    /// Every so many events one has no account; 1 leaves all without.
    #[arg(long, default_value_t = 1)]
    without_account: u64,

    /// Whether there is a retention, which takes an index.
    #[arg(long)]
    retention: bool,

    /// Whether the users are indexed by hash as well, as a shard key of hashes
    /// needs it.
    #[arg(long)]
    hashed: bool,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let mongod = tokio::task::block_in_place(Mongod::start);
    let uri = mongod.uri(DATABASE);
    const TIMEOUT: Duration = Duration::from_secs(10);
    let settings = MongoSettings {
        retention: Retention::of_all(arguments.retention.then_some(RETENTION)),
        timeouts: Timeouts {
            read: TIMEOUT,
            write: TIMEOUT,
            check: TIMEOUT,
            prepare: Timeouts::PREPARE,
        },
        periods: PeriodSettings::DEFAULT,
    };
    let store = MongoStore::connect(&uri, &settings).await.unwrap();
    store.prepare().await.unwrap();

    let server = Server::connect(&uri).await;
    if arguments.hashed {
        server.index_users_by_hash().await;
    }
    let before = server.cpu_seconds().await;
    write(&arguments, &store).await;
    let cpu = server.cpu_seconds().await - before;
    print!("{}", server.footprint().await);
    println!(
        "mongod used {:.1} us of CPU for each event ({} events, one after the other in batches \
         of {BATCH})",
        cpu * 1e6 / as_f64(arguments.events),
        arguments.events
    );
    store.close().await;
}

async fn write(arguments: &Arguments, store: &MongoStore) {
    let mut sample = Sample::new(arguments.users, arguments.without_account);
    let mut arrivals = ArrivalClock::new(0);
    let mut left = arguments.events;
    while left > 0 {
        let count = left.min(BATCH);
        let events = sample.events(count);
        let numbers = Arrivals::from(arrivals.take(events.len(), sample.now().as_millis() * 1_000));
        let accepted: Vec<_> = events
            .into_iter()
            .zip(numbers)
            .map(|(event, arrival): (Event, _)| Arc::new(Accepted { event, arrival }))
            .collect();
        store.insert(&accepted).await.unwrap();
        left -= count;
    }
}

/// Exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn as_f64(number: u64) -> f64 {
    number as f64
}
