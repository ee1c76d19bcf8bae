//! What is measured, a file each.

mod cost;
mod journal;
mod journeys;
mod latency;
mod memory;
mod overload;
mod pages;
mod pair;
mod scale;
mod start;
mod summaries;

use clap::ValueEnum;
use trailkeep_testkit::trouble::Trouble;

use crate::arguments::Arguments;
use crate::bench::Bench;
use crate::findings::Findings;

/// A part of a run that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// CPU for each stored event in batches of 1, 10 and 100, and how near that
    /// comes to inserting alone.
    Cost,
    /// The journal's syncs against none.
    Journal,
    /// Latency at half of saturation.
    Latency,
    /// Five times saturation.
    Overload,
    /// Memory, idle and at saturation, on both stores.
    Memory,
    /// Start to ready.
    Start,
    /// The newest events of a user, against the bare driver.
    Journeys,
    /// A deep page of a long journey against a short one.
    Pages,
    /// Summaries of accounts, by themselves and while events come.
    Summaries,
    /// Cost against rate, batch, users and the size of the collection.
    Scale,
    /// Two services on one MongoDB.
    Pair,
}

impl Section {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 11] = [
        Self::Cost,
        Self::Journal,
        Self::Latency,
        Self::Overload,
        Self::Memory,
        Self::Start,
        Self::Journeys,
        Self::Pages,
        Self::Summaries,
        Self::Scale,
        Self::Pair,
    ];

    /// What it is asked for by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Journal => "journal",
            Self::Latency => "latency",
            Self::Overload => "overload",
            Self::Memory => "memory",
            Self::Start => "start",
            Self::Journeys => "journeys",
            Self::Pages => "pages",
            Self::Summaries => "summaries",
            Self::Scale => "scale",
            Self::Pair => "pair",
        }
    }

    /// How many steps it takes.
    pub fn steps(self, arguments: &Arguments) -> u64 {
        let rounds = u64::from(arguments.rounds());
        match self {
            Self::Cost => cost::FILLING + cost::STEPS * rounds,
            Self::Journal => journal::STEPS * rounds,
            Self::Latency => latency::STEPS * rounds,
            Self::Overload => overload::STEPS * rounds,
            Self::Memory => memory::STEPS,
            Self::Start => start::STEPS,
            Self::Journeys => journeys::STEPS + 2 * rounds,
            Self::Pages => pages::STEPS + rounds,
            Self::Summaries => summaries::STEPS + summaries::ROUND_STEPS * rounds,
            Self::Scale => scale::steps(arguments.quick),
            Self::Pair => pair::STEPS * rounds,
        }
    }

    /// Measures.
    pub async fn run(self, bench: &Bench) -> Result<Findings, Trouble> {
        match self {
            Self::Cost => cost::run(bench).await,
            Self::Journal => journal::run(bench).await,
            Self::Latency => latency::run(bench).await,
            Self::Overload => overload::run(bench).await,
            Self::Memory => memory::run(bench).await,
            Self::Start => start::run(bench).await,
            Self::Journeys => journeys::run(bench).await,
            Self::Pages => pages::run(bench).await,
            Self::Summaries => summaries::run(bench).await,
            Self::Scale => scale::run(bench).await,
            Self::Pair => pair::run(bench).await,
        }
    }
}
