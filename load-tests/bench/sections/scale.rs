//! Cost against work: where does it bend?

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use trailkeep_testkit::trouble::Trouble;

use crate::batch::{People, USERS};
use crate::bench::{Bench, Shape, Site};
use crate::chart::{Axis, Chart};
use crate::filling::Filling;
use crate::findings::{Findings, Table};
use crate::instance::Home;
use crate::load::Pace;
use crate::numbers::milliseconds;
use crate::reading::{over_http, request};
use crate::window::Window;

const BATCH: usize = 10;
const RATES: [u32; 6] = [100, 1000, 3000, 10_000, 20_000, 40_000];
const BATCHES: [usize; 7] = [1, 3, 10, 30, 100, 300, 1000];
const CROWDS: [u32; 6] = [10, 100, 1000, 10_000, 100_000, 1_000_000];
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Events a second that come to a collection of some size: below saturation,
/// and few enough to leave its size what it is.
const SIZES_RATE: f64 = 10_000.0;

/// How many steps it takes.
pub fn steps(is_quick: bool) -> u64 {
    let saturation = 1;
    let scales = RATES.len() + saturation + BATCHES.len() + CROWDS.len();
    (scales + sizes(is_quick).len()) as u64
}

fn sizes(is_quick: bool) -> &'static [u64] {
    if is_quick { &SIZES[..2] } else { &SIZES }
}

/// Measures each scale once.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let scales = [
        rates(bench, &site).await?,
        batches(bench, &site).await?,
        crowds(bench, &site).await?,
        collections(bench, &site).await?,
    ];
    let mut findings = Findings::default();
    let mut figures = serde_json::Map::new();
    for scale in scales {
        figures.insert(scale.name.to_owned(), scale.to_json());
        findings.charts.push(scale.chart());
        findings.tables.push(scale.table());
    }
    findings.figures = figures.into();
    Ok(findings)
}

/// What was measured along one quantity.
struct Scale {
    name: &'static str,
    title: &'static str,
    quantity: &'static str,
    figures: &'static [&'static str],
    /// Which of the figures are drawn.
    drawn: std::ops::Range<usize>,
    unit: &'static str,
    points: Vec<(f64, Vec<f64>)>,
}

impl Scale {
    /// CPU for an event, and events stored in a second.
    fn of_load(name: &'static str, title: &'static str, quantity: &'static str) -> Self {
        Self {
            name,
            title,
            quantity,
            figures: &["service, us", "mongod, us", "stored/s"],
            drawn: 0..2,
            unit: "microseconds of CPU for an event",
            points: Vec::new(),
        }
    }

    fn add(&mut self, quantity: f64, window: &Window) {
        let figures = [window.service_us(), window.mongod_us(), window.stored_per_second()];
        self.points.push((quantity, figures.to_vec()));
    }

    fn table(&self) -> Table {
        let columns = [&[self.quantity], self.figures].concat();
        let mut table = Table::new(self.title, &columns);
        for (quantity, figures) in &self.points {
            table.add(format!("{quantity:.0}"), figures);
        }
        table
    }

    fn chart(&self) -> Chart {
        let line = |figure: usize| {
            let points = self.points.iter();
            let points = points.map(|(quantity, figures)| (*quantity, figures[figure]));
            (self.figures[figure].to_owned(), points.collect())
        };
        Chart {
            name: format!("scale-{}", self.name),
            title: self.title.to_owned(),
            x: Axis::Logarithmic(self.quantity),
            y: self.unit,
            lines: self.drawn.clone().map(line).collect(),
        }
    }

    fn to_json(&self) -> Value {
        let points = self.points.iter().map(|(quantity, figures)| {
            let mut point = json!({ self.quantity: quantity });
            for (name, figure) in self.figures.iter().zip(figures) {
                point[*name] = json!(figure);
            }
            point
        });
        points.collect()
    }
}

async fn rates(bench: &Bench, site: &Site) -> Result<Scale, Trouble> {
    let mut scale = Scale::of_load("rate", "CPU of an event by the rate of events", "events/s");
    let offered = RATES.map(|rate| Shape::offering(f64::from(rate), BATCH));
    for shape in offered.into_iter().chain([Shape::saturating(BATCH)]) {
        let rate = match shape.pace {
            Pace::Closed => "all that goes".to_owned(),
            Pace::Open(_) => format!("step {}", scale.points.len() + 1),
        };
        bench.progress.step(format!("scale, rates, {rate}"));
        let window = bench.measure(site, &[], shape).await?;
        scale.add(window.stored_per_second(), &window);
        if window.tally.refused > 0 && matches!(shape.pace, Pace::Open(_)) {
            bench.progress.say("this machine cannot store at that rate");
        }
    }
    // A rate beyond saturation stores less than it.
    scale.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(scale)
}

#[allow(clippy::cast_precision_loss)]
async fn batches(bench: &Bench, site: &Site) -> Result<Scale, Trouble> {
    let title = "CPU of an event by the size of batches, at saturation";
    let mut scale = Scale::of_load("batch", title, "events in a request");
    for batch in BATCHES {
        bench.progress.step(format!("scale, batches of {batch}"));
        let window = bench.measure(site, &[], Shape::saturating(batch)).await?;
        scale.add(batch as f64, &window);
    }
    Ok(scale)
}

async fn crowds(bench: &Bench, site: &Site) -> Result<Scale, Trouble> {
    let title = "CPU of an event by the number of users, at saturation";
    let mut scale = Scale::of_load("users", title, "users");
    for users in CROWDS {
        bench.progress.step(format!("scale, {users} users"));
        let shape = Shape { people: People::of(users), ..Shape::saturating(BATCH) };
        let window = bench.measure(site, &[], shape).await?;
        scale.add(f64::from(users), &window);
    }
    Ok(scale)
}

#[allow(clippy::cast_precision_loss)]
async fn collections(bench: &Bench, site: &Site) -> Result<Scale, Trouble> {
    let mut scale = Scale {
        name: "collection",
        title: "Writing and reading by the size of the collection",
        quantity: "events in it",
        figures: &[
            "service, us an event",
            "mongod, us an event",
            "service, us a journey",
            "mongod, us a journey",
            "journey p50, ms",
            "journey p99, ms",
        ],
        drawn: 0..4,
        unit: "microseconds of CPU",
        points: Vec::new(),
    };
    for &events in sizes(bench.arguments.quick) {
        bench.progress.step(format!("scale, {events} events"));
        scale.points.push((events as f64, collection(bench, site, events).await?));
    }
    Ok(scale)
}

/// Users have about a hundred events each, up to 50,000 users.
async fn collection(bench: &Bench, site: &Site, events: u64) -> Result<Vec<f64>, Trouble> {
    const READS: usize = 1000;
    let users = u32::try_from(events / 100).map_or(USERS, |users| users.clamp(1, USERS));
    site.database.drop_events().await?;
    let home = Home::Mongodb(&site.database);
    // Makes the indexes.
    let instance = bench.starter.start(home, &[]).await?;
    let seed = bench.arguments.seed;
    let filling = Filling { events, users: 0..users, seed };
    filling.insert(&site.database, &site.document).await?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut requests = || -> Vec<Vec<u8>> {
        let requests = (0..READS).map(|_| request(rng.random_range(0..users), None, &site.token));
        requests.collect()
    };
    over_http(&instance, &site.database, requests())?;
    let reads = over_http(&instance, &site.database, requests())?;
    let shape = Shape { people: People::of(users), ..Shape::offering(SIZES_RATE, BATCH) };
    let window = bench.load(site, &[&instance], shape).await?;
    instance.stop().await?;
    Ok(vec![
        window.service_us(),
        window.mongod_us(),
        reads.cpu_us,
        reads.mongod_us,
        milliseconds(&reads.latency, 0.5),
        milliseconds(&reads.latency, 0.99),
    ])
}
