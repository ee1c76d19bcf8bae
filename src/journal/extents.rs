//! Where frames can be read back while the journal is written.
//!
//! An *extent* is the part of a segment that has frames. That of the segment
//! that is written grows when its bytes are synced and before anybody is
//! answered for them.

use std::collections::VecDeque;

use parking_lot::Mutex;

use super::frame::Segment;
use super::head::HEAD_BYTES;
use super::place::Place;

/// The frames of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The segment.
    pub segment: Segment,
    /// Where the first frame begins.
    pub from: u64,
    /// Where the last one ends, or later.
    pub to: u64,
    /// Whether the last one ends there. It is not known of a segment that an
    /// earlier process filled: behind its frames come zeros.
    pub is_exact: bool,
}

impl Extent {
    /// Where it begins.
    pub fn start(&self) -> Place {
        self.at(self.from)
    }

    /// Where it ends.
    pub fn end(&self) -> Place {
        self.at(self.to)
    }

    fn at(&self, offset: u64) -> Place {
        Place {
            segment: self.segment.number,
            offset,
        }
    }
}

/// Those of all segments that are not forgotten, in order. Shared by the thread
/// that writes and whoever reads back.
#[derive(Debug, Default)]
pub struct Extents(Mutex<VecDeque<Extent>>);

impl Extents {
    /// Those of earlier processes.
    pub fn new(found: Vec<Extent>) -> Self {
        Self(Mutex::new(found.into()))
    }

    /// A segment is about to be written to.
    pub fn opened(&self, segment: Segment) {
        self.0.lock().push_back(Extent {
            segment,
            from: HEAD_BYTES,
            to: HEAD_BYTES,
            is_exact: true,
        });
    }

    /// The newest segment holds synced frames up to there.
    pub fn grown(&self, to: u64) {
        if let Some(extent) = self.0.lock().back_mut() {
            extent.to = to;
        }
    }

    /// A segment is about to be zeroed or removed.
    pub fn forgotten(&self, number: u64) {
        self.0
            .lock()
            .retain(|extent| extent.segment.number != number);
    }

    /// Whether a segment is still there.
    pub fn holds(&self, segment: Segment) -> bool {
        self.0.lock().iter().any(|extent| extent.segment == segment)
    }

    /// What is left of the first extent that ends behind a place.
    pub fn behind(&self, place: Place) -> Option<Extent> {
        let extents = self.0.lock();
        let behind = extents.partition_point(|extent| extent.end() <= place);
        // The newest segment may be empty.
        let extent = *extents
            .range(behind..)
            .find(|extent| extent.from < extent.to)?;
        let from = if extent.segment.number == place.segment {
            extent.from.max(place.offset)
        } else {
            extent.from
        };
        Some(Extent { from, ..extent })
    }
}
