//! Trailkeep: arguments in, exit code out.

use std::process::ExitCode;

/// Gives what a burst took back to the system, and takes less CPU for an event than
/// others that do: load-tests/RESULTS.md has figures.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    trailkeep::cli::run()
}
