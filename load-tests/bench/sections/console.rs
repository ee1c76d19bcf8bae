//! The console's pages: how long a user's page takes out of millions of events and what it
//! costs against the JSON of the same journey; and what trackers notice of ten people who
//! click through journeys.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::beside::{self, Beside, Company};
use crate::batch::{USERS, user_name};
use crate::bench::Bench;
use crate::connection::AsyncConnection;
use crate::filling::Filling;
use crate::findings::{Findings, Row, Table};
use crate::instance::{Home, Instance};
use crate::numbers::{Samples, milliseconds, percentiles};
use crate::reading::{over_http, request};
use crate::tally::latency_histogram;

/// Besides those in each round.
pub const STEPS: u64 = 1 + beside::STEPS;
/// In each round.
pub const ROUND_STEPS: u64 = 1 + beside::ROUND_STEPS;
/// People who click.
const PEOPLE: u64 = 10;
/// Between two clicks of one of them.
const CLICK: Duration = Duration::from_secs(1);

/// Reads of one kind, in all rounds.
struct Kind {
    latency: Histogram<u64>,
    cpu_us: Samples,
}

impl Kind {
    fn new() -> Result<Self, Trouble> {
        Ok(Self { latency: latency_histogram()?, cpu_us: Samples::default() })
    }
}

/// Measures pages against JSON on millions of events, and then the 202 beside them.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let [json, page] = pages(bench).await?;
    let beside =
        Beside::measure(bench, "console", "people who click", beside::nothing, people).await?;
    let p99 = milliseconds(&page.latency, 0.99);
    let mut table =
        Table::new("A user's newest 100 events", &["as", "p50, ms", "p99, ms", "service, us"]);
    for (name, kind) in [("JSON", &json), ("a page", &page)] {
        let at = |quantile| milliseconds(&kind.latency, quantile);
        table.add(name, &[at(0.5), at(0.99), kind.cpu_us.median()]);
    }
    let cpu = page.cpu_us.median() / json.cpu_us.median();
    Ok(Findings {
        rows: vec![
            Row::at_most("a user's page: p99", p99, 200.0, "ms"),
            Row::at_most("a user's page: CPU against the JSON", cpu, 1.5, "times"),
            Row::at_most(
                "p99 of the 202 with ten people who click against none",
                beside.p99_ratio.median(),
                1.1,
                "times",
            ),
        ],
        tables: vec![table],
        figures: json!({
            "events": bench.arguments.events(),
            "jsonCpuUs": json.cpu_us.to_json(), "pageCpuUs": page.cpu_us.to_json(),
            "jsonLatencyMs": percentiles(&json.latency), "pageLatencyMs": percentiles(&page.latency),
            "clicks": beside.to_json(),
        }),
        ..Findings::default()
    })
}

/// The same users' journeys as JSON and as pages, in turns.
async fn pages(bench: &Bench) -> Result<[Kind; 2], Trouble> {
    let site = bench.site().await?;
    let events = bench.arguments.events();
    bench.progress.step(format!("console, filling with {events} events"));
    let filling = Filling { events, users: users(events), seed: bench.arguments.seed };
    filling.insert(&site.database, &site.document).await?;
    let instance = bench.starter.start(Home::Mongodb(&site.database), &[]).await?;
    let session = instance.sign_in().await?;
    let reads = if bench.arguments.quick { 200 } else { 1000 };
    let mut rng = ChaCha8Rng::seed_from_u64(bench.arguments.seed);
    let mut kinds = [Kind::new()?, Kind::new()?];
    // The first round is a warm-up.
    for round in 0..=bench.arguments.rounds() {
        if round > 0 {
            bench.progress.step(format!("console, pages, round {round}"));
        }
        let drawn: Vec<u32> = (0..reads).map(|_| rng.random_range(users(events))).collect();
        let asked: [fn(u32, &str) -> Vec<u8>; 2] =
            [|user, session| request(user, None, session), page_of];
        for (kind, ask) in kinds.iter_mut().zip(asked) {
            let requests = drawn.iter().map(|user| ask(*user, &session));
            let reads = over_http(&instance, &site.database, requests)?;
            if round > 0 {
                kind.cpu_us.push(reads.cpu_us);
                kind.latency.add(&reads.latency).during("adding latencies")?;
            }
        }
    }
    instance.stop().await?;
    Ok(kinds)
}

async fn people(instance: &Instance) -> Result<Company, Trouble> {
    let session: Arc<str> = instance.sign_in().await?.into();
    let mut people = Company::new();
    for person in 0..PEOPLE {
        people.spawn(click(instance.address(), Arc::clone(&session), person));
    }
    Ok(people)
}

/// Opens the page of another user at each click, and what the page's script fetches then.
async fn click(
    address: std::net::SocketAddr,
    session: Arc<str>,
    person: u64,
) -> Result<(), Trouble> {
    let mut connection = AsyncConnection::open(address).await.during("connecting")?;
    let mut rng = ChaCha8Rng::seed_from_u64(person);
    let mut clicks = interval(CLICK);
    clicks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clicks.tick().await;
        let user = rng.random_range(0..beside::USERS);
        for request in [page_of(user, &session), activity_of(user, &session)] {
            let status = connection.exchange(&request).await.during("a click")?;
            // Not everybody has been here yet.
            if status != 200 && status != 404 {
                return Err(Trouble(format!("a page was answered {status}")));
            }
        }
    }
}

fn page_of(user: u32, session: &str) -> Vec<u8> {
    get(&format!("/console/users/{}", user_name(user)), session)
}

fn activity_of(user: u32, session: &str) -> Vec<u8> {
    get(&format!("/console/users/{}/activity", user_name(user)), session)
}

fn get(path: &str, session: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: bench\r\naccept: text/html\r\n\
         authorization: Bearer {session}\r\n\r\n"
    )
    .into_bytes()
}

/// Each has about a hundred events.
fn users(events: u64) -> Range<u32> {
    0..u32::try_from(events / 100).map_or(USERS, |users| users.clamp(1, USERS))
}
