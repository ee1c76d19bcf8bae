//! Cost against work: where does it bend?

use serde_json::{Value, json};
use trailkeep_testkit::trouble::Trouble;

use crate::batch::People;
use crate::bench::{Bench, Shape, Site};
use crate::chart::{Axis, Chart};
use crate::findings::{Findings, Table};
use crate::load::Pace;
use crate::window::Window;

const BATCH: usize = 10;
const RATES: [u32; 6] = [100, 1000, 3000, 10_000, 20_000, 40_000];
const BATCHES: [usize; 7] = [1, 3, 10, 30, 100, 300, 1000];
const CROWDS: [u32; 6] = [10, 100, 1000, 10_000, 100_000, 1_000_000];

/// How many steps it takes: besides the rates there is saturation.
pub const STEPS: u64 = (RATES.len() + 1 + BATCHES.len() + CROWDS.len()) as u64;

/// Measures each scale once.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let scales =
        [rates(bench, &site).await?, batches(bench, &site).await?, crowds(bench, &site).await?];
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

/// What is measured at each point, of which the first ones are drawn.
const FIGURES: [&str; 3] = ["service, us", "mongod, us", "stored/s"];
const DRAWN: usize = 2;

/// What was measured along one quantity.
struct Scale {
    name: &'static str,
    title: &'static str,
    quantity: &'static str,
    points: Vec<(f64, Vec<f64>)>,
}

impl Scale {
    /// CPU for an event, and events stored in a second.
    fn of_load(name: &'static str, title: &'static str, quantity: &'static str) -> Self {
        Self { name, title, quantity, points: Vec::new() }
    }

    fn add(&mut self, quantity: f64, window: &Window) {
        let figures = [window.service_us(), window.mongod_us(), window.stored_per_second()];
        self.points.push((quantity, figures.to_vec()));
    }

    fn table(&self) -> Table {
        let columns = [&[self.quantity], &FIGURES[..]].concat();
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
            (FIGURES[figure].to_owned(), points.collect())
        };
        Chart {
            name: format!("scale-{}", self.name),
            title: self.title.to_owned(),
            x: Axis::Logarithmic(self.quantity),
            y: "microseconds of CPU for an event",
            lines: (0..DRAWN).map(line).collect(),
        }
    }

    fn to_json(&self) -> Value {
        let points = self.points.iter().map(|(quantity, figures)| {
            let mut point = json!({ self.quantity: quantity });
            for (name, figure) in FIGURES.iter().zip(figures) {
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
