//! Summaries of accounts out of millions of sample events: how long one takes,
//! what many who ask cost, and what events notice of it.

mod ingestion;
mod reads;

use serde_json::json;
use trailkeep_testkit::trouble::Trouble;

use crate::bench::{Bench, Site};
use crate::findings::{Findings, Listing, Row};
use crate::instance::Home;
use crate::profile::Explained;
use crate::seeding::Seeding;
use ingestion::Ingestion;
use reads::{Cold, Crowd, Reader};

/// Besides those of each round.
pub const STEPS: u64 = 4;
/// In each round.
pub const ROUND_STEPS: u64 = ingestion::STEPS;

/// What was read from a service that had nothing else to do.
struct Reads {
    whale: Cold,
    ordinary: Cold,
    crowd: Crowd,
    cached_ms: f64,
    plan: Explained,
}

/// Seeds, reads, and then lets events come beside the reading.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let events = bench.arguments.events();
    let seeding = Seeding::of(events, bench.arguments.seed);
    bench.progress.step(format!("summaries, seeding {events} events"));
    let took = seeding.fill(&bench.starter.binary, &site.database).await?.as_secs_f64();
    let reads = read(bench, &site, &seeding).await?;
    let ingestion = ingestion::measure(bench, &site, &seeding).await?;

    let mut rows = rows(&reads);
    rows.extend(ingestion.rows());
    #[allow(clippy::cast_precision_loss)] // millions
    let rate = events as f64 / took;
    rows.push(Row::figure("trailkeep seed: events/s", rate, ""));
    Ok(Findings {
        figures: figures(events, rate, &reads, &ingestion),
        charts: vec![ingestion.chart()],
        tables: vec![ingestion.table()],
        listings: vec![Listing {
            title: "Plan of the whale's summary, as the server explains it".to_owned(),
            text: reads.plan.text,
        }],
        rows,
        ..Findings::default()
    })
}

/// The whale comes first: before anybody has read what was seeded.
async fn read(bench: &Bench, site: &Site, seeding: &Seeding) -> Result<Reads, Trouble> {
    let home = Home::Mongodb(&site.database);
    let instance = bench.starter.start(home, &[]).await?;
    let mut reader = Reader::of(&instance, site)?;
    bench.progress.step("summaries, the whale");
    let whale = reader.whale(bench.arguments.rounds())?;
    bench.progress.step("summaries, ordinary accounts");
    let ordinary = reader.ordinary(seeding)?;
    bench.progress.step("summaries, many who ask at once");
    let (crowd, question) = reader.crowd().await?;
    let cached_ms = reader.cached(&question)?;
    let plan = crowd.explain(&site.database).await?;
    instance.stop().await?;
    Ok(Reads { whale, ordinary, crowd, cached_ms, plan })
}

#[allow(clippy::cast_precision_loss)] // a few
fn rows(reads: &Reads) -> Vec<Row> {
    let whale = format!("summary of the whale, {} events, cold", reads.whale.events());
    let ordinary = format!("summary of an account, about {} events, cold", reads.ordinary.events());
    let latency = |what: String, value, limit| Row::at_most(what, value, limit, "ms");
    vec![
        latency(format!("{whale}: the very first"), reads.whale.ms.first(), 1500.0),
        latency(whale, reads.whale.ms.median(), 1500.0),
        latency(ordinary.clone(), reads.ordinary.ms.median(), 50.0),
        latency(format!("{ordinary}: the slowest account"), reads.ordinary.ms.highest(), 50.0),
        latency("summary, kept: service's CPU".to_owned(), reads.cached_ms, 1.0),
        Row::at_most(
            format!("aggregations for {} who ask at once", reads::CROWD),
            reads.crowd.aggregations.len() as f64,
            1.0,
            "",
        ),
        Row::at_most("documents that are read for a summary", reads.plan.documents as f64, 0.0, ""),
    ]
}

fn figures(events: u64, rate: f64, reads: &Reads, ingestion: &Ingestion) -> serde_json::Value {
    json!({
        "events": events,
        "seededPerSecond": rate,
        "whale": reads.whale.to_json(),
        "ordinary": reads.ordinary.to_json(),
        "crowd": {
            "requests": reads::CROWD,
            "aggregations": reads.crowd.aggregations.len(),
            "answeredAfterMs": reads.crowd.took_ms,
        },
        "keptCpuMs": reads.cached_ms,
        "plan": reads.plan.text,
        "ingestion": ingestion.to_json(),
    })
}
