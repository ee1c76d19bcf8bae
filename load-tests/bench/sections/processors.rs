//! What a processor costs: deliveries a second and CPU with one that takes a millisecond,
//! and the latency of the 202 beside it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;
use trailkeep_testkit::port::free_port;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::{Batch, People, USERS};
use crate::bench::{Bench, Shape, Site};
use crate::connection::Connection;
use crate::findings::{Findings, Row};
use crate::instance::{Home, Instance};
use crate::numbers::{Samples, milliseconds};
use crate::processes::{Cpu, Memory};

/// In each round.
pub const STEPS: u64 = 5;
/// Events that are delivered.
const EVENTS: u64 = 100_000;
/// Of one request.
const TOGETHER: usize = 100;
/// Of one request while the latency is measured.
const BATCH: usize = 10;
/// How long deliveries may take.
const LIMIT: Duration = Duration::from_secs(300);
/// A few renewals of the lease, after which the feed is empty.
const SETTLING: Duration = Duration::from_secs(5);
const MIB: f64 = 1024.0 * 1024.0;

/// `trailkeep example-processor`, which takes a millisecond. Dropping it ends it.
struct Processor {
    child: Child,
    url: String,
}

impl Processor {
    async fn start(bench: &Bench) -> Result<Self, Trouble> {
        let port = free_port()?;
        let mut command = Command::new(&bench.starter.binary);
        command.args(["example-processor", "--quiet", "--delay-ms", "1..1"]);
        command.args(["--port", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().during("starting the processor")?;
        let url = format!("http://127.0.0.1:{port}");
        let processor = Self { child, url };
        for _ in 0..100 {
            let health = bench.starter.http.get(format!("{}/health", processor.url)).send().await;
            if health.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(processor);
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err(Trouble("the example processor does not answer".to_owned()))
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the same events cost, with a processor or without.
struct Delivered {
    per_second: f64,
    service_us: f64,
    mongod_us: f64,
    peak_mib: f64,
}

/// Measures, each round without a processor and with one.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let processor = Processor::start(bench).await?;
    let with = [("PROCESSOR_URL", &*processor.url)];
    // What an earlier processor left would be fed for.
    const KEPT: [&str; 5] =
        ["processors", "feed.default", "parked.default", "processedEvents", "processorStates"];
    let forget = async || {
        for name in KEPT {
            let kept = site.database.handle().collection::<bson::Document>(name);
            kept.drop().await.during("forgetting the processor")?;
        }
        Ok::<(), Trouble>(())
    };
    let (mut rate, mut service, mut mongod) =
        (Samples::default(), Samples::default(), Samples::default());
    let (mut peak, mut ratio, mut windows) = (Samples::default(), Samples::default(), Vec::new());
    for round in 1..=bench.arguments.rounds() {
        bench.progress.step(format!("processors, {EVENTS} events without one, round {round}"));
        forget().await?;
        let bare = deliver(bench, &site, &[]).await?;
        bench.progress.step(format!("processors, {EVENTS} events with one, round {round}"));
        let delivered = deliver(bench, &site, &with).await?;
        rate.push(delivered.per_second);
        service.push(delivered.service_us - bare.service_us);
        mongod.push(delivered.mongod_us - bare.mongod_us);
        peak.push(delivered.peak_mib);

        bench.progress.step(format!("processors, saturation with one, round {round}"));
        let full = bench.measure(&site, &with, Shape::saturating(BATCH)).await?;
        let half = Shape::offering(full.stored_per_second() / 2.0, BATCH);
        bench.progress.step(format!("processors, half of it with one, round {round}"));
        let beside = bench.measure(&site, &with, half).await?;
        bench.progress.step(format!("processors, half of it without, round {round}"));
        forget().await?;
        let alone = bench.measure(&site, &[], half).await?;
        let p99 = |window: &crate::window::Window| milliseconds(&window.tally.latency, 0.99);
        ratio.push(p99(&beside) / p99(&alone));
        windows.push(json!({
            "bare": told(&bare), "delivered": told(&delivered), "saturation": full.to_json(),
            "with": beside.to_json(), "without": alone.to_json(),
        }));
    }
    Ok(Findings {
        rows: vec![
            Row::figure("deliveries/s, processor of 1 ms", rate.median(), ""),
            Row::figure("service: CPU of a delivery", service.median(), "us"),
            Row::at_most("mongod: CPU of a delivery", mongod.median(), 20.0, "us"),
            Row::figure("memory with a processor, most", peak.median(), "MiB"),
            Row::at_most(
                "p99 of the 202 at half of saturation, with a processor against none",
                ratio.median(),
                1.2,
                "",
            ),
        ],
        figures: json!({ "rounds": windows }),
        ..Findings::default()
    })
}

fn told(delivered: &Delivered) -> Value {
    let Delivered { per_second, service_us, mongod_us, peak_mib } = delivered;
    json!({
        "perSecond": per_second, "serviceCpuUs": service_us, "mongodCpuUs": mongod_us,
        "peakMib": peak_mib,
    })
}

/// Posts the events to a new service, and waits until all of them are stored, and
/// delivered where there is somebody to deliver to.
#[allow(clippy::cast_precision_loss)] // counts of events
async fn deliver(
    bench: &Bench,
    site: &Site,
    settings: &[(&str, &str)],
) -> Result<Delivered, Trouble> {
    site.database.drop_events().await?;
    let instance = bench.starter.start(Home::Mongodb(&site.database), settings).await?;
    site.database.settle().await?;
    let cpu = |pid| Cpu::of(pid);
    let before = (cpu(instance.pid())?, cpu(site.database.pid())?);
    let begun = Instant::now();
    tokio::task::block_in_place(|| post(&instance, bench.arguments.seed))?;
    let is_delivered = !settings.is_empty();
    while count(bench, site, &instance, is_delivered).await? < EVENTS {
        if begun.elapsed() > LIMIT {
            return Err(Trouble(format!("{EVENTS} events take longer than {LIMIT:?}")));
        }
        sleep(Duration::from_millis(50)).await;
    }
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
        let request = batch.next().to_vec();
        loop {
            match connection.exchange(&request).during("posting events")? {
                202 => break,
                503 => std::thread::sleep(Duration::from_millis(10)),
                status => return Err(Trouble(format!("events were answered {status}"))),
            }
        }
    }
    Ok(())
}

/// Events that are stored, or delivered.
async fn count(
    bench: &Bench,
    site: &Site,
    instance: &Instance,
    delivered: bool,
) -> Result<u64, Trouble> {
    if !delivered {
        return instance.stored(&site.token).await;
    }
    let url = format!("http://{}/processors/default", instance.address());
    let asked = bench.starter.http.get(url).bearer_auth(&site.token).send().await;
    let answer = asked.during("asking how the processor is doing")?;
    let seen: Value = answer.json().await.during("reading how the processor is doing")?;
    Ok(seen["processed"].as_u64().unwrap_or_default())
}
