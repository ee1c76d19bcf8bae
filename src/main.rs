//! Trailkeep: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    trailkeep::cli::run()
}
