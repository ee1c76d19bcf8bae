//! Reads batches back, in the order in which they were appended, while others
//! are appended.
//!
//! A reader has its place in the segments and goes on from there, so that a
//! batch costs the same however much the journal holds; of the journal, one
//! piece of a segment is in memory. It reads inside of [runs](super::runs)
//! alone, that is, what was synced and not given up, and takes a frame only
//! with its segment's marker and a checksum that fits its place.

use std::io;
use std::sync::Arc;

use super::frame::{self, Segment};
use super::recovery::{next_frame, put_aside};
use super::runs::{Place, Run, Runs};
use super::segment::Disk;
use crate::event::{Accepted, Arrival};

/// Bytes that are read at once. Small in unit tests, so that frames cross them.
const PIECE: usize = if cfg!(test) { 4 << 10 } else { 256 << 10 };

/// A batch that was read back.
#[derive(Debug, PartialEq)]
pub struct Batch {
    /// Its events, at least one.
    pub events: Vec<Accepted>,
    /// Bytes of the journal that it takes.
    pub bytes: u64,
}

/// Reads batches back.
pub trait ReadBack: Send {
    /// Goes on at the frame that begins there.
    fn seek(&mut self, place: Place);

    /// The next batch, if its events are numbered up to `up_to`: what comes
    /// behind is left for later. `None` means that all of these were read. A
    /// damaged place is put aside and passed over.
    ///
    /// # Errors
    ///
    /// The disk cannot be read; the place stays, so it can be tried again.
    fn next(&mut self, up_to: Arrival) -> io::Result<Option<Batch>>;
}

/// Reads the segments of a disk.
pub(super) struct Reader<D> {
    disk: Arc<D>,
    runs: Arc<Runs>,
    place: Place,
    piece: Piece,
}

/// A part of a segment in memory.
#[derive(Default)]
struct Piece {
    segment: Option<Segment>,
    offset: u64,
    bytes: Vec<u8>,
}

impl Piece {
    /// What of it stands at an offset of a segment.
    fn at(&self, segment: Segment, offset: u64) -> &[u8] {
        let skipped = offset
            .checked_sub(self.offset)
            .filter(|_| self.segment == Some(segment))
            .and_then(|skipped| usize::try_from(skipped).ok());
        skipped
            .and_then(|skipped| self.bytes.get(skipped..))
            .unwrap_or_default()
    }
}

impl<D: Disk> Reader<D> {
    /// Begins at the oldest frame.
    pub fn new(disk: Arc<D>, runs: Arc<Runs>) -> Self {
        let place = Place {
            segment: 0,
            offset: 0,
        };
        Self {
            disk,
            runs,
            place,
            piece: Piece::default(),
        }
    }

    /// Bytes at the beginning of a run, at least as many, or all there are.
    fn bytes(&mut self, run: Run, at_least: usize) -> io::Result<&[u8]> {
        if self.piece.at(run.segment, run.from).len() < at_least {
            let left = usize::try_from(run.to - run.from).unwrap_or(usize::MAX);
            let count = at_least.max(PIECE).min(left);
            self.piece = Piece::default();
            self.piece = Piece {
                bytes: self.disk.read_part(run.segment.number, run.from, count)?,
                segment: Some(run.segment),
                offset: run.from,
            };
        }
        Ok(self.piece.at(run.segment, run.from))
    }

    fn first_frame(&mut self, run: Run) -> io::Result<Option<frame::Found>> {
        let head = self.bytes(run, frame::HEAD)?;
        let Some(claimed) = frame::claimed_bytes(head) else {
            return Ok(None);
        };
        if claimed as u64 > run.to - run.from {
            return Ok(None);
        }
        let frame = self.bytes(run, claimed)?;
        Ok(frame::read(frame, run.segment, run.from))
    }

    /// Passes over a place that was whole once and is not any more.
    fn pass_over(&mut self, run: Run) -> io::Result<()> {
        let bytes = self.disk.read(run.segment.number)?;
        let index = |offset: u64| {
            usize::try_from(offset)
                .unwrap_or(usize::MAX)
                .min(bytes.len())
        };
        let (from, to) = (index(run.from), index(run.to));
        let next = next_frame(&bytes[..to], run.segment, from);
        put_aside(
            &*self.disk,
            run.segment.number,
            from,
            &bytes[from..next.unwrap_or(to)],
        );
        self.piece = Piece::default();
        self.place = Place {
            segment: run.segment.number,
            offset: next.map_or(run.to, |next| next as u64),
        };
        Ok(())
    }
}

impl<D: Disk> ReadBack for Reader<D> {
    fn seek(&mut self, place: Place) {
        self.place = place;
    }

    fn next(&mut self, up_to: Arrival) -> io::Result<Option<Batch>> {
        while let Some(run) = self.runs.behind(self.place) {
            let found = match self.first_frame(run) {
                Ok(Some(found)) => found,
                // Forgotten meanwhile: nothing in it was still to be read.
                Ok(None) | Err(_) if !self.runs.holds(run.segment) => continue,
                Ok(None) => {
                    self.pass_over(run)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if found
                .events
                .first()
                .is_some_and(|first| first.arrival > up_to)
            {
                break;
            }
            self.place = Place {
                segment: run.segment.number,
                offset: run.from + found.bytes as u64,
            };
            if !found.events.is_empty() {
                return Ok(Some(Batch {
                    events: found.events,
                    bytes: found.bytes as u64,
                }));
            }
        }
        Ok(None)
    }
}
