//! The benchmark: what an event costs, what a journey does, and how that
//! compares with what is promised.
//!
//! It starts a `mongod` and services of its own, loads them, and takes the CPU
//! time and the memory of each process. Times move from machine to machine; CPU
//! for an event and ratios within one run are what to look at. `--help` lists
//! the options, load-tests/README.md says more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arguments;
mod asking;
mod batch;
mod bench;
mod build;
mod calendar;
mod chart;
mod connection;
mod cores;
mod dashboard;
mod database;
mod documents;
mod example;
mod filling;
mod findings;
mod floor;
mod instance;
mod load;
mod machine;
mod numbered;
mod numbers;
mod processes;
mod profile;
mod progress;
mod reading;
mod refusing;
mod report;
mod section;
mod sections;
mod seeding;
mod steady;
mod stopped;
mod tally;
mod window;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser as _;
use futures_util::FutureExt as _;
use serde_json::json;

use arguments::Arguments;
use bench::Bench;
use cores::Cores;
use findings::Findings;
use instance::Starter;
use progress::Progress;
use report::Report;
use section::Section;
use stopped::stopped;
use trailkeep_testkit::trouble::{Trouble, While as _};

fn main() -> ExitCode {
    match begin() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("{trouble}");
            ExitCode::from(2)
        }
    }
}

/// Divides the cores, if that is asked for, before there is any other thread.
fn begin() -> Result<bool, Trouble> {
    let mut arguments = Arguments::parse();
    if arguments.apart {
        arguments.cores = Some(Cores::divide()?);
    }
    let runtime = tokio::runtime::Runtime::new().during("starting a runtime")?;
    runtime.block_on(run_until_stopped(arguments))
}

/// Whoever stops a run ends what it has started: all of it ends when it is
/// dropped.
async fn run_until_stopped(arguments: Arguments) -> Result<bool, Trouble> {
    tokio::select! {
        ended = run(arguments) => ended,
        () = stopped() => Err(Trouble("stopped; what was measured is in the results".to_owned())),
    }
}

/// Runs the sections; true if every target was met.
async fn run(arguments: Arguments) -> Result<bool, Trouble> {
    let profile = build::profile()?;
    let asked_for = arguments.sections();
    let binary = match asked_for.iter().any(|section| section.needs_service()) {
        true => Some(build::service(&arguments)?),
        false => {
            build::warn_of_profile(&profile);
            None
        }
    };
    let mut machine = machine::describe(binary.as_deref(), &profile, arguments.cores.as_ref());
    let folder = build::results_folder(&arguments)?;
    let steps = asked_for.iter().map(|section| sections::steps(*section, &arguments)).sum();
    let bench = Bench {
        starter: Starter {
            // Nothing starts a service when no section needs one.
            binary: binary.unwrap_or_default(),
            settings: arguments.settings.clone(),
            http: reqwest::Client::builder().no_proxy().build().during("an HTTP client")?,
            folder: tempfile::Builder::new()
                .prefix("trailkeep-bench-")
                .tempdir()
                .during("a temporary folder")?,
        },
        progress: Progress::over(steps),
        arguments,
    };
    machine["mongod"] = json!(mongod_version(&bench).await?);
    machine["seed"] = json!(bench.arguments.seed);
    machine["rounds"] = json!(bench.arguments.rounds());
    machine["windowSeconds"] = json!(bench.arguments.window().as_secs_f64());
    let mut report = Report::new(folder, machine)?;
    for section in asked_for {
        let found = guarded(section, &bench).await;
        if let Err(trouble) = &found {
            bench.progress.say(&format!("{} failed: {trouble}", section.name()));
        }
        report.add(section.name(), found)?;
    }
    bench.progress.finish();
    println!("{report}");
    println!("results, drawings and Markdown: {}", report.folder().display());
    Ok(report.is_clean())
}

/// A section that fails, in whatever way, must not take the others with it.
async fn guarded(section: Section, bench: &Bench) -> Result<Findings, Trouble> {
    AssertUnwindSafe(sections::run(section, bench)).catch_unwind().await.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Trouble(text.unwrap_or("it panicked").to_owned()))
    })
}

async fn mongod_version(bench: &Bench) -> Result<String, Trouble> {
    let database = database::Database::start(&bench.arguments).await?;
    database.version().await
}
