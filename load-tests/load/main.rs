//! Load tests: runs an Artillery scenario against a service, and then compares
//! what was accepted with what is stored.
//!
//! Without `--target` it starts a service with a store of its own, so that it
//! can read the store past the service. Ends with 1 when a threshold of the
//! scenario does not hold or an event is not where it should be, with 2 when
//! the run could not be carried out. `--help` lists the options,
//! load-tests/README.md says more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arguments;
mod artillery;
mod check;
mod hold;
mod http;
mod outcome;
mod record;
mod scenario;
mod stored;
mod target;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use artillery::Artillery;
use check::Check;
use hold::Hold;
use outcome::Outcome;
use record::Record;
use target::Target;
use trailkeep_testkit::trouble::{Trouble, While as _};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(outcome) => {
            println!("{outcome}");
            ExitCode::from(u8::from(!outcome.is_clean()))
        }
        Err(trouble) => {
            eprintln!("the run could not be carried out: {trouble}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: &Arguments) -> Result<Outcome, Trouble> {
    let home = tempfile::Builder::new()
        .prefix("trailkeep-load-")
        .tempdir()
        .during("a temporary folder")?;
    let artillery = Artillery::prepared(home.path())?;
    let target = Target::from(arguments, home.path()).await?;

    let record_file = artillery.record_file();
    let hold = arguments
        .scenario
        .hold()
        .map(|plan| Hold::start(plan, arguments.duration(), &target, record_file));
    let report = artillery.run(arguments, &target).await?;
    let released = match hold {
        Some(hold) => Some(hold.released().await?),
        None => None,
    };

    let record = Record::read(record_file)?;
    let store = target.store_name();
    let stored = target.into_stored(&record).await?;
    Ok(Outcome {
        scenario: arguments.scenario,
        store,
        refusal: released.map(|released| record.refusals(released)),
        check: Check::on(&record, &stored),
        report,
    })
}
