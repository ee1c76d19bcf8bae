//! An append-only log of opaque records on disk.
//!
//! # Invariants
//!
//! 1. *Kept.* A record whose append was answered [`Ok`] is read back after any
//!    crash, until the low watermark is behind it. (Without syncs: after any
//!    crash but that of the machine.)
//! 2. *Whole, and in order.* A record comes back whole or not at all, and records
//!    come back in the order in which they were appended.
//! 3. *Damage costs what is damaged.* What cannot be read is skipped, told and put
//!    aside, and the rest is used.
//! 4. *Cost.* A start reads the heads of all segments and the frames of the newest,
//!    and reading back costs the same however much the journal holds.
//! 5. *Nothing stays.* A segment is zeroed or removed when all of it is settled, and none
//!    is written to for longer than an hour, so that one in which little comes goes too; or
//!    until its owner [asks](Journal::leave), who can [see](is_wiped) that it is gone.
//!
//! The journal knows nothing of what records hold. Their owner gives each a
//! weight, so that it is known at a start how much is there, and a number that
//! only grows, the highest of which is told at a start. What is *settled* may be
//! forgotten: all before the *low watermark*, which the owner moves.
//!
//! # On disk
//!
//! A folder of segments, `segment-<number>.journal`, numbers in 20 digits and
//! growing. A segment is made at its full size (16 MiB, more where a single
//! record needs it), filled with zeros and synced before its first use: writing
//! into it later changes no metadata, so that a sync costs one write and does
//! not stall while the disk is busy. It also means that a full disk shows when a
//! segment is made, before anything is written. A settled segment is zeroed and
//! renamed to a later number. Both are done [ahead](preparer) of use. Each
//! process begins a segment of its own.
//!
//! All numbers are little endian. A segment begins with a head of 4,096 bytes,
//! of which these are used, once at 0 and once more at 2,048:
//!
//! | bytes | |
//! | --- | --- |
//! | 0..8 | `TKJRNL2\n`, where 2 is the format |
//! | 8..16 | the segment's number |
//! | 16..24 | the marker of its frames, drawn at random for each use |
//! | 24..40 | running totals: weight and bytes of all records before this segment |
//! | 40..72 | the low watermark: segment, offset, weight and bytes before it |
//! | 72..80 | the highest number of a record before this segment |
//! | 80..84 | CRC-32 of bytes 0..80 |
//!
//! Frames follow, each at an offset that is a multiple of 8:
//!
//! | bytes | |
//! | --- | --- |
//! | 0..8 | the marker |
//! | 8..12 | length of the body |
//! | 12..16 | CRC-32 of segment number, offset in the segment, length, bytes 16..32 and body |
//! | 16 | kind: 0 notes the low watermark, others are the owner's |
//! | 17 | version of the kind |
//! | 20..24 | weight |
//! | 24..32 | number |
//! | 32.. | body |
//!
//! The marker is random, so that nobody can plant a frame in a body. The checksum
//! covers number and offset: a frame counts only where it was written.
//!
//! # Writing
//!
//! One thread writes. It takes all records that wait, writes them with one call
//! behind the last frame, syncs once (`fdatasync`), and then answers all of them
//! in order: what arrives meanwhile shares the next sync, which under load
//! [waits a moment](pace) for more of them.
//!
//! A write or a sync that fails proves nothing about what is on the disk, nor
//! does one that succeeds after it. So nobody is answered any more and the thread
//! ends, for which the process has to end too; the next start reads what is there.
//! A disk that is full gives no segment: then every append is refused until it
//! does, which is tried once a second.
//!
//! A single record that is never settled keeps its segment and all later ones: so
//! they are [bounded](Rules::max_bytes), and at the bound appends are refused in
//! the same way.
//!
//! # What a crash leaves
//!
//! | the crash comes | what is found | what is done |
//! | --- | --- | --- |
//! | between two writes | frames, then zeros | the end |
//! | in a write | a torn last frame | put aside: it was never answered |
//! | after the write, before the answer | a whole frame | given back: it may have been answered |
//! | while a segment is made | a file without a head | removed |
//! | while a segment is zeroed | a file without a head | removed: all in it was settled |
//! | after a segment is renamed, before its head | a file without a head | removed |
//! | before the low watermark is noted | an older one | some settled records are given back |
//!
//! Owners must make it harmless that a settled record comes back.

#![warn(missing_docs)]

mod disk;
mod extents;
mod format1;
mod frame;
mod head;
mod inspect;
#[cfg(any(test, feature = "memory-disk"))]
pub mod memory_disk;
mod pace;
mod place;
mod preparer;
mod reader;
mod recovery;
mod rules;
mod segments;
mod wiped;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use disk::Folder;
pub use disk::{Disk, SEGMENT_BYTES};
use extents::Extents;
pub use frame::{FIRST_KIND, Header, Record, frame_bytes};
pub use inspect::{Inspected, inspect, is_held};
pub use place::{Mark, Place, Totals};
use reader::Reader;
pub use reader::{Read, ReadBack};
pub use recovery::{OpenError, Recovered};
pub use rules::Rules;
pub use segments::{NotWritten, OnStuck};
use segments::{Segments, Shared};
pub use wiped::{is_wiped, remove_damaged};
use writer::Writer;
pub use writer::{Appended, Done, Journal, Left, OnDisk};

/// A journal that was opened.
pub struct Opened {
    /// Appends records, and is told what may be forgotten.
    pub journal: Journal,
    /// What an earlier process left in it.
    pub recovered: Recovered,
    /// Reads that, and what is appended later.
    pub reader: Box<dyn ReadBack>,
}

impl Journal {
    /// Opens the journal in this folder, which is made if it is missing.
    /// `on_stuck` is told, on the journal's thread, when no record can be written
    /// any more and when one can again.
    pub fn open(folder: &Path, rules: Rules, on_stuck: OnStuck) -> Result<Opened, OpenError> {
        let disk = Folder::open(folder, rules.is_synced)?;
        if !disk.lock()? {
            return Err(OpenError::Locked);
        }
        if let Ok((files @ 1.., bytes)) = disk.quarantined() {
            tracing::warn!(
                files, bytes, folder = %folder.display(),
                "there are damaged-* files in the journal's folder, which nobody needs but who \
                 wants to know what was lost"
            );
        }
        Self::on(disk, rules, on_stuck)
    }

    /// Opens the journal on a disk.
    pub fn on<D: Disk>(disk: D, rules: Rules, on_stuck: OnStuck) -> Result<Opened, OpenError> {
        let disk = Arc::new(disk);
        let recovered = recovery::recover(&*disk)?;
        let extents = Arc::new(Extents::new(recovered.extents.clone()));
        let reader = Reader::new(Arc::clone(&disk), Arc::clone(&extents));
        let shared = Arc::new(Shared::new(extents, recovered.low, on_stuck));
        let interval = if rules.is_synced { disk.sync_interval() } else { Duration::ZERO };
        let segments = Segments::new(disk, &recovered, Arc::clone(&shared), rules)?;
        let writer = Writer::new(segments, Arc::clone(&shared), interval);
        let journal = Self::start(writer, shared)?;
        Ok(Opened { journal, recovered, reader: Box::new(reader) })
    }
}

#[cfg(test)]
mod tests;
