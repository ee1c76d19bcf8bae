//! The problems of settings that are read again.

use trailkeep_event::Fault;

use super::{Problem, kinds};
use crate::http::reload::reloader::NotReloaded;

impl Problem {
    /// 409: something is wrong with the settings.
    fn wrong_settings(mistakes: Vec<Fault>) -> Self {
        let count = mistakes.len();
        let noun = if count == 1 { "mistake" } else { "mistakes" };
        let detail = format!("{count} {noun} in the settings; nothing was changed.");
        Self::new(kinds::WRONG_SETTINGS, detail).with_errors(mistakes)
    }
}

impl From<NotReloaded> for Problem {
    fn from(why: NotReloaded) -> Self {
        match why {
            NotReloaded::Wrong(faults) => Self::wrong_settings(faults),
            NotReloaded::Failed => Self::internal(),
        }
    }
}
