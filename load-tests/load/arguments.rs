//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::scenario::Scenario;

/// Runs an Artillery scenario, and compares what was accepted with what is
/// stored.
#[derive(Debug, Parser)]
#[command(name = "load")]
pub struct Arguments {
    /// What to run.
    pub scenario: Scenario,

    /// Where the service that is started keeps its events.
    #[arg(long, value_enum, default_value_t = StoreKind::Mongodb, conflicts_with = "target")]
    pub store: StoreKind,

    /// Requests a minute, instead of the scenario's own.
    #[arg(long)]
    pub rate: Option<f64>,

    /// Seconds for which requests are begun, instead of the scenario's own.
    #[arg(long)]
    duration: Option<u64>,

    /// Milliseconds that 99 % of the answers may take, instead of the
    /// scenario's own limit.
    #[arg(long)]
    pub p99: Option<u64>,

    /// A service that runs already, such as http://localhost:3000, instead of
    /// one of the run's own. What is stored is then read through its journeys.
    #[arg(long, requires = "email")]
    pub target: Option<String>,

    /// Of a staff account on that service; its password is taken from the
    /// variable LOAD_PASSWORD.
    #[arg(long)]
    pub email: Option<String>,

    /// The service's binary, instead of the one beside this program.
    #[arg(long)]
    pub service: Option<PathBuf>,
}

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StoreKind {
    /// A file in the data folder.
    Embedded,
    /// A `mongod` of the run's own.
    Mongodb,
}

impl Arguments {
    /// Seconds for which requests are begun.
    pub fn duration(&self) -> u64 {
        self.duration.unwrap_or(self.scenario.duration())
    }
}
