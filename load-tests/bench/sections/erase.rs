//! What trackers notice of the erasure of a user with a million events, and how long it takes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use trailkeep_testkit::trouble::Trouble;

use super::beside::{self, Beside, Company, USERS};
use crate::batch::user_name;
use crate::bench::{Bench, Shape, Site};
use crate::filling::Filling;
use crate::findings::{Findings, Row, Table};
use crate::instance::{Home, Instance};
use crate::load::Load;

/// Besides those in each round.
pub const STEPS: u64 = beside::STEPS + 2;
/// In each round.
pub const ROUND_STEPS: u64 = beside::ROUND_STEPS;
/// Of the one user.
const EVENTS: u64 = 1_000_000;
/// Who sends nothing meanwhile: somebody else each time, for an erasure that was cut short goes on
/// beside the next, and has what it finds on its own receipt.
static WHO: AtomicU32 = AtomicU32::new(USERS);
const MIB: f64 = 1024.0 * 1024.0;
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Far more than it may take.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Measures the 202 beside an erasure, and without; and one by itself.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let events = if bench.arguments.quick { EVENTS / 10 } else { EVENTS };
    let fill = async |site: &Site| filled(bench, site, events).await;
    let company = "an erasure";
    let beside = Beside::measure(bench, "erase", company, fill, erasing).await?;
    bench.progress.step(format!("erase, {events} events and nothing else"));
    let took = until_done(bench, events, None).await?;
    bench.progress.step(format!("erase, {events} events at half of saturation, to the end"));
    let took_beside = until_done(bench, events, beside.half).await?;
    let mut table = Table::new(
        "Erasing a user",
        &["", "p50, ms", "p99, ms", "memory, MiB", "service, us an event"],
    );
    for (name, case) in [("nobody", &beside.without), (company, &beside.with)] {
        let memory = case.resident.median() / MIB;
        let (p50, p99) = (case.p50_ms.median(), case.p99_ms.median());
        table.add(name, &[p50, p99, memory, case.service_us.median()]);
    }
    let more = (beside.with.resident.median() - beside.without.resident.median()) / MIB;
    let p99 = format!("p99 of the 202 beside {company} against none");
    Ok(Findings {
        rows: vec![
            Row::at_most(p99, beside.p99_ratio.median(), 1.5, "times"),
            Row::at_most("memory that an erasure takes", more, 16.0, "MiB"),
            Row::figure(format!("erasing {events} events"), took.as_secs_f64(), "s"),
            Row::figure("the same at half of saturation", took_beside.as_secs_f64(), "s"),
        ],
        tables: vec![table],
        figures: json!({
            "beside": beside.to_json(),
            "seconds": took.as_secs_f64(),
            "secondsAtHalf": took_beside.as_secs_f64(),
        }),
        ..Findings::default()
    })
}

async fn filled(bench: &Bench, site: &Site, events: u64) -> Result<(), Trouble> {
    let who = WHO.fetch_add(1, Ordering::Relaxed) + 1;
    let filling = Filling { events, users: who..who + 1, seed: bench.arguments.seed };
    // A receipt is final once every folder that has accepted events took part.
    site.database.forget_instances().await?;
    filling.insert(&site.database, &site.document).await
}

/// Returns once it is under way. It outlasts any window.
async fn erasing(instance: &Instance) -> Result<Company, Trouble> {
    let session = instance.sign_in().await?;
    let erasure = instance.erase(&user_name(WHO.load(Ordering::Relaxed)), &session).await?;
    let deadline = Instant::now() + LIMIT;
    while instance.receipt(&erasure, &session).await?["places"] == json!([]) {
        if Instant::now() > deadline {
            return Err(Trouble("nothing is erased".to_owned()));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let mut company = Company::new();
    company.spawn(std::future::pending());
    Ok(company)
}

/// How long an erasure takes until its receipt is final, while so much is sent.
async fn until_done(bench: &Bench, events: u64, load: Option<Shape>) -> Result<Duration, Trouble> {
    let site = bench.site().await?;
    filled(bench, &site, events).await?;
    let instance = bench.starter.start(Home::Mongodb(&site.database), &[]).await?;
    let session = instance.sign_in().await?;
    let load = load.map(|shape| Load::start(&bench.plan(&[&instance], shape))).transpose()?;
    let began = Instant::now();
    let erasure = instance.erase(&user_name(WHO.load(Ordering::Relaxed)), &session).await?;
    while instance.receipt(&erasure, &session).await?["state"] != "done" {
        if began.elapsed() > LIMIT {
            return Err(Trouble("the user is not erased".to_owned()));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let took = began.elapsed();
    tokio::task::block_in_place(|| load.map(Load::stop)).transpose()?;
    instance.stop().await?;
    Ok(took)
}
