//! The console's pages: how long a user's page takes out of millions of events and what it
//! costs against the JSON of the same journey; and what trackers notice of ten people who
//! click through journeys.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::{USERS, user_name};
use crate::bench::{Bench, Shape, Site};
use crate::connection::AsyncConnection;
use crate::filling::Filling;
use crate::findings::{Findings, Row, Table};
use crate::instance::Home;
use crate::numbers::{Samples, milliseconds, percentiles};
use crate::reading::{over_http, request};
use crate::tally::latency_histogram;
use crate::window::Window;

/// Besides those in each round.
pub const STEPS: u64 = 2;
/// In each round.
pub const ROUND_STEPS: u64 = 3;
/// Events of one request while the latency is measured.
const BATCH: usize = 10;
/// People who click.
const PEOPLE: u64 = 10;
/// Between two clicks of one of them.
const CLICK: Duration = Duration::from_secs(1);

/// Reads of one kind, in all rounds.
struct Kind {
    latency: Histogram<u64>,
    cpu_us: Samples,
}

/// The 202 with people who click, and without.
#[derive(Default)]
struct Clicks {
    with: Samples,
    without: Samples,
    ratio: Samples,
    windows: Vec<Value>,
}

impl Kind {
    fn new() -> Result<Self, Trouble> {
        Ok(Self { latency: latency_histogram()?, cpu_us: Samples::default() })
    }
}

/// Measures pages against JSON on millions of events, and then the 202 beside them.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let [json, page] = pages(bench).await?;
    let clicks = clicks(bench).await?;
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
                clicks.ratio.median(),
                1.1,
                "times",
            ),
        ],
        tables: vec![table],
        figures: json!({
            "events": bench.arguments.events(),
            "jsonCpuUs": json.cpu_us.to_json(), "pageCpuUs": page.cpu_us.to_json(),
            "jsonLatencyMs": percentiles(&json.latency), "pageLatencyMs": percentiles(&page.latency),
            "withMs": clicks.with.to_json(), "withoutMs": clicks.without.to_json(),
            "ratio": clicks.ratio.to_json(), "windows": clicks.windows,
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

/// The 202 at half of saturation, with people who click and without, in turns.
async fn clicks(bench: &Bench) -> Result<Clicks, Trouble> {
    let site = bench.site().await?;
    bench.progress.step("console, saturation".to_owned());
    let full = bench.measure(&site, &[], Shape::saturating(BATCH)).await?;
    let half = Shape::offering(full.stored_per_second() / 2.0, BATCH);
    let mut clicks = Clicks::default();
    for round in 1..=bench.arguments.rounds() {
        bench.progress.step(format!("console, half of that alone, round {round}"));
        let without = bench.measure(&site, &[], half).await?;
        bench.progress.step(format!("console, and with people, round {round}"));
        let once = async || beside_people(bench, &site, half).await;
        let with = bench.undisturbed(once, |window| window).await?;
        let p99 = |window: &Window| milliseconds(&window.tally.latency, 0.99);
        clicks.with.push(p99(&with));
        clicks.without.push(p99(&without));
        clicks.ratio.push(p99(&with) / p99(&without));
        clicks.windows.push(json!({ "with": with.to_json(), "without": without.to_json() }));
    }
    Ok(clicks)
}

async fn beside_people(bench: &Bench, site: &Site, shape: Shape) -> Result<Window, Trouble> {
    site.database.drop_events().await?;
    let instance = bench.starter.start(Home::Mongodb(&site.database), &[]).await?;
    let session: Arc<str> = instance.sign_in().await?.into();
    let mut people = JoinSet::new();
    for person in 0..PEOPLE {
        people.spawn(click(instance.address(), Arc::clone(&session), person));
    }
    let window = bench.load(site, &[&instance], shape).await?;
    // Whoever has ended by now has failed.
    if let Some(ended) = people.try_join_next() {
        ended.during("clicking")??;
    }
    people.shutdown().await;
    instance.stop().await?;
    Ok(window)
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
        let user = rng.random_range(0..USERS);
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
