//! The 100 newest events of a user, out of millions: the service against the
//! bare driver, in turns.

use std::ops::Range;

use hdrhistogram::Histogram;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::latency::points;
use crate::batch::USERS;
use crate::bench::Bench;
use crate::chart::{Axis, Chart};
use crate::filling::Filling;
use crate::findings::{Findings, Row};
use crate::instance::Home;
use crate::numbers::{Samples, milliseconds, percentiles};
use crate::reading::{Reads, bare, over_http, request};
use crate::tally::latency_histogram;

/// Besides two in each round.
pub const STEPS: u64 = 1;

/// All rounds of one reader.
struct Reader {
    cpu_us: Samples,
    latency: Histogram<u64>,
    rounds: Vec<Value>,
}

impl Reader {
    fn new() -> Result<Self, Trouble> {
        Ok(Self { cpu_us: Samples::default(), latency: latency_histogram()?, rounds: Vec::new() })
    }

    fn add(&mut self, reads: &Reads) -> Result<(), Trouble> {
        self.cpu_us.push(reads.cpu_us);
        self.rounds.push(reads.to_json());
        self.latency.add(&reads.latency).during("adding latencies")
    }

    fn to_json(&self) -> Value {
        json!({
            "cpuUs": self.cpu_us.to_json(),
            "latencyMs": percentiles(&self.latency),
            "rounds": self.rounds,
        })
    }
}

/// Fills a collection, and measures.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let events = bench.arguments.events();
    bench.progress.step(format!("journeys, filling with {events} events"));
    let seed = bench.arguments.seed;
    let filling = Filling { events, users: users(events), seed };
    filling.insert(&site.database, &site.document).await?;
    let home = Home::Mongodb(&site.database);
    let instance = bench.starter.start(home, &[]).await?;

    let reads = if bench.arguments.quick { 500 } else { 3000 };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = || -> Vec<u32> {
        let drawn = (0..reads).map(|_| rng.random_range(users(events)));
        drawn.collect()
    };
    let ask = |users: Vec<u32>| users.into_iter().map(|user| request(user, None, &site.token));
    over_http(&instance, &site.database, ask(draw()))?;
    bare(&site.database, draw()).await?;
    let (mut service, mut driver) = (Reader::new()?, Reader::new()?);
    let mut ratio = Samples::default();
    for round in 1..=bench.arguments.rounds() {
        bench.progress.step(format!("journeys, service, round {round}"));
        let over_http = over_http(&instance, &site.database, ask(draw()))?;
        bench.progress.step(format!("journeys, driver, round {round}"));
        let bare = bare(&site.database, draw()).await?;
        ratio.push(over_http.cpu_us / bare.cpu_us);
        service.add(&over_http)?;
        driver.add(&bare)?;
    }
    instance.stop().await?;
    let percentile = |quantile| milliseconds(&service.latency, quantile);
    let (p50, p99) = (percentile(0.5), percentile(0.99));
    Ok(Findings {
        rows: vec![
            Row::at_most("journey: CPU against the bare driver", ratio.median(), 3.0, ""),
            Row::figure("journey: service's CPU", service.cpu_us.median(), "us"),
            Row::figure("journey: p50", p50, "ms"),
            Row::at_most("journey: p99 against p50", p99 / p50, 1.5, ""),
        ],
        figures: json!({
            "events": events, "users": users(events).end, "ratio": ratio.to_json(),
            "service": service.to_json(), "driver": driver.to_json(),
        }),
        charts: vec![Chart {
            name: "latency-journeys".to_owned(),
            title: format!("A journey's 100 newest events, out of {events}"),
            x: Axis::Percentiles("percentile"),
            y: "milliseconds",
            lines: vec![
                ("service".to_owned(), points(&service.latency)),
                ("bare driver".to_owned(), points(&driver.latency)),
            ],
        }],
        ..Findings::default()
    })
}

/// Each has about a hundred events.
fn users(events: u64) -> Range<u32> {
    0..u32::try_from(events / 100).map_or(USERS, |users| users.clamp(1, USERS))
}
