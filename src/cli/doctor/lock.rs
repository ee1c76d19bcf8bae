//! Whether a process has the data folder.

use std::io;
use std::path::Path;

use trailkeep_journal as journal;
use trailkeep_store::embedded::{self, Hold};

use super::finding::Finding;

const CHECK: &str = "lock";

/// Asks both locks: the journal's, which each service has, and that of the embedded
/// store, which says whose it is.
pub fn ask(data_dir: &Path, journal_dir: &Path) -> io::Result<Hold> {
    match embedded::hold(data_dir)? {
        Hold::Free if journal::is_held(journal_dir)? => Ok(Hold::Process(None)),
        hold => Ok(hold),
    }
}

/// Whether somebody has it; what cannot be told counts as nobody.
pub fn is_held(hold: &io::Result<Hold>) -> bool {
    matches!(hold, Ok(Hold::Process(_)))
}

/// Neither is a fault: the next lines can be read beside a service that runs.
pub fn judge(hold: &io::Result<Hold>) -> Finding {
    match hold {
        Ok(Hold::Free) => Finding::ok(CHECK, "no process has the data folder"),
        Ok(Hold::Process(number)) => {
            let number = number.map_or_else(|| "a process".to_owned(), |n| format!("process {n}"));
            Finding::ok(CHECK, format!("{number} has the data folder; what it does goes on"))
        }
        Err(error) => Finding::warn(
            CHECK,
            format!("whether a process has the data folder cannot be told: {error}"),
            "run this as the user that runs the service",
        ),
    }
}
