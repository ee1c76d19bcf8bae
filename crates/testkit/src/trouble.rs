//! Why a round could not be carried out.

use std::fmt::Display;

/// What went wrong, with what was being done.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub String);

/// Says what was being done when an error came.
pub trait While<T> {
    /// `doing` is put in front of the error.
    fn during(self, doing: &str) -> Result<T, Trouble>;
}

impl<T, E: Display> While<T> for Result<T, E> {
    fn during(self, doing: &str) -> Result<T, Trouble> {
        self.map_err(|error| Trouble(format!("{doing}: {error}")))
    }
}
