//! The problems of streams.

use super::{Problem, kinds};
use crate::live::NoPlace;

impl From<NoPlace> for Problem {
    fn from(no_place: NoPlace) -> Self {
        match no_place {
            NoPlace::Taken { max_streams } => {
                let detail = format!(
                    "All {max_streams} streams of this instance are open (live.max_streams); try \
                     again when one has ended."
                );
                Self::new(kinds::TOO_MANY_STREAMS, detail)
            }
            NoPlace::SwitchedOff => {
                let detail = "Streams are switched off here (live.max_streams is 0).";
                Self::new(kinds::TOO_MANY_STREAMS, detail)
            }
        }
    }
}
