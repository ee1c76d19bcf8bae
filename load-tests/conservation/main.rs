//! The conservation harness: shows that what the service accepts is kept.
//!
//! Producers send numbered events to the real binary while something breaks;
//! an oracle notes what was answered. Then the system recovers, and what lies
//! in the store itself is compared with the notes: what was accepted is there
//! exactly once, intact and in its user's order, and nothing is there that was
//! refused or never sent. `--help` lists the options, load-tests/README.md
//! says more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arguments;
mod calendar;
mod content;
mod fault;
mod inject;
mod links;
mod load;
mod misread;
mod network;
mod old_events;
mod oracle;
mod processors;
mod prove;
mod proxy;
mod reader;
mod rounds;
mod scene;
mod settings;
mod store;
mod stored;
mod table;
mod times;
mod verdict;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use fault::Fault;
use rounds::Rounds;
use table::{Row, Table};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        for fault in Fault::ALL {
            println!("{:16} {}", fault.name(), fault.summary());
        }
        return ExitCode::SUCCESS;
    }
    let binary = if arguments.prove {
        prove::build_service()
    } else {
        trailkeep_testkit::launch::find_binary(arguments.service.as_deref())
    };
    let binary = match binary {
        Ok(binary) => binary,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let seeds = arguments.seeds();
    eprintln!("seeds: {seeds:?} (give them with --seed to run the same again)");

    let rounds = Rounds { arguments: &arguments, binary: &binary, seeds: &seeds };
    let mut table = Table::default();
    for (fault, store) in arguments.combinations(&seeds) {
        let row = match fault.unavailable() {
            Some(reason) => Row::skipped(fault, store, reason),
            None => rounds.of(fault, store).await,
        };
        table.add(row);
    }
    println!("{table}");
    let is_as_expected = if arguments.prove { table.is_proven() } else { table.is_clean() };
    if is_as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
