//! Trailkeep beside what people would use instead: the same bodies from the same senders
//! into the same `mongod`, one after the other, and what a crash costs each of them.
//!
//! `load-tests/versus/run` installs what is missing, builds, and asks for this. The others'
//! programs are in `load-tests/versus/peers`.

mod broker;
mod kept;
mod lost;
pub mod peer;
mod process;
mod rate;
mod reading;
mod round;
mod running;
mod site;
mod tables;
mod window;
mod wrk;

use std::path::{Path, PathBuf};

use serde_json::json;
use trailkeep_testkit::tools::on_path;
use trailkeep_testkit::trouble::{Trouble, While as _};

use self::peer::Peer;
use self::round::Placed;
use self::running::Sources;
use self::site::Placement;
use crate::arguments::Arguments;
use crate::bench::Bench;
use crate::build;
use crate::cores::Cores;
use crate::findings::Findings;
use crate::machine;
use crate::stopped::stopped;

/// One after the other.
const PLACEMENTS: [Placement; 2] = [Placement::Shared, Placement::Apart];

/// How many there are. Who is left out takes none.
pub fn steps(arguments: &Arguments) -> u64 {
    let (there, _) = there(&arguments.peers());
    let steps = PLACEMENTS.map(|placement| round::steps(arguments.rounds(), &there, placement));
    steps.iter().sum()
}

/// Measures everybody who is there, in both placements.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    if bench.arguments.cores.is_some() {
        return Err(Trouble("--apart is one of its placements; it is measured without".to_owned()));
    }
    if on_path("wrk").is_none() {
        return Err(Trouble("there is no wrk, which load-tests/versus/run installs".to_owned()));
    }
    let (there, left_out) = there(&bench.arguments.peers());
    for (peer, missing) in &left_out {
        bench.progress.say(&format!("LEFT OUT: {}; there is no {missing}", peer.name()));
    }
    let sources = Sources { service: bench.starter.binary.clone(), peers: peers() };
    let mut placed = vec![round::run(bench, &sources, &there, Placement::Shared, None).await?];
    placed.push(tokio::task::block_in_place(|| apart(bench, &sources, &there))?);
    let figures = placed.iter().map(Placed::to_json).collect();
    let mut findings = Findings {
        rows: tables::rows(&placed),
        figures: json!({ "placements": serde_json::Value::Array(figures) }),
        tables: placed.iter().flat_map(tables::of).collect(),
        ..Findings::default()
    };
    for (peer, missing) in left_out {
        findings.notes.push(format!("**Left out: {}; there is no {missing}.**", peer.name()));
    }
    if bench.arguments.write {
        let made = made_on(bench)?;
        tables::put_into(&root().join("load-tests/RESULTS.md"), &made, &findings)?;
    }
    Ok(findings)
}

/// On what, and with what, as it stands above the tables.
fn made_on(bench: &Bench) -> Result<String, Trouble> {
    let profile = build::profile()?;
    let machine = machine::describe(Some(&bench.starter.binary), &profile, None);
    let said = |name: &str| machine[name].as_str().unwrap_or("unknown").to_owned();
    Ok(format!(
        "{}, {}, {} cores, {}, commit {}, {profile} build; {} rounds of {} s.",
        said("date"),
        said("cpu"),
        machine["cores"],
        said("service"),
        said("commit"),
        bench.arguments.rounds(),
        bench.arguments.window().as_secs_f64(),
    ))
}

/// On a thread of its own, which has the cores of its placement, as has all that it starts.
fn apart(bench: &Bench, sources: &Sources, there: &[Peer]) -> Result<Placed, Trouble> {
    let measured = || {
        let cores = Cores::divide()?;
        let runtime = tokio::runtime::Runtime::new().during("starting a runtime")?;
        let run = round::run(bench, sources, there, Placement::Apart, Some(&cores));
        runtime.block_on(async {
            tokio::select! {
                ended = run => ended,
                () = stopped() => Err(Trouble("stopped".to_owned())),
            }
        })
    };
    let ended = std::thread::scope(|scope| scope.spawn(measured).join());
    ended.unwrap_or_else(|_| Err(Trouble("a measurement panicked".to_owned())))
}

/// Who can be measured here, and who cannot, for what.
fn there(wanted: &[Peer]) -> (Vec<Peer>, Vec<(Peer, &'static str)>) {
    let (mut there, mut left_out) = (Vec::new(), Vec::new());
    let has_packages = peers().join("node_modules").is_dir();
    for &peer in wanted {
        let packages = (!has_packages && !peer.scripts().is_empty()).then_some("node_modules");
        match peer.missing().or(packages) {
            None => there.push(peer),
            Some(missing) => left_out.push((peer, missing)),
        }
    }
    (there, left_out)
}

fn peers() -> PathBuf {
    root().join("load-tests/versus/peers")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
