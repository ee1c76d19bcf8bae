//! Where frames can be read back while the journal is written.
//!
//! A *run* is a stretch of a segment in which one whole frame follows the
//! other. A segment in use has one run, which grows when its bytes are synced
//! and before anybody is answered for them; what was given up is in none. A
//! segment of an earlier process has one more for each damaged place in it.

use std::collections::VecDeque;

use parking_lot::Mutex;

use super::frame::Segment;
use super::segment::HEAD_BYTES;

/// Where a frame begins. Places grow in the order of appending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Number of the segment.
    pub segment: u64,
    /// Offset in it.
    pub offset: u64,
}

/// A stretch of whole frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub segment: Segment,
    pub from: u64,
    pub to: u64,
}

impl Run {
    fn end(&self) -> Place {
        Place {
            segment: self.segment.number,
            offset: self.to,
        }
    }
}

/// All runs of segments that are not forgotten, in order. Shared by the thread
/// that writes and whoever reads back.
#[derive(Debug, Default)]
pub(super) struct Runs(Mutex<VecDeque<Run>>);

impl Runs {
    pub fn new(found: impl IntoIterator<Item = Run>) -> Self {
        Self(Mutex::new(found.into_iter().collect()))
    }

    /// A segment is about to be written to.
    pub fn opened(&self, segment: Segment) {
        self.0.lock().push_back(Run {
            segment,
            from: HEAD_BYTES,
            to: HEAD_BYTES,
        });
    }

    /// The newest segment holds synced frames up to there.
    pub fn grown(&self, to: u64) {
        if let Some(run) = self.0.lock().back_mut() {
            run.to = to;
        }
    }

    /// A segment is about to be removed or used again.
    pub fn forgotten(&self, number: u64) {
        self.0.lock().retain(|run| run.segment.number != number);
    }

    /// Whether a segment is still there.
    pub fn holds(&self, segment: Segment) -> bool {
        self.0.lock().iter().any(|run| run.segment == segment)
    }

    /// What of the first run is left that ends behind a place.
    pub fn behind(&self, place: Place) -> Option<Run> {
        let runs = self.0.lock();
        let behind = runs.partition_point(|run| run.end() <= place);
        // The newest segment may be empty, or have been given up empty.
        let run = *runs.range(behind..).find(|run| run.from < run.to)?;
        let from = if run.segment.number == place.segment {
            run.from.max(place.offset)
        } else {
            run.from
        };
        Some(Run { from, ..run })
    }
}
