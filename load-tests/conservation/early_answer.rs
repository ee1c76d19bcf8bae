//! The service with a fault of its own making: it answers 202 a moment before
//! the batch is in the journal.

use std::process::ExitCode;

fn main() -> ExitCode {
    trailkeep::cli::run()
}
