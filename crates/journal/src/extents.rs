//! The segments that are needed, and where frames can be read back in them while
//! the journal is written.
//!
//! An *extent* is the part of a segment that has frames. That of the segment
//! that is written grows when its bytes are synced and before anybody is
//! answered for them.

use std::collections::VecDeque;

use parking_lot::Mutex;

use super::frame::Segment;
use super::head::HEAD_BYTES;
use super::place::Place;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub segment: Segment,
    /// Bytes that it takes on the disk.
    pub bytes: u64,
    /// Where the first frame begins.
    pub from: u64,
    /// Where the last one ends, or later.
    pub to: u64,
    /// Whether the last one ends there. It is not known of a segment that an
    /// earlier process filled: behind its frames come zeros.
    pub is_exact: bool,
    /// Where the last record ends, if that is known and none comes behind it.
    pub last_record: Option<u64>,
}

impl Extent {
    pub fn start(&self) -> Place {
        self.at(self.from)
    }

    pub fn end(&self) -> Place {
        self.at(self.to)
    }

    /// Whether all of its records are before this place.
    fn is_before(&self, place: Place) -> bool {
        self.segment.number < place.segment
            || self.last_record.is_some_and(|last_record| self.at(last_record) <= place)
    }

    fn at(&self, offset: u64) -> Place {
        Place { segment: self.segment.number, offset }
    }
}

/// Those of all segments that are not forgotten, in order. Shared by the thread
/// that writes and whoever reads back.
#[derive(Debug, Default)]
pub struct Extents(Mutex<VecDeque<Extent>>);

impl Extents {
    pub fn new(found: Vec<Extent>) -> Self {
        Self(Mutex::new(found.into()))
    }

    /// A segment is about to be written to.
    pub fn opened(&self, segment: Segment, bytes: u64) {
        self.0.lock().push_back(Extent {
            segment,
            bytes,
            from: HEAD_BYTES,
            to: HEAD_BYTES,
            is_exact: true,
            last_record: None,
        });
    }

    /// The newest segment holds synced frames up to there.
    pub fn grown(&self, to: u64) {
        if let Some(extent) = self.0.lock().back_mut() {
            extent.to = to;
        }
    }

    /// Nothing more is written into the newest segment; its last record ends there.
    pub fn sealed(&self, last_record: u64) {
        if let Some(extent) = self.0.lock().back_mut() {
            extent.last_record = Some(last_record);
        }
    }

    /// Takes out the oldest segment if all of its records are before this place: it
    /// is about to be zeroed or removed.
    pub fn forget_before(&self, place: Place) -> Option<Extent> {
        let is_before = |extent: &mut Extent| extent.is_before(place);
        self.0.lock().pop_front_if(is_before)
    }

    /// Bytes that all of them take on the disk.
    pub fn bytes(&self) -> u64 {
        self.0.lock().iter().map(|extent| extent.bytes).sum()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.lock().len()
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
        let extent = *extents.range(behind..).find(|extent| extent.from < extent.to)?;
        let from = if extent.segment.number == place.segment {
            extent.from.max(place.offset)
        } else {
            extent.from
        };
        Some(Extent { from, ..extent })
    }
}
