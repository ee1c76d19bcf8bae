//! Reads records back, in the order in which they were appended, while others
//! are appended.
//!
//! A reader has its place and goes on from there, so that a record costs the
//! same however much the journal holds; while records are read, one segment at the
//! most is in memory, and one record of it. It reads inside of [extents](super::extents) alone, that is,
//! what was synced.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tracing::error;

use super::disk::Disk;
use super::extents::{Extent, Extents};
use super::frame::{self, Frame, Record};
use super::place::Place;

/// A record that was read back.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    /// The record, as it was appended.
    pub record: Record,
    /// Bytes of its frame.
    pub bytes: u64,
    /// Where its frame ends.
    pub end: Place,
}

/// Reads records back.
pub trait ReadBack: Send {
    /// Goes on at the frame that begins there.
    fn seek(&mut self, place: Place);

    /// The next record, if its frame begins before `up_to`. `None` means that
    /// all of these were read. A damaged place is put aside and passed over.
    ///
    /// # Errors
    ///
    /// The disk cannot be read; the place stays, so it can be tried again.
    fn next(&mut self, up_to: Place) -> io::Result<Option<Read>>;
}

/// Reads the segments of a disk.
pub struct Reader<D> {
    disk: Arc<D>,
    extents: Arc<Extents>,
    place: Place,
    piece: Option<Piece>,
}

/// An extent in memory, as it was when it was read. The file may be shorter.
struct Piece {
    extent: Extent,
    bytes: Vec<u8>,
}

impl Piece {
    /// What of it an extent begins with; `None` if that is not in it.
    fn at(&self, extent: Extent) -> Option<&[u8]> {
        let is_in_it = self.extent.segment == extent.segment
            && (self.extent.from..self.extent.to).contains(&extent.from);
        let skipped = usize::try_from(extent.from.checked_sub(self.extent.from)?).ok()?;
        is_in_it.then(|| self.bytes.get(skipped..).unwrap_or_default())
    }
}

impl<D: Disk> Reader<D> {
    /// Begins at the oldest frame.
    pub fn new(disk: Arc<D>, extents: Arc<Extents>) -> Self {
        Self { disk, extents, place: Place::default(), piece: None }
    }

    /// What an extent begins with; read, unless it is in memory.
    fn bytes(&mut self, extent: Extent) -> io::Result<&[u8]> {
        if self.piece.as_ref().is_none_or(|piece| piece.at(extent).is_none()) {
            self.piece = None;
            let count = usize::try_from(extent.to - extent.from).unwrap_or(usize::MAX);
            let bytes = self.disk.read(extent.segment.number, extent.from, count)?;
            self.piece = Some(Piece { extent, bytes });
        }
        let piece = self.piece.as_ref().and_then(|piece| piece.at(extent));
        Ok(piece.unwrap_or_default())
    }

    /// Passes over a place without a frame: the zeros behind the last one, or
    /// one that was whole once.
    fn pass_over(&mut self, extent: Extent) -> io::Result<()> {
        let disk = Arc::clone(&self.disk);
        let bytes = self.bytes(extent)?;
        let next = frame::next_frame(bytes, extent.segment, extent.from);
        let damaged = match next {
            Some(next) => &bytes[..next],
            None if extent.is_exact => bytes,
            None => without_zeros(bytes),
        };
        let passed = next.map(|next| extent.from + next as u64);
        if !damaged.is_empty() {
            put_aside(&*disk, extent.segment.number, extent.from, damaged);
        }
        let read_up_to = self.piece.as_ref().map_or(extent.to, |piece| piece.extent.to);
        self.place = Place { segment: extent.segment.number, offset: passed.unwrap_or(read_up_to) };
        Ok(())
    }
}

impl<D: Disk> ReadBack for Reader<D> {
    fn seek(&mut self, place: Place) {
        self.place = place;
    }

    fn next(&mut self, up_to: Place) -> io::Result<Option<Read>> {
        while let Some(extent) = self.extents.behind(self.place)
            && extent.start() < up_to
        {
            let found = self.bytes(extent).map(|bytes| {
                let frame = Frame::read(bytes, extent.segment, extent.from)?;
                let record = frame.is_record().then(|| frame.to_record());
                Some((record, frame.bytes()))
            });
            let (record, bytes) = match found {
                Ok(Some(found)) => found,
                // Forgotten meanwhile: nothing in it was still to be read.
                Ok(None) | Err(_) if !self.extents.holds(extent.segment) => continue,
                Ok(None) => {
                    self.pass_over(extent)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.place = Place { segment: extent.segment.number, offset: extent.from + bytes };
            if let Some(record) = record {
                return Ok(Some(Read { record, bytes, end: self.place }));
            }
        }
        self.piece = None;
        Ok(None)
    }
}

/// These bytes without the zeros that they end with.
pub fn without_zeros(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0);
    &bytes[..end.map_or(0, |last| last + 1)]
}

/// Keeps damaged bytes for a person; answers whether that worked.
pub fn put_aside<D: Disk>(disk: &D, segment: u64, offset: u64, bytes: &[u8]) -> bool {
    let length = bytes.len();
    match disk.quarantine(segment, offset, bytes) {
        Ok(file) => {
            said_where(segment, offset, length, &file);
            true
        }
        Err(error) => {
            error!(
                segment, offset, length, %error,
                "a place in the journal cannot be read nor put aside; the rest is used"
            );
            false
        }
    }
}

fn said_where(segment: u64, offset: u64, length: usize, file: &Path) {
    error!(
        segment, offset, length, file = %file.display(),
        "a place in the journal cannot be read; it was put aside, and the rest is used"
    );
}
