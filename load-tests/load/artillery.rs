//! Artillery as a child process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::arguments::Arguments;
use crate::target::Target;

/// Its scenarios and the package that it is installed from.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/load-tests/artillery");

/// An installed Artillery, and the folder for what it writes.
pub struct Artillery {
    record: PathBuf,
    report: PathBuf,
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// Whether all thresholds of the scenario hold.
    pub holds: bool,
    counters: BTreeMap<String, u64>,
    response_time: Option<Times>,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Times {
    pub median: f64,
    pub p95: f64,
    pub p99: f64,
}

#[derive(Deserialize)]
struct ReportFile {
    aggregate: Aggregate,
}

#[derive(Deserialize)]
struct Aggregate {
    counters: BTreeMap<String, u64>,
    summaries: BTreeMap<String, Times>,
}

impl Artillery {
    /// Installs it where it is not yet, from the lock file.
    pub fn prepared(folder: &Path) -> Result<Self, Trouble> {
        if !program().is_file() {
            eprintln!("installing Artillery into {FOLDER}");
            let status = Command::new("npm")
                .arg("ci")
                .current_dir(FOLDER)
                .stdout(Stdio::null())
                .status()
                .during("npm, which comes with Node.js 20 or newer")?;
            if !status.success() {
                return Err(Trouble(format!("npm ci ended with {status}")));
            }
        }
        Ok(Self { record: folder.join("record.ndjson"), report: folder.join("report.json") })
    }

    /// Where the scenario writes down what it sent.
    pub fn record_file(&self) -> &Path {
        &self.record
    }

    /// Runs the scenario to its end.
    pub async fn run(&self, arguments: &Arguments, target: &Target) -> Result<Report, Trouble> {
        let mut command = self.command(arguments, target);
        let status = tokio::task::spawn_blocking(move || command.status())
            .await
            .during("Artillery")?
            .during("Artillery")?;
        let text = std::fs::read_to_string(&self.report)
            .during("Artillery, which has written no report")?;
        let report: ReportFile = serde_json::from_str(&text).during("Artillery's report")?;
        let Aggregate { counters, summaries } = report.aggregate;
        Ok(Report {
            holds: status.success(),
            response_time: summaries.get("http.response_time").copied(),
            counters,
        })
    }

    fn command(&self, arguments: &Arguments, target: &Target) -> Command {
        let mut command = Command::new("node");
        command
            .arg(program())
            .args(["run", "--quiet", "--output"])
            .arg(&self.report)
            .arg(format!("{}.js", arguments.scenario))
            .current_dir(FOLDER)
            .stdin(Stdio::null())
            .env("ARTILLERY_DISABLE_TELEMETRY", "true")
            // Of several, each would hold back its own part of a burst.
            .env("WORKERS", "1")
            .env("LOAD_TARGET", &target.url)
            .env("LOAD_EMAIL", &target.account.email)
            .env("LOAD_PASSWORD", &target.account.password)
            .env("LOAD_RECORD", &self.record)
            .env("LOAD_RUN", format!("r{:08x}", rand::random::<u32>()))
            .env("LOAD_DURATION", arguments.duration().to_string());
        if let Some(rate) = arguments.rate {
            command.env("LOAD_RATE", rate.to_string());
        }
        if let Some(p99) = arguments.p99 {
            command.env("LOAD_P99", p99.to_string());
        }
        command
    }
}

fn program() -> PathBuf {
    Path::new(FOLDER).join("node_modules/artillery/bin/run")
}

impl Report {
    /// Requests that were sent.
    pub fn requests(&self) -> u64 {
        self.counter("http.requests")
    }

    /// Answers with this status.
    pub fn answered(&self, status: u16) -> u64 {
        self.counter(&format!("http.codes.{status}"))
    }

    /// Answers of any status.
    pub fn answers(&self) -> u64 {
        self.counter("http.responses")
    }

    /// How long answers took; `None` where none came.
    pub fn response_time(&self) -> Option<Times> {
        self.response_time
    }

    fn counter(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or_default()
    }
}
