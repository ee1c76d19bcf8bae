//! Why something about a user was not done.

use std::io;
use std::path::PathBuf;

use crate::cli::control::ControlError;
use crate::cli::place::PlaceError;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(
        "no service has this data folder. Start it: what it has accepted and not stored yet is \
         a part of what is known, and it alone has that"
    )]
    NoService,
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("cannot write to the standard output: {0}")]
    Output(io::Error),
    #[error("cannot read from the terminal: {0}")]
    Terminal(io::Error),
    #[error("nobody is erased: name the id once more, with --confirm {0:?}")]
    NotConfirmed(String),
}
