//! The conservation harness: shows that what the service accepts is kept.
//!
//! Producers send numbered events to the real binary while something breaks;
//! an oracle notes what was answered. Then the system recovers, and what lies
//! in the store itself is compared with the notes: what was accepted is there
//! exactly once, intact and in its user's order, and nothing is there that was
//! refused or never sent. `--help` lists the options, load-tests/README.md
//! says more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../tests/mongod/mod.rs"]
mod mongod;
#[path = "../../tests/blackbox/watchdog.rs"]
mod watchdog;

mod arguments;
mod content;
mod fault;
mod inject;
mod load;
mod oracle;
mod proxy;
mod scene;
mod service;
mod stored;
mod table;
mod trouble;
mod verdict;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;

use arguments::Arguments;
use fault::{Fault, StoreKind};
use scene::Scene;
use table::{Row, Table};

/// Rounds that share a data folder and a database: enough that what one round
/// leaves behind meets the next, and few enough to check all of it each time.
const ROUNDS_IN_A_SCENE: u32 = 5;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        for fault in Fault::ALL {
            println!("{:16} {}", fault.name(), fault.summary());
        }
        return ExitCode::SUCCESS;
    }
    let binary = match service::find_binary(arguments.service.as_deref()) {
        Ok(binary) => binary,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let seeds = arguments.seeds();
    eprintln!("seeds: {seeds:?} (give them with --seed to run the same again)");

    let mut table = Table::default();
    for (fault, store) in arguments.combinations() {
        let row = match fault.unavailable() {
            Some(reason) => Row::skipped(fault, store, reason),
            None => rounds(&arguments, &binary, &seeds, fault, store).await,
        };
        table.add(row);
    }
    println!("{table}");
    if table.is_clean() {
        ExitCode::SUCCESS
    } else {
        if !arguments.journal.is_on() {
            eprintln!("without a journal, a loss is what is expected");
        }
        ExitCode::FAILURE
    }
}

/// All rounds of one fault on one store.
async fn rounds(
    arguments: &Arguments,
    binary: &std::path::Path,
    seeds: &[u64],
    fault: Fault,
    store: StoreKind,
) -> Row {
    let mut row = Row::new(fault, store);
    let mut scene = None;
    // The seeds take turns.
    let all = (0..arguments.rounds).flat_map(|round| seeds.iter().map(move |seed| (round, *seed)));
    for (round, seed) in all {
        let number = row.rounds;
        if number.is_multiple_of(ROUNDS_IN_A_SCENE) {
            row.take_over(scene.take());
        }
        let name = format!(
            "{} {} round {round} seed {seed}",
            fault.name(),
            store.name()
        );
        let started = Instant::now();
        let result = async {
            let scene = match &mut scene {
                Some(scene) => scene,
                none => none.insert(Scene::set(arguments, binary, fault, store).await?),
            };
            scene.round(round, seed).await
        };
        let result = result.await;
        row.rounds += 1;
        match result {
            Ok(verdict) if verdict.is_clean() => {
                eprintln!(
                    "{name}: {verdict} ({:.1} s)",
                    started.elapsed().as_secs_f32()
                );
            }
            Ok(verdict) => {
                eprintln!("{name}: FAILED: {verdict}");
                row.take_over(scene.take().map(Scene::keep));
            }
            Err(trouble) => {
                eprintln!("{name}: FAILED: {trouble}");
                row.troubles += 1;
                row.take_over(scene.take().map(Scene::keep));
            }
        }
    }
    row.take_over(scene);
    row
}
