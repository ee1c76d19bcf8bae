//! The problems of processors.

use super::{Problem, kinds};
use crate::processing::AskError;

impl Problem {
    /// 404: nobody knows a processor of that name.
    pub fn unknown_processor() -> Self {
        let detail = "There is no processor of this name; GET /processors lists all.";
        Self::new(kinds::UNKNOWN_PROCESSOR, detail)
    }

    /// 409: what was asked for does not go with what is.
    pub fn conflict(what: &str) -> Self {
        Self::new(kinds::CONFLICT, what.to_owned())
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            AskError::TooMany => Self::new(kinds::TOO_MANY_COMMANDS, error.to_string()),
            AskError::Store(error) => error.into(),
        }
    }
}
