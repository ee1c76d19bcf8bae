//! What a processor costs: deliveries a second and CPU with one that takes a millisecond,
//! and the latency of the 202 beside it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::{Batch, People, USERS};
use crate::bench::{Bench, Shape, Site, until};
use crate::connection::Connection;
use crate::example::Example;
use crate::findings::{Findings, Row, Table};
use crate::instance::{Home, Instance};
use crate::numbered;
use crate::numbers::{Samples, milliseconds};
use crate::processes::{Cpu, Memory};
use crate::window::Window;

/// In each round.
pub const STEPS: u64 = 8;
pub(super) const DELAY_MS: &str = "1..1";
/// Events that are delivered.
const EVENTS: u64 = 100_000;
/// Of one request.
const TOGETHER: usize = 100;
/// Of one request while the latency is measured.
const BATCH: usize = 10;
/// Of what can be delivered, that is offered while it is measured.
const PARTS: [f64; 3] = [2.0, 3.0, 5.0];
/// A few renewals of the lease, after which the feed is empty.
const SETTLING: Duration = Duration::from_secs(5);
const MIB: f64 = 1024.0 * 1024.0;

/// What the same events cost, with a processor or without.
pub(super) struct Delivered {
    per_second: f64,
    pub service_us: f64,
    pub mongod_us: f64,
    pub peak_mib: f64,
}

/// Measures, each round without a processor and with one.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let processor = Example::start(&bench.starter, DELAY_MS, None).await?;
    let with = [("PROCESSOR_URL", processor.url())];
    let (mut rate, mut service, mut mongod) =
        (Samples::default(), Samples::default(), Samples::default());
    let (mut peak, mut beside) = (Samples::default(), PARTS.map(Beside::of));
    let mut rounds = Vec::new();
    for round in 1..=bench.arguments.rounds() {
        bench.progress.step(format!("processors, {EVENTS} events without one, round {round}"));
        site.database.forget_processors().await?;
        let bare = deliver(bench, &site, &[], bench.arguments.seed).await?;
        bench.progress.step(format!("processors, {EVENTS} events with one, round {round}"));
        let delivered = deliver(bench, &site, &with, bench.arguments.seed).await?;
        rate.push(delivered.per_second);
        service.push(delivered.service_us - bare.service_us);
        mongod.push(delivered.mongod_us - bare.mongod_us);
        peak.push(delivered.peak_mib);
        for one in &mut beside {
            let part = Shape::offering(delivered.per_second / one.part, BATCH).of_known();
            let what = format!("processors, 1/{} of that", one.part);
            bench.progress.step(format!("{what} with one, round {round}"));
            let busy = bench.measure_beside(&site, &with, part, processor.pid()).await?;
            bench.progress.step(format!("{what} without, round {round}"));
            site.database.forget_processors().await?;
            one.add(&busy, &bench.measure(&site, &[], part).await?);
        }
        rounds.push(json!({ "bare": told(&bare), "delivered": told(&delivered) }));
    }
    let figures: Vec<Value> = beside.iter().map(Beside::to_json).collect();
    Ok(Findings {
        rows: vec![
            Row::figure("deliveries/s, processor of 1 ms", rate.median(), ""),
            Row::figure("service: CPU of a delivery", service.median(), "us"),
            Row::at_most("mongod: CPU of a delivery", mongod.median(), 20.0, "us"),
            Row::figure("memory with a processor, most", peak.median(), "MiB"),
            Row::at_most(
                "p99 of the 202 at half of these deliveries/s, with a processor against none",
                beside[0].ratio.median(),
                1.2,
                "",
            ),
        ],
        tables: vec![table(&beside)],
        figures: json!({ "rounds": rounds, "beside": figures }),
        ..Findings::default()
    })
}

/// The latency of the 202 at a part of what can be delivered.
struct Beside {
    part: f64,
    with: Samples,
    without: Samples,
    ratio: Samples,
    windows: Vec<Value>,
}

impl Beside {
    fn of(part: f64) -> Self {
        let none = Samples::default();
        let (with, without, ratio) = (none.clone(), none.clone(), none);
        Self { part, with, without, ratio, windows: Vec::new() }
    }

    fn add(&mut self, with: &Window, without: &Window) {
        let p99 = |window: &Window| milliseconds(&window.tally.latency, 0.99);
        self.with.push(p99(with));
        self.without.push(p99(without));
        self.ratio.push(p99(with) / p99(without));
        self.windows.push(json!({ "with": with.to_json(), "without": without.to_json() }));
    }

    fn to_json(&self) -> Value {
        json!({ "part": self.part, "ratio": self.ratio.to_json(), "windows": self.windows })
    }
}

fn table(beside: &[Beside]) -> Table {
    let mut table = Table::new(
        "p99 of the 202 beside a processor of 1 ms, by the part of what can be delivered",
        &["part", "with, ms", "without, ms", "ratio"],
    );
    for Beside { part, with, without, ratio, .. } in beside {
        table.add(format!("1/{part}"), &[with.median(), without.median(), ratio.median()]);
    }
    table
}

fn told(delivered: &Delivered) -> Value {
    let Delivered { per_second, service_us, mongod_us, peak_mib } = delivered;
    json!({
        "perSecond": per_second, "serviceCpuUs": service_us, "mongodCpuUs": mongod_us,
        "peakMib": peak_mib,
    })
}

/// Posts the events to a new service that knows their users, and waits until all of them are
/// stored, and delivered where there is somebody to deliver to.
#[allow(clippy::cast_precision_loss)] // counts of events
pub(super) async fn deliver(
    bench: &Bench,
    site: &Site,
    settings: &[(&str, &str)],
    seed: u64,
) -> Result<Delivered, Trouble> {
    site.database.drop_events().await?;
    let instance = bench.starter.start(Home::Mongodb(&site.database), settings).await?;
    let is_delivered = !settings.is_empty();
    let count = async || match is_delivered {
        true => instance.processed(&site.token).await,
        false => instance.stored(&site.token).await,
    };
    let known = u64::from(USERS);
    bench.introduce(&instance, People::of(USERS))?;
    until(known, &count).await?;
    sleep(SETTLING).await;
    site.database.settle().await?;
    let cpu = |pid| Cpu::of(pid);
    let before = (cpu(instance.pid())?, cpu(site.database.pid())?);
    let begun = Instant::now();
    tokio::task::block_in_place(|| post(&instance, seed))?;
    until(known + EVENTS, &count).await?;
    let seconds = begun.elapsed().as_secs_f64();
    sleep(SETTLING).await;
    site.database.settle().await?;
    let service = cpu(instance.pid())?.since(&before.0);
    let mongod = cpu(site.database.pid())?.since(&before.1);
    let peak = Memory::of(instance.pid())?.peak;
    instance.stop().await?;
    let each = |spent: Duration| spent.as_secs_f64() * 1e6 / EVENTS as f64;
    Ok(Delivered {
        per_second: EVENTS as f64 / seconds,
        service_us: each(service),
        mongod_us: each(mongod),
        peak_mib: peak as f64 / MIB,
    })
}

fn post(instance: &Instance, seed: u64) -> Result<(), Trouble> {
    let mut batch = Batch::new(TOGETHER, People::of(USERS), seed);
    let mut connection = Connection::open(instance.address()).during("connecting")?;
    for _ in 0..EVENTS / TOGETHER as u64 {
        numbered::post(&mut connection, batch.next())?;
    }
    Ok(())
}
