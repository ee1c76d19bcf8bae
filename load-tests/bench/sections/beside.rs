//! The 202 at half of saturation, alone and beside something else that the service does.

use serde_json::{Value, json};
use tokio::task::JoinSet;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::People;
use crate::bench::{Bench, Shape, Site};
use crate::instance::{Home, Instance};
use crate::numbers::{Samples, milliseconds};
use crate::processes::Memory;
use crate::window::Window;

/// Besides those in each round.
pub const STEPS: u64 = 1;
/// In each round.
pub const ROUND_STEPS: u64 = 2;
/// Events of one request.
const BATCH: usize = 10;
/// Few enough that all of them were seen before a window begins: an event of somebody new
/// costs the database several times another one, and half of the rate would not be half of
/// the work.
pub const USERS: u32 = 5_000;

/// Those whom the service has to do with meanwhile. None of them ends by itself.
pub type Company = JoinSet<Result<(), Trouble>>;

/// Samples of each round.
#[derive(Default)]
pub struct Beside {
    pub with: Case,
    pub without: Case,
    /// Of the p99 with company to that without.
    pub p99_ratio: Samples,
    /// What was sent in either case.
    pub half: Option<Shape>,
    windows: Vec<Value>,
}

/// With company, or without.
#[derive(Default)]
pub struct Case {
    pub p50_ms: Samples,
    pub p99_ms: Samples,
    pub service_us: Samples,
    /// Bytes.
    pub resident: Samples,
}

struct Measured {
    window: Window,
    memory: Memory,
}

impl Case {
    #[allow(clippy::cast_precision_loss)]
    fn push(&mut self, measured: &Measured) {
        let Measured { window, memory } = measured;
        self.p50_ms.push(milliseconds(&window.tally.latency, 0.5));
        self.p99_ms.push(milliseconds(&window.tally.latency, 0.99));
        self.service_us.push(window.service_us());
        self.resident.push(memory.resident as f64);
    }

    fn to_json(&self) -> Value {
        json!({
            "p50Ms": self.p50_ms.to_json(), "p99Ms": self.p99_ms.to_json(),
            "serviceCpuUs": self.service_us.to_json(), "residentBytes": self.resident.to_json(),
        })
    }
}

impl Beside {
    /// Measures in turns. `section` and `company` say in words what is under way; `prepare`
    /// has the empty database ready for either, once the service has made its indexes.
    pub async fn measure(
        bench: &Bench,
        section: &str,
        company: &str,
        prepare: impl AsyncFn(&Site) -> Result<(), Trouble>,
        join: impl AsyncFn(&Instance) -> Result<Company, Trouble>,
    ) -> Result<Self, Trouble> {
        let site = bench.site().await?;
        bench.progress.step(format!("{section}, saturation"));
        let people = People::of(USERS);
        let saturating = Shape { people, ..Shape::saturating(BATCH) };
        let full = bench.measure(&site, &[], saturating).await?;
        let half = Shape { people, ..Shape::offering(full.stored_per_second() / 2.0, BATCH) };
        let alone = async |_: &Instance| Ok(Company::new());
        let mut beside = Self { half: Some(half), ..Self::default() };
        for round in 1..=bench.arguments.rounds() {
            bench.progress.step(format!("{section}, half of that alone, round {round}"));
            let without = measured(bench, &site, half, &prepare, &alone).await?;
            bench.progress.step(format!("{section}, beside {company}, round {round}"));
            let with = measured(bench, &site, half, &prepare, &join).await?;
            let p99 = |measured: &Measured| milliseconds(&measured.window.tally.latency, 0.99);
            beside.p99_ratio.push(p99(&with) / p99(&without));
            beside.with.push(&with);
            beside.without.push(&without);
            let windows = (with.window.to_json(), without.window.to_json());
            beside.windows.push(json!({ "with": windows.0, "without": windows.1 }));
        }
        Ok(beside)
    }

    /// As it goes into the results.
    pub fn to_json(&self) -> Value {
        json!({
            "with": self.with.to_json(), "without": self.without.to_json(),
            "p99Ratio": self.p99_ratio.to_json(), "windows": self.windows,
        })
    }
}

/// Nothing but an empty database is needed.
pub async fn nothing(_: &Site) -> Result<(), Trouble> {
    Ok(())
}

/// On a new service, undisturbed.
async fn measured(
    bench: &Bench,
    site: &Site,
    shape: Shape,
    prepare: &impl AsyncFn(&Site) -> Result<(), Trouble>,
    join: &impl AsyncFn(&Instance) -> Result<Company, Trouble>,
) -> Result<Measured, Trouble> {
    let once = async || {
        site.database.drop_events().await?;
        let instance = bench.starter.start(Home::Mongodb(&site.database), &[]).await?;
        prepare(site).await?;
        let mut company = join(&instance).await?;
        let window = bench.load(site, &[&instance], shape).await?;
        let memory = Memory::of(instance.pid())?;
        // Whoever has ended by now has failed.
        if let Some(ended) = company.try_join_next() {
            ended.during("keeping company")??;
        }
        company.shutdown().await;
        instance.stop().await?;
        Ok(Measured { window, memory })
    };
    bench.undisturbed(once, |measured| &measured.window).await
}
