//! Events at half of saturation, without and with summaries asked for
//! meanwhile, in turns. Events have accounts, so each enters the index that
//! summaries read. All accounts get as many, or the whale would be another one
//! from round to round.

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::{People, USERS};
use crate::bench::{Bench, Shape, Site};
use crate::chart::Chart;
use crate::dashboard::{Asked, Dashboard};
use crate::findings::{Row, Table};
use crate::instance::Home;
use crate::numbers::{Samples, milliseconds, percentiles};
use crate::sections::latency::{chart, points};
use crate::seeding::{ACCOUNTS, Seeding};
use crate::tally::latency_histogram;
use crate::window::Window;

/// In each round.
pub const STEPS: u64 = 5;
const BATCH: usize = 10;

/// All rounds with summaries, or without.
struct Side {
    p99: Samples,
    latency: Histogram<u64>,
    refused: u64,
    windows: Vec<Value>,
}

/// All rounds.
pub struct Ingestion {
    saturation: Samples,
    without: Side,
    with: Side,
    ratio: Samples,
    summaries: Vec<Asked>,
}

/// Measures, each round saturation, and then half of it without and with
/// summaries. Both begin with what was seeded: with all that is added the
/// collection would outgrow the cache of the server in the third round.
pub async fn measure(bench: &Bench, site: &Site, seeding: &Seeding) -> Result<Ingestion, Trouble> {
    let mut found = Ingestion {
        saturation: Samples::default(),
        without: Side::new()?,
        with: Side::new()?,
        ratio: Samples::default(),
        summaries: Vec::new(),
    };
    for round in 1..=bench.arguments.rounds() {
        let step = |what: &str| {
            let step = format!("summaries, {what}, round {round}");
            bench.progress.step(step);
        };
        step("saturation");
        let full = of_accounts(Shape::saturating(BATCH));
        let full = bench.measure_on_top(site, &[], full).await?;
        found.saturation.push(full.stored_per_second());
        let half = of_accounts(Shape::offering(full.stored_per_second() / 2.0, BATCH));

        step("seeding for half of it without");
        seeding.fill(&bench.starter.binary, &site.database).await?;
        step("half of it without");
        let window = bench.measure_on_top(site, &[], half).await?;
        let without = found.without.add(&window)?;

        step("seeding for half of it with");
        seeding.fill(&bench.starter.binary, &site.database).await?;
        step("half of it with");
        let beside = async || beside_a_dashboard(bench, site, half, round).await;
        let (window, asked) = bench.undisturbed(beside, |(window, _)| window).await?;
        let with = found.with.add(&window)?;
        found.summaries.push(asked);
        found.ratio.push(with / without);
    }
    Ok(found)
}

fn of_accounts(shape: Shape) -> Shape {
    let people = People { users: USERS, accounts: 1 + ACCOUNTS };
    Shape { people, ..shape }
}

async fn beside_a_dashboard(
    bench: &Bench,
    site: &Site,
    shape: Shape,
    round: u32,
) -> Result<(Window, Asked), Trouble> {
    // Before anybody asks: what is asked shall meet the load.
    site.database.settle().await?;
    let home = Home::Mongodb(&site.database);
    let instance = bench.starter.start(home, &[]).await?;
    let seed = bench.arguments.seed + u64::from(round);
    let dashboard = Dashboard::start(instance.address(), &site.token, seed).await?;
    let window = bench.load(site, &[&instance], shape).await?;
    let asked = dashboard.stop().await?;
    instance.stop().await?;
    Ok((window, asked))
}

impl Side {
    fn new() -> Result<Self, Trouble> {
        Ok(Self {
            p99: Samples::default(),
            latency: latency_histogram()?,
            refused: 0,
            windows: Vec::new(),
        })
    }

    /// One more round; gives its p99.
    fn add(&mut self, window: &Window) -> Result<f64, Trouble> {
        let tally = &window.tally;
        let p99 = milliseconds(&tally.latency, 0.99);
        self.p99.push(p99);
        self.latency.add(&tally.latency).during("adding latencies")?;
        self.refused += tally.refused;
        self.windows.push(window.to_json());
        Ok(p99)
    }

    fn to_json(&self) -> Value {
        json!({
            "p99Ms": self.p99.to_json(),
            "latencyMs": percentiles(&self.latency),
            "refusedRequests": self.refused,
            "windows": self.windows,
        })
    }

    #[allow(clippy::cast_precision_loss)] // a few
    fn add_to(&self, table: &mut Table, name: &str) {
        let p50 = milliseconds(&self.latency, 0.5);
        table.add(name, &[p50, self.p99.median(), self.refused as f64]);
    }
}

impl Ingestion {
    /// What is promised.
    #[allow(clippy::cast_precision_loss)] // a few
    pub fn rows(&self) -> Vec<Row> {
        vec![
            Row::at_most(
                "p99 of the 202 with summaries, of that without",
                self.ratio.median(),
                2.0,
                "times",
            ),
            Row::at_most(
                "503s at half of saturation, with summaries",
                self.with.refused as f64,
                0.0,
                "",
            ),
        ]
    }

    /// Both sides, and the summaries.
    #[allow(clippy::cast_precision_loss)] // a few
    pub fn table(&self) -> Table {
        let mut table = Table::new(
            "Half of saturation, without and with summaries",
            &["", "p50, ms", "p99, ms", "503s"],
        );
        self.without.add_to(&mut table, "the 202 without");
        self.with.add_to(&mut table, "the 202 with");
        let of_rounds = |quantile| {
            let rounds = self.summaries.iter();
            let each = rounds.map(|asked| milliseconds(&asked.latency, quantile));
            each.collect::<Samples>().median()
        };
        let refused: u64 = self.summaries.iter().map(|asked| asked.refused).sum();
        table.add("the summaries", &[of_rounds(0.5), of_rounds(0.99), refused as f64]);
        table
    }

    /// Latencies of both sides.
    pub fn chart(&self) -> Chart {
        chart(
            "latency-summaries",
            vec![
                ("with summaries".to_owned(), points(&self.with.latency)),
                ("without".to_owned(), points(&self.without.latency)),
            ],
        )
    }

    /// As it goes into the results.
    pub fn to_json(&self) -> Value {
        let summaries: Vec<Value> = self.summaries.iter().map(Asked::to_json).collect();
        json!({
            "saturation": self.saturation.to_json(),
            "ratio": self.ratio.to_json(),
            "without": self.without.to_json(),
            "with": self.with.to_json(),
            "summaries": summaries,
        })
    }
}
