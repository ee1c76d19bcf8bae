//! What an event costs, and how much of what MongoDB can take reaches it.
//!
//! On a collection that has millions of events already: mongod takes half as
//! long over an event of the first million, and what is in front of it would
//! look the worse. All that is compared adds to the same collection, in turns.

use serde_json::{Map, Value, json};

use crate::batch::USERS;
use crate::bench::{Bench, Shape, Site};
use crate::chart::{Axis, Chart};
use crate::filling::Filling;
use crate::findings::{Findings, Row, Table};
use crate::floor::{self, Floor};
use crate::numbers::Samples;
use crate::tally::SLICE;
use crate::trouble::Trouble;
use crate::window::Window;

/// Before the rounds, and in each.
pub const FILLING: u64 = 1;
pub const STEPS: u64 = 4;

/// Events in a request, the CPU that each may cost in microseconds, and the
/// share of the floor that must be reached.
const TARGETS: [(usize, f64, f64); 3] = [(1, 14.0, 0.45), (10, 4.0, 0.9), (100, 3.0, 0.95)];

/// All rounds with batches of one size.
#[derive(Default)]
struct Size {
    service_us: Samples,
    mongod_us: Samples,
    stored: Samples,
    of_floor: Samples,
    windows: Vec<Value>,
    slices: Vec<u64>,
}

impl Size {
    fn add(&mut self, window: &Window, floor: &Floor) {
        self.service_us.push(window.service_us());
        self.mongod_us.push(window.mongod_us());
        self.stored.push(window.stored_per_second());
        self.of_floor
            .push(window.stored_per_second() / floor.inserted_per_second);
        self.windows.push(window.to_json());
        self.slices.clone_from(&window.tally.slices);
    }

    fn to_json(&self) -> Value {
        json!({
            "serviceCpuUs": self.service_us.to_json(),
            "mongodCpuUs": self.mongod_us.to_json(),
            "storedPerSecond": self.stored.to_json(),
            "ofFloor": self.of_floor.to_json(),
            "windows": self.windows,
        })
    }
}

/// Measures, each round all sizes and the floor.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let filling = Filling {
        events: bench.arguments.events(),
        users: 0..USERS,
        seed: bench.arguments.seed,
    };
    let events = filling.events;
    bench
        .progress
        .step(format!("cost, filling with {events} events"));
    filling.insert(&site.database, &site.document).await?;
    let mut floors = Vec::new();
    let mut sizes: [Size; 3] = Default::default();
    for round in 1..=bench.arguments.rounds() {
        bench.progress.step(format!("floor, round {round}"));
        let floor = floor_of(bench, &site, round).await?;
        for (size, (batch, _, _)) in sizes.iter_mut().zip(TARGETS) {
            bench
                .progress
                .step(format!("cost, batches of {batch}, round {round}"));
            let settings = [("JOURNAL", "off")];
            let shape = Shape::saturating(batch);
            size.add(
                &bench.measure_on_top(&site, &settings, shape).await?,
                &floor,
            );
        }
        floors.push(floor);
    }
    Ok(findings(&sizes, &floors))
}

async fn floor_of(bench: &Bench, site: &Site, round: u32) -> Result<Floor, Trouble> {
    // Other than that of the filling, which starts from the same.
    let seed = bench.arguments.seed + 1000 * u64::from(round);
    let (warm_up, window) = (bench.arguments.warm_up(), bench.arguments.window());
    floor::measure(&site.database, &site.document, warm_up, window, seed).await
}

#[allow(clippy::cast_precision_loss)] // batches and slices
fn findings(sizes: &[Size; 3], floors: &[Floor]) -> Findings {
    let mut rows = Vec::new();
    let mut figures = Map::new();
    let columns = [
        "batch",
        "service, us",
        "mongod, us",
        "stored/s",
        "of the floor",
    ];
    let mut table = Table::new(
        "Cost of a stored event at saturation, journal off",
        &columns,
    );
    for (size, (batch, most_us, _)) in sizes.iter().zip(TARGETS) {
        let what = format!("service's CPU per event, batches of {batch}");
        rows.push(Row::at_most(what, size.service_us.median(), most_us, "us"));
        figures.insert(format!("batchesOf{batch}"), size.to_json());
        let medians = [
            &size.service_us,
            &size.mongod_us,
            &size.stored,
            &size.of_floor,
        ];
        table.add(batch.to_string(), &medians.map(Samples::median));
    }
    for (size, (batch, _, least)) in sizes.iter().zip(TARGETS) {
        let what = format!("stored/s against inserting alone, batches of {batch}");
        rows.push(Row::at_least(what, size.of_floor.median(), least, ""));
    }
    let median =
        |figure: fn(&Floor) -> f64| floors.iter().map(figure).collect::<Samples>().median();
    let inserted = median(|floor| floor.inserted_per_second);
    table.add(
        "inserting alone",
        &[
            median(|floor| floor.inserter_us),
            median(|floor| floor.mongod_us),
            inserted,
            1.0,
        ],
    );
    let floors: Vec<Value> = floors.iter().map(Floor::to_json).collect();
    figures.insert("floor".to_owned(), floors.into());

    let line = |name: &str, cost: fn(&Size) -> &Samples| {
        let points = sizes.iter().zip(TARGETS);
        let points = points.map(|(size, (batch, _, _))| (batch as f64, cost(size).median()));
        (name.to_owned(), points.collect())
    };
    let cost = Chart {
        name: "cost-by-batch".to_owned(),
        title: "CPU per stored event".to_owned(),
        x: Axis::Logarithmic("events in a request"),
        y: "microseconds",
        lines: vec![
            line("service", |size| &size.service_us),
            line("mongod", |size| &size.mongod_us),
        ],
    };
    let lines = sizes
        .iter()
        .zip(TARGETS)
        .map(|(size, (batch, _, _))| (format!("batches of {batch}"), throughput(&size.slices)));
    let over_time = Chart {
        name: "throughput".to_owned(),
        title: "Accepted events at saturation, last round".to_owned(),
        x: Axis::Linear("seconds"),
        y: "events a second",
        lines: lines.collect(),
    };
    Findings {
        rows,
        figures: figures.into(),
        charts: vec![cost, over_time],
        tables: vec![table],
        notes: Vec::new(),
    }
}

/// The last slice is left out: it ended early.
#[allow(clippy::cast_precision_loss)]
fn throughput(slices: &[u64]) -> Vec<(f64, f64)> {
    let seconds = SLICE.as_secs_f64();
    let whole = &slices[..slices.len().saturating_sub(1)];
    let points = whole.iter().enumerate();
    points
        .map(|(slice, &events)| (slice as f64 * seconds, events as f64 / seconds))
        .collect()
}
