//! What an event, a page, a search and a delivery cost with the whole service, by what is
//! stored.
//!
//! The collection of events has a history of two years, written without the service as the
//! service would have written it. Then the service takes events at full speed, and
//! what `mongod` owes for them counts until it is paid; and pages are read. The events of people
//! who are searched for come by the service, and outcomes are copies of one that it made.

mod outcomes;

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use trailkeep_testkit::trouble::Trouble;

use super::index::data::{Inserter, People};
use super::index::layouts::{Course, Layout, PERIOD, TWO_YEARS};
use super::index::writing::Began;
use super::people;
use crate::bench::{Bench, Shape, Site};
use crate::calendar;
use crate::chart::{Axis, Chart};
use crate::findings::{Findings, Table};
use crate::instance::{Home, Instance};
use crate::load::Load;
use crate::numbers::{Samples, milliseconds};
use crate::processes::{Cpu, Memory};
use crate::reading::{Reads, over_http, request};

const BATCH: usize = 10;
/// Pages of each kind at a time.
const PAGES: usize = 2000;
/// Times that they are read before they count: until then the server reads into its
/// cache what the filling has pushed out.
const WARM_UP: u32 = 3;
/// Events a second that come beside pages: about a fifth of saturation, on the two
/// cores that the pages need as well.
const BESIDE: f64 = 20_000.0;

const MIB: f64 = 1024.0 * 1024.0;

/// How many steps it takes.
pub fn steps(sizes: usize, rounds: u64) -> u64 {
    sizes as u64 * (2 + people::STEPS + rounds + outcomes::STEPS)
}

/// What was measured in one size.
struct Measured {
    /// Microseconds of `mongod` and of the service for an event, settled.
    mongod_us: Samples,
    service_us: Samples,
    busy: Reads,
    regular: Reads,
    rare: Reads,
    /// Of regular users, while events come.
    beside_events: Reads,
    /// The most that the service ever took, in bytes.
    peak: u64,
}

/// Measures each size.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let mut writing = Table::new(
        "An event with the whole service, by what is stored",
        &["events stored", "mongod, us an event", "service, us an event", "memory, most, MiB"],
    );
    let mut reading = Table::new(
        "A page of 100 with the whole service, by what is stored",
        &["events stored, user", "mongod, us", "service, us", "p50, ms", "p99, ms"],
    );
    let mut knowing = Table::new(
        "Who is who with the whole service, by what is stored: CPU of service and mongod",
        &[
            "events stored, of ten each",
            "searches, us, mean of all kinds",
            "slowest p99 of a kind, ms",
            "journey without links, us",
            "with 3",
            "with 19",
            "memory, most, MiB",
        ],
    );
    let mut delivering = Table::new(
        "A delivery with the whole service, by how many outcomes are kept",
        &["outcomes", "mongod, us", "service, us", "memory, most, MiB"],
    );
    let (mut figures, mut points) = (Vec::new(), Vec::new());
    for events in bench.arguments.sizes() {
        let found = measure(bench, events).await?;
        let (mongod, service) = (&found.mongod_us, &found.service_us);
        let name = in_millions(events);
        writing.add(name.as_str(), &[mongod.median(), service.median(), mib(found.peak)]);
        #[allow(clippy::cast_precision_loss)] // millions
        points.push((events as f64, mongod.median()));
        for (user, reads) in found.pages() {
            let latency = |quantile| milliseconds(&reads.latency, quantile);
            let figures = [reads.mongod_us, reads.cpu_us, latency(0.5), latency(0.99)];
            reading.add(format!("{name}, {user}"), &figures);
        }
        let known = people::measure(bench, events).await?;
        knowing.add(format!("{name}, slowest {}", slowest(&known).0), &told(&known));
        let delivered = outcomes::measure(bench, events).await?;
        delivering.add(name, &delivered);
        figures.push(json!({
            "measured": found.to_json(events), "people": told(&known), "deliveries": delivered,
        }));
    }
    let chart = Chart {
        name: "growth".to_owned(),
        title: "CPU of mongod for an event, by what is stored".to_owned(),
        x: Axis::Logarithmic("events stored"),
        y: "microseconds of CPU for an event",
        lines: vec![("mongod, settled".to_owned(), points)],
    };
    Ok(Findings {
        figures: figures.into(),
        tables: vec![writing, reading, knowing, delivering],
        charts: vec![chart],
        ..Findings::default()
    })
}

impl Measured {
    fn pages(&self) -> [(&'static str, &Reads); 4] {
        [
            ("busy", &self.busy),
            ("regular", &self.regular),
            ("rare", &self.rare),
            ("regular, beside events", &self.beside_events),
        ]
    }

    fn to_json(&self, events: u64) -> Value {
        let pages = self.pages().map(|(user, reads)| (user.to_owned(), reads.to_json()));
        json!({
            "events": events,
            "mongodUs": self.mongod_us.to_json(),
            "serviceUs": self.service_us.to_json(),
            "pages": pages.into_iter().collect::<serde_json::Map<_, _>>(),
        })
    }
}

#[allow(clippy::cast_precision_loss)] // millions
fn in_millions(events: u64) -> String {
    format!("{} million", events as f64 / 1e6)
}

async fn measure(bench: &Bench, events: u64) -> Result<Measured, Trouble> {
    bench.progress.step(format!("growth, filling with {events} events"));
    let site = bench.site().await?;
    fill(bench, &site, events).await?;
    site.database.settle().await?;
    site.database.rest().await?;

    bench.progress.step(format!("growth, {events} events"));
    let instance = bench.starter.start(Home::Mongodb(&site.database), &[]).await?;
    let mut rng = ChaCha8Rng::seed_from_u64(bench.arguments.seed);
    let users = People::of(events);
    let mut pages = |user: &mut dyn FnMut(&mut ChaCha8Rng) -> u32| {
        let mut read = || {
            let users: Vec<u32> = (0..PAGES).map(|_| user(&mut rng)).collect();
            let requests = users.into_iter().map(|user| request(user, None, &site.token));
            over_http(&instance, &site.database, requests)
        };
        for _ in 0..WARM_UP {
            read()?;
        }
        read()
    };
    let busy = pages(&mut |_| People::busy())?;
    let regular = pages(&mut People::regular)?;
    let rare = pages(&mut |rng| users.rare(rng))?;
    let load = Load::start(&bench.plan(&[&instance], Shape::offering(BESIDE, BATCH)))?;
    let beside_events = pages(&mut People::regular)?;
    tokio::task::block_in_place(|| load.stop())?;
    let (mut mongod_us, mut service_us) = (Samples::default(), Samples::default());
    for _ in 0..bench.arguments.rounds() {
        let (mongod, service) = settled(bench, &site, &instance).await?;
        mongod_us.push(mongod);
        service_us.push(service);
    }
    let peak = Memory::of(instance.pid())?.peak;
    instance.stop().await?;
    Ok(Measured { mongod_us, service_us, busy, regular, rare, beside_events, peak })
}

/// The columns of a table about people.
#[allow(clippy::cast_precision_loss)] // a few kinds
fn told(measured: &people::Measured) -> [f64; 6] {
    let searches = &measured.searches;
    let cpu: f64 = searches.iter().map(|(_, reads)| reads.cpu_us + reads.mongod_us).sum();
    let [none, three, nineteen] = measured.journeys.each_ref().map(|kind| kind.cpu_us.median());
    let mean = cpu / searches.len() as f64;
    [mean, slowest(measured).1, none, three, nineteen, mib(measured.peak)]
}

/// The kind of search whose p99 is the highest, and that in milliseconds.
fn slowest(measured: &people::Measured) -> (&'static str, f64) {
    let p99 = |(kind, reads): &(&'static str, Reads)| (*kind, milliseconds(&reads.latency, 0.99));
    let kinds = measured.searches.iter().map(p99);
    kinds.max_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or(("none", 0.0))
}

#[allow(clippy::cast_precision_loss)]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
}

/// A history of two years up to now. Where the service under test has periods, it
/// has those that the service would have made, and the calendar of them.
async fn fill(bench: &Bench, site: &Site, events: u64) -> Result<(), Trouble> {
    let span = i64::try_from(TWO_YEARS).unwrap_or(0);
    let begin = chrono::Utc::now().timestamp_millis() - span;
    let course = Course { begin, span: TWO_YEARS, events };
    let has_periods = calendar::has_periods(&site.database).await?;
    let periods = has_periods.then(|| Layout::Million.periods(course, 1)).flatten();
    let database = Arc::clone(&site.database);
    let mut inserter = Inserter::new(database, course, periods, bench.arguments.seed);
    inserter.insert(events).await?;
    let Some(periods) = periods else { return Ok(()) };
    let mut starts = periods.between(begin, inserter.newest());
    starts.reverse();
    let in_newest = (events - 1) % PERIOD + 1;
    calendar::write(&site.database, starts, in_newest, inserter.newest()).await
}

/// Events at full speed for a while, and what they took until all is written:
/// microseconds of `mongod` and of the service for each.
#[allow(clippy::cast_precision_loss)] // millions
async fn settled(bench: &Bench, site: &Site, instance: &Instance) -> Result<(f64, f64), Trouble> {
    let began = Began::now(&site.database).await?;
    let before = Cpu::of(instance.pid())?;
    let stored = instance.stored(&site.token).await?;
    let load = Load::start(&bench.plan(&[instance], Shape::saturating(BATCH)))?;
    tokio::time::sleep(bench.arguments.window()).await;
    let tally = tokio::task::block_in_place(|| load.stop())?;
    if tally.failed > 0 {
        return Err(Trouble(format!("{} requests failed", tally.failed)));
    }
    // What was accepted last is stored within a second.
    let mut now = instance.stored(&site.token).await?;
    loop {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let later = instance.stored(&site.token).await?;
        if later == now {
            break;
        }
        now = later;
    }
    let events = (now - stored).max(1);
    let mongod = began.ended(&site.database, events).await?;
    let service = Cpu::of(instance.pid())?.since(&before);
    Ok((mongod.cpu_us, service.as_secs_f64() * 1e6 / events as f64))
}
