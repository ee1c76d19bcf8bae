//! What an event costs, and how much of what MongoDB can take reaches it.
//!
//! On a collection that has millions of events already: mongod takes half as
//! long over an event of the first million, and what is in front of it would
//! look the worse. All that is compared adds to the same collection, in turns.

use serde_json::{Map, Value, json};
use trailkeep_testkit::trouble::Trouble;

use crate::batch::USERS;
use crate::bench::{Bench, Shape, Site};
use crate::chart::{Axis, Chart};
use crate::filling::Filling;
use crate::findings::{Findings, Row, Table, digits};
use crate::floor::{self, Floor};
use crate::numbers::Samples;
use crate::tally::SLICE;
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
    sender_us: Samples,
    stored: Samples,
    of_floor: Samples,
    refused_percent: Samples,
    others_cores: Samples,
    windows: Vec<Value>,
    slices: Vec<u64>,
}

impl Size {
    fn add(&mut self, window: &Window, floor: &Floor) {
        self.service_us.push(window.service_us());
        self.mongod_us.push(window.mongod_us());
        self.sender_us.push(window.sender_us());
        self.stored.push(window.stored_per_second());
        self.of_floor.push(window.stored_per_second() / floor.inserted_per_second);
        self.refused_percent.push(window.refused_percent());
        self.others_cores.push(window.others_cores());
        self.windows.push(window.to_json());
        self.slices.clone_from(&window.tally.slices);
    }

    fn to_json(&self) -> Value {
        json!({
            "serviceCpuUs": self.service_us.to_json(),
            "mongodCpuUs": self.mongod_us.to_json(),
            "senderCpuUs": self.sender_us.to_json(),
            "storedPerSecond": self.stored.to_json(),
            "ofFloor": self.of_floor.to_json(),
            "windows": self.windows,
        })
    }
}

/// Measures, each round all sizes and the floor.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let filling =
        Filling { events: bench.arguments.events(), users: 0..USERS, seed: bench.arguments.seed };
    let events = filling.events;
    bench.progress.step(format!("cost, filling with {events} events"));
    filling.insert(&site.database, &site.document).await?;
    let mut floors = Vec::new();
    let mut sizes: [Size; 3] = Default::default();
    for round in 1..=bench.arguments.rounds() {
        bench.progress.step(format!("floor, round {round}"));
        let floor = floor_of(bench, &site, round).await?;
        for (size, (batch, _, _)) in sizes.iter_mut().zip(TARGETS) {
            bench.progress.step(format!("cost, batches of {batch}, round {round}"));
            let settings = [("JOURNAL_SYNC", "never")];
            let shape = Shape::saturating(batch).of_known();
            size.add(&bench.measure_on_top(&site, &settings, shape).await?, &floor);
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

fn findings(sizes: &[Size; 3], floors: &[Floor]) -> Findings {
    let mut figures = Map::new();
    for (size, (batch, _, _)) in sizes.iter().zip(TARGETS) {
        figures.insert(format!("batchesOf{batch}"), size.to_json());
    }
    let all: Vec<Value> = floors.iter().map(Floor::to_json).collect();
    figures.insert("floor".to_owned(), all.into());
    Findings {
        rows: rows(sizes),
        figures: figures.into(),
        charts: vec![cost_chart(sizes), throughput_chart(sizes)],
        tables: vec![table(sizes, floors)],
        notes: busy_machine(sizes).into_iter().collect(),
        ..Findings::default()
    }
}

/// Ratios are wrong where another program takes cores from one side of them.
fn busy_machine(sizes: &[Size; 3]) -> Option<String> {
    const QUIET: f64 = 0.2;
    let most = sizes.iter().map(|size| size.others_cores.highest());
    let most = most.fold(0.0, f64::max);
    (most > QUIET).then(|| {
        format!(
            "The machine was busy: while costs were measured, other programs took up to {} \
             cores. Ratios to the floor are not to be relied on.",
            digits(most)
        )
    })
}

fn rows(sizes: &[Size; 3]) -> Vec<Row> {
    let costs = sizes.iter().zip(TARGETS).map(|(size, (batch, most, _))| {
        let what = format!("service's CPU per event, batches of {batch}");
        Row::at_most(what, size.service_us.median(), most, "us")
    });
    let shares = sizes.iter().zip(TARGETS).map(|(size, (batch, _, least))| {
        let what = format!("stored/s against inserting alone, batches of {batch}");
        Row::at_least(what, size.of_floor.median(), least, "")
    });
    costs.chain(shares).collect()
}

fn table(sizes: &[Size; 3], floors: &[Floor]) -> Table {
    let columns = [
        "batch",
        "service, us",
        "mongod, us",
        "sender, us",
        "stored/s",
        "of the floor",
        "refused, %",
    ];
    let title = "CPU for a stored event at saturation, journal.sync never";
    let mut table = Table::new(title, &columns);
    for (size, (batch, _, _)) in sizes.iter().zip(TARGETS) {
        let all = [
            &size.service_us,
            &size.mongod_us,
            &size.sender_us,
            &size.stored,
            &size.of_floor,
            &size.refused_percent,
        ];
        table.add(batch.to_string(), &all.map(Samples::median));
    }
    let median =
        |figure: fn(&Floor) -> f64| floors.iter().map(figure).collect::<Samples>().median();
    let floor = [
        f64::NAN,
        median(|floor| floor.mongod_us),
        median(|floor| floor.inserter_us),
        median(|floor| floor.inserted_per_second),
        1.0,
        f64::NAN,
    ];
    table.add("inserting alone", &floor);
    table
}

fn cost_chart(sizes: &[Size; 3]) -> Chart {
    #[allow(clippy::cast_precision_loss)] // batches
    let line = |name: &str, cost: fn(&Size) -> &Samples| {
        let points = sizes.iter().zip(TARGETS);
        let points = points.map(|(size, (batch, _, _))| (batch as f64, cost(size).median()));
        (name.to_owned(), points.collect())
    };
    Chart {
        name: "cost-by-batch".to_owned(),
        title: "CPU for a stored event".to_owned(),
        x: Axis::Logarithmic("events in a request"),
        y: "microseconds",
        lines: vec![
            line("service", |size| &size.service_us),
            line("mongod", |size| &size.mongod_us),
        ],
    }
}

fn throughput_chart(sizes: &[Size; 3]) -> Chart {
    let lines = sizes
        .iter()
        .zip(TARGETS)
        .map(|(size, (batch, _, _))| (format!("batches of {batch}"), throughput(&size.slices)));
    Chart {
        name: "throughput".to_owned(),
        title: "Accepted events at saturation, last round".to_owned(),
        x: Axis::Linear("seconds"),
        y: "events a second",
        lines: lines.collect(),
    }
}

/// The last slice is left out: it ended early.
#[allow(clippy::cast_precision_loss)]
fn throughput(slices: &[u64]) -> Vec<(f64, f64)> {
    let seconds = SLICE.as_secs_f64();
    let whole = &slices[..slices.len().saturating_sub(1)];
    let points = whole.iter().enumerate();
    points.map(|(slice, &events)| (slice as f64 * seconds, events as f64 / seconds)).collect()
}
