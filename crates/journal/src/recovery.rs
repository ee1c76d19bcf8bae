//! What an earlier process left in the journal.
//!
//! The heads of all segments and the frames of the newest are read, however
//! much the journal holds: the head of the newest says what was appended before
//! it, and its frames say up to where all is settled. The records in between
//! are left to be [read back](super::reader).

use std::io;

use tracing::{error, info};

use super::disk::Disk;
use super::extents::Extent;
use super::format1;
use super::frame::{self, Frame, Segment};
use super::head::{FIRST_FRAME, Found, HEAD_BYTES, Head};
use super::place::{Mark, Place, Totals};
use super::reader::{put_aside, without_zeros};

/// What an earlier process left in a journal.
#[derive(Debug, Default)]
pub struct Recovered {
    /// All before it is settled.
    pub low: Mark,
    /// Where the last record ends.
    pub end: Mark,
    /// The highest number that a record ever had.
    pub highest: Option<i64>,
    /// Places that could not be read, as far as they were looked at: segments,
    /// heads, and what is behind the last whole frame. Others are found when
    /// they are read back.
    pub damaged: usize,
    /// The number of the next segment.
    pub(super) next_number: u64,
    /// The segments that were there.
    pub(super) extents: Vec<Extent>,
}

impl Recovered {
    /// What is not known to be settled.
    pub fn unsettled(&self) -> Totals {
        self.end.totals.since(self.low.totals)
    }
}

/// Why there is no journal; follows its name in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made, read or written.
    #[error("cannot be opened: {0}")]
    Io(#[from] io::Error),
    /// Another process has it.
    #[error(
        "is in use by another process; stop that one, or give this one a folder of its own with \
         --data-dir or DATA_DIR"
    )]
    Locked,
    /// An older version left records in a format that is not read any more.
    #[error(
        "has events that are not stored, in the format of an older version; start that version \
         once, let it store them, and stop it cleanly"
    )]
    Unsettled1,
    /// A newer version wrote it.
    #[error("is in format {0}, of a newer version; start that version")]
    Newer(char),
}

/// Looks through the journal.
pub fn recover<D: Disk>(disk: &D) -> Result<Recovered, OpenError> {
    let numbers = disk.numbers()?;
    let mut recovered = Recovered {
        next_number: numbers.last().map_or(1, |last| last + 1),
        ..Recovered::default()
    };
    let begun = begun(disk, &numbers, &mut recovered.damaged)?;
    let heads = begun.iter().filter_map(|begun| begun.head);
    recovered.low = heads.map(|head| head.low).fold(Mark::default(), Mark::later);
    // Segments before the oldest were settled, also where no note says so.
    if let Some(oldest) = begun.first() {
        recovered.low = recovered.low.later(oldest.start());
    }
    let Some((newest, older)) = begun.split_last() else {
        return Ok(recovered);
    };
    let totals_before = totals_before(disk, newest, older)?;
    let scan = scan(disk, newest, totals_before)?;
    let mut is_kept = true;
    if !scan.tail.is_empty() {
        is_kept = put_aside(disk, newest.segment.number, scan.end, &scan.tail);
        recovered.damaged += 1;
    }
    let before = newest.head.map_or(i64::MIN, |head| head.highest);
    recovered.highest = Some(before.max(scan.highest)).filter(|highest| *highest > i64::MIN);
    recovered.low = recovered.low.later(scan.low);
    recovered.end = Mark {
        place: Place { segment: newest.segment.number, offset: scan.last_record() },
        totals: scan.totals,
    };
    recovered.low.totals = scan.totals_at(recovered.low, newest.segment.number, totals_before);
    recovered.extend(older, None);
    if scan.records.is_empty() && is_kept {
        // Each start begins a segment: those of starts in vain must not pile up.
        disk.remove(newest.segment.number)?;
    } else {
        recovered.extend(std::slice::from_ref(newest), Some(&scan));
    }
    info!(
        segments = recovered.extents.len(),
        unsettled = recovered.unsettled().weight,
        damaged = recovered.damaged,
        "the journal was read"
    );
    Ok(recovered)
}

impl Recovered {
    fn extend(&mut self, segments: &[Begun], scan: Option<&Scan>) {
        for begun in segments {
            self.extents.push(Extent {
                segment: begun.segment,
                bytes: begun.bytes,
                from: HEAD_BYTES,
                to: scan.map_or(begun.bytes, |scan| scan.end).max(HEAD_BYTES),
                is_exact: scan.is_some(),
                last_record: scan.map(Scan::last_record),
            });
        }
    }
}

struct Begun {
    segment: Segment,
    bytes: u64,
    /// `None` if it cannot be read.
    head: Option<Head>,
}

impl Begun {
    /// Where its first frame begins. What was appended before that is told by its
    /// head alone.
    fn start(&self) -> Mark {
        Mark {
            place: Place { segment: self.segment.number, offset: HEAD_BYTES },
            totals: self.head.map(|head| head.before).unwrap_or_default(),
        }
    }
}

/// The segments that may hold frames. Others are removed: they were made and
/// not begun.
fn begun<D: Disk>(disk: &D, numbers: &[u64], damaged: &mut usize) -> Result<Vec<Begun>, OpenError> {
    let mut begun = Vec::new();
    let mut of_format_1 = Vec::new();
    for &number in numbers {
        let read =
            disk.length(number).and_then(|bytes| Ok((bytes, disk.read(number, 0, FIRST_FRAME)?)));
        let (bytes, head) = match read {
            Ok(read) => read,
            Err(error) => {
                error!(segment = number, %error, "a segment of the journal cannot be read");
                *damaged += 1;
                continue;
            }
        };
        match Head::read(&head, number) {
            Found::Head(head) => {
                begun.push(Begun { segment: head.segment, bytes, head: Some(head) })
            }
            Found::Unused => disk.remove(number)?,
            Found::OtherFormat(format1::FORMAT) => of_format_1.push(number),
            Found::OtherFormat(format) => return Err(OpenError::Newer(char::from(format))),
            Found::Damaged => {
                put_aside(disk, number, 0, &head);
                *damaged += 1;
                begun.extend(without_head(disk, number, bytes)?);
            }
        }
    }
    if format1::is_unsettled(disk, &of_format_1)? {
        return Err(OpenError::Unsettled1);
    }
    for number in of_format_1 {
        disk.remove(number)?;
    }
    Ok(begun)
}

/// A segment whose head cannot be read: its frames tell the marker.
fn without_head<D: Disk>(disk: &D, number: u64, bytes: u64) -> io::Result<Option<Begun>> {
    let length = usize::try_from(bytes).unwrap_or(usize::MAX);
    let segment = disk.read(number, 0, length)?;
    let marker = frame::marker_of_frames(&segment, number, FIRST_FRAME);
    Ok(marker.map(|marker| Begun { segment: Segment { number, marker }, bytes, head: None }))
}

/// What was appended before the newest segment. Where its head cannot tell, the
/// segments before it are read until one can.
fn totals_before<D: Disk>(disk: &D, newest: &Begun, older: &[Begun]) -> io::Result<Totals> {
    let told = |begun: &Begun| begun.head.map(|head| head.before);
    if let Some(before) = told(newest) {
        return Ok(before);
    }
    let first = older.iter().rposition(|begun| begun.head.is_some());
    let mut totals = first.and_then(|first| told(&older[first])).unwrap_or_default();
    for begun in &older[first.unwrap_or(0)..] {
        totals = scan(disk, begun, totals)?.totals;
    }
    Ok(totals)
}

/// What the frames of a segment say.
struct Scan {
    totals: Totals,
    /// Where the last whole one ends.
    end: u64,
    /// Where each record ends, and what was appended up to there.
    records: Vec<(u64, Totals)>,
    low: Mark,
    highest: i64,
    /// What is behind that, and no zeros.
    tail: Vec<u8>,
}

fn scan<D: Disk>(disk: &D, begun: &Begun, before: Totals) -> io::Result<Scan> {
    let bytes = usize::try_from(begun.bytes).unwrap_or(usize::MAX);
    let bytes = disk.read(begun.segment.number, 0, bytes)?;
    let mut scan = Scan {
        totals: before,
        end: HEAD_BYTES,
        records: Vec::new(),
        low: Mark::default(),
        highest: i64::MIN,
        tail: Vec::new(),
    };
    let mut offset = FIRST_FRAME;
    while let Some(rest) = bytes.get(offset..) {
        if let Some(frame) = Frame::read(rest, begun.segment, offset as u64) {
            offset += usize::try_from(frame.bytes()).unwrap_or(usize::MAX);
            scan.add(frame, offset as u64);
        } else if let Some(next) = frame::next_frame(rest, begun.segment, offset as u64) {
            offset += next;
        } else {
            scan.tail = without_zeros(rest).to_vec();
            break;
        }
    }
    Ok(scan)
}

impl Scan {
    fn add(&mut self, frame: Frame<'_>, end: u64) {
        self.end = end;
        if let Some(low) = frame.mark() {
            self.low = self.low.later(low);
        }
        if frame.is_record() {
            self.totals = self.totals.and(frame.header.weight, frame.bytes());
            self.highest = self.highest.max(frame.header.number);
            self.records.push((end, self.totals));
        }
    }

    /// Where the last record ends.
    fn last_record(&self) -> u64 {
        self.records.last().map_or(HEAD_BYTES, |(end, _)| *end)
    }

    /// What was appended before the low watermark, as far as it is there. A mark
    /// says what its process knew; of what was damaged since, the totals at the end
    /// know nothing, and the two must not be compared.
    fn totals_at(&self, low: Mark, segment: u64, before: Totals) -> Totals {
        if low.place.segment < segment {
            let is_less = low.totals.weight <= before.weight && low.totals.bytes <= before.bytes;
            return if is_less { low.totals } else { before };
        }
        let settled = self.records.iter().rev();
        let mut settled = settled.filter(|(end, _)| *end <= low.place.offset);
        settled.next().map_or(before, |(_, totals)| *totals)
    }
}
