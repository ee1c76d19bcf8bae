//! What is measured, a file each.

mod cost;
mod journal;
mod latency;

use clap::ValueEnum;

use crate::arguments::Arguments;
use crate::bench::Bench;
use crate::findings::Findings;
use crate::trouble::Trouble;

/// A part of a run that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// CPU for each stored event in batches of 1, 10 and 100, and how near that
    /// comes to inserting alone.
    Cost,
    /// The journal on against off.
    Journal,
    /// Latency at half of saturation.
    Latency,
}

impl Section {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 3] = [Self::Cost, Self::Journal, Self::Latency];

    /// What it is asked for by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Journal => "journal",
            Self::Latency => "latency",
        }
    }

    /// How many steps it takes.
    pub fn steps(self, arguments: &Arguments) -> u64 {
        let rounds = u64::from(arguments.rounds());
        match self {
            Self::Cost => cost::STEPS * rounds,
            Self::Journal => journal::STEPS * rounds,
            Self::Latency => latency::STEPS * rounds,
        }
    }

    /// Measures.
    pub async fn run(self, bench: &Bench) -> Result<Findings, Trouble> {
        match self {
            Self::Cost => cost::run(bench).await,
            Self::Journal => journal::run(bench).await,
            Self::Latency => latency::run(bench).await,
        }
    }
}
