//! What an earlier process left in the journal.
//!
//! Segments are looked through one at a time and their events are left where
//! they are: what is kept of a segment does not grow with what it holds.

use std::io;
use std::path::Path;

use tracing::{error, info};

use super::frame::{self, ALIGNMENT, Marker, Segment, Summary};
use super::runs::{Place, Run};
use super::segment::{Disk, Found, GivenUp, HEAD_BYTES, Head};
use crate::event::Arrival;

/// Bytes in front of the first frame.
const HEAD_LENGTH: usize = HEAD_BYTES as usize;

/// What was found.
#[derive(Debug, Default)]
pub struct Recovered {
    /// What is not known to be stored; `None` if there is nothing.
    pub unstored: Option<Unstored>,
    /// Places that could not be read: torn or damaged frames, whole segments.
    pub damaged: usize,
    /// The highest arrival number that was ever given out, as far as the
    /// journal knows. Later events must have higher ones, also where the clock
    /// was stepped back: what is below a note of what is stored is not given
    /// back.
    pub numbered_up_to: Option<Arrival>,
    /// The number of the next segment.
    pub(super) next_number: u64,
    /// The segments that were there.
    pub(super) segments: Vec<OldSegment>,
    /// Where whole frames lie in them.
    pub(super) runs: Vec<Run>,
}

/// Events that lie in the journal and are not known to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unstored {
    /// How many.
    pub events: usize,
    /// Bytes of the frames that hold them.
    pub bytes: u64,
    /// No lower arrival number counts: such events may be read back with the
    /// others, and are stored.
    pub from: Arrival,
    /// The highest arrival number of them.
    pub last: Arrival,
    /// Where the first of them lie.
    pub place: Place,
}

/// A segment of an earlier process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OldSegment {
    pub number: u64,
    pub bytes: u64,
    /// The highest arrival number in it; `None` if it holds no event.
    pub last: Option<Arrival>,
    /// Whether it may be used again once its events are stored.
    pub is_sound: bool,
    /// Whether its head says what of an earlier one counts: then it must not go
    /// before that one.
    pub names_given_up: bool,
}

impl OldSegment {
    /// Whether nothing would be missed without it.
    pub fn is_of_no_use(&self) -> bool {
        self.last.is_none() && !self.names_given_up
    }
}

/// Looks through all segments. An error means that the folder itself cannot be
/// read.
pub(super) fn recover<D: Disk>(disk: &D) -> io::Result<Recovered> {
    let numbers = disk.numbers()?;
    let given_up = given_up(disk, &numbers);
    let mut recovered = Recovered {
        next_number: numbers.last().map_or(1, |last| last + 1),
        ..Recovered::default()
    };
    let mut scans = Vec::new();
    for number in numbers {
        match disk.read(number) {
            Ok(bytes) => {
                let given_up = given_up.iter().find(|given_up| given_up.number == number);
                scans.push(scan(disk, number, &bytes, given_up));
            }
            Err(error) => {
                error!(segment = number, %error, "a segment of the journal cannot be read");
                recovered.damaged += 1;
            }
        }
    }
    let highest = scans.iter().filter_map(|scan| scan.old.last).max();
    let stored_before = scans.iter().map(|scan| scan.stored_before).max();
    let stored_before = stored_before.unwrap_or(i64::MIN);
    let noted = (stored_before > i64::MIN).then(|| Arrival::from_i64(stored_before));
    recovered.numbered_up_to = highest.max(noted);
    recovered.unstored = unstored(disk, &scans, stored_before)?;
    for scan in scans {
        recovered.segments.push(scan.old);
        recovered.damaged += scan.damaged;
        recovered.runs.extend(scan.runs);
    }
    if !recovered.segments.is_empty() {
        info!(
            segments = recovered.segments.len(),
            events = recovered.unstored.map_or(0, |unstored| unstored.events),
            damaged = recovered.damaged,
            "the journal was read"
        );
    }
    Ok(recovered)
}

/// The heads of all segments first, because each says what of an earlier one
/// counts.
fn given_up<D: Disk>(disk: &D, numbers: &[u64]) -> Vec<GivenUp> {
    let head = |&number: &u64| {
        let bytes = disk.read_part(number, 0, HEAD_LENGTH).ok()?;
        match Head::read(&bytes, number) {
            Found::Head(head) => head.given_up,
            Found::Unused | Found::Damaged => None,
        }
    };
    numbers.iter().filter_map(head).collect()
}

/// What one segment holds.
struct Scan {
    old: OldSegment,
    runs: Vec<Run>,
    first: Option<Arrival>,
    events: usize,
    /// Of the frames with events.
    frame_bytes: u64,
    /// The highest number up to which all was stored when a frame was written.
    stored_before: i64,
    damaged: usize,
}

impl Scan {
    fn add(&mut self, segment: Segment, offset: usize, frame: Summary) {
        let (from, bytes) = (offset as u64, frame.bytes as u64);
        match self.runs.last_mut() {
            Some(run) if run.to == from => run.to += bytes,
            _ => self.runs.push(Run {
                segment,
                from,
                to: from + bytes,
            }),
        }
        self.stored_before = self.stored_before.max(frame.stored_before);
        if frame.events > 0 {
            self.first = self.first.or(Some(frame.first));
            self.old.last = self.old.last.max(frame.last());
            self.events += frame.events;
            self.frame_bytes += bytes;
        }
    }
}

fn scan<D: Disk>(disk: &D, number: u64, bytes: &[u8], given_up: Option<&GivenUp>) -> Scan {
    let mut scan = Scan {
        old: OldSegment {
            number,
            bytes: bytes.len() as u64,
            last: None,
            is_sound: given_up.is_none(),
            names_given_up: false,
        },
        runs: Vec::new(),
        first: None,
        events: 0,
        frame_bytes: 0,
        stored_before: i64::MIN,
        damaged: 0,
    };
    let segment = match Head::read(bytes, number) {
        Found::Head(head) => {
            scan.old.names_given_up = head.given_up.is_some();
            head.segment
        }
        // Made or renamed, and not yet used.
        Found::Unused => return scan,
        Found::Damaged => {
            put_aside(disk, number, 0, &bytes[..bytes.len().min(HEAD_LENGTH)]);
            scan.damaged += 1;
            scan.old.is_sound = false;
            // For all that is known.
            scan.old.names_given_up = true;
            match marker_of_first_frame(bytes) {
                Some(marker) => Segment { number, marker },
                None => return scan,
            }
        }
    };
    // What was written behind a failed write was refused to its senders, and
    // must not come back although it may be on the disk.
    let counts = |offset: usize| given_up.is_none_or(|given_up| (offset as u64) < given_up.counts);
    let mut offset = HEAD_LENGTH;
    while let Some(rest) = bytes.get(offset..) {
        if let Some(frame) = frame::summary(rest, segment, offset as u64) {
            if counts(offset) {
                scan.add(segment, offset, frame);
            }
            offset += frame.bytes;
            continue;
        }
        let next = next_frame(bytes, segment, offset);
        let is_damaged = next.is_some()
            || frame::begins(rest, segment)
            || frame::is_whole_but_for_marker(rest, segment, offset as u64);
        if !is_damaged {
            break;
        }
        let end = next.unwrap_or_else(|| torn_end(bytes, offset));
        put_aside(disk, number, offset, &bytes[offset..end]);
        scan.damaged += 1;
        offset = next.unwrap_or(bytes.len());
    }
    scan
}

/// What of all segments is not known to be stored.
fn unstored<D: Disk>(disk: &D, scans: &[Scan], stored_before: i64) -> io::Result<Option<Unstored>> {
    let mut unstored: Option<Unstored> = None;
    for scan in scans {
        let Some(last) = scan.old.last.filter(|last| last.as_i64() >= stored_before) else {
            continue;
        };
        let is_whole = scan
            .first
            .is_some_and(|first| first.as_i64() >= stored_before);
        let part = if is_whole {
            scan.runs.first().map(|run| Part {
                events: scan.events,
                bytes: scan.frame_bytes,
                offset: run.from,
            })
        } else {
            part_from(disk, scan, stored_before)?
        };
        let Some(part) = part else { continue };
        let all = unstored.get_or_insert(Unstored {
            events: 0,
            bytes: 0,
            from: Arrival::from_i64(stored_before),
            last,
            place: Place {
                segment: scan.old.number,
                offset: part.offset,
            },
        });
        all.events += part.events;
        all.bytes += part.bytes;
        all.last = all.last.max(last);
    }
    Ok(unstored)
}

/// What of a segment is not known to be stored.
struct Part {
    events: usize,
    bytes: u64,
    /// Where it begins.
    offset: u64,
}

/// Looks a segment through once more, now that it is known where in it the
/// stored part ends.
fn part_from<D: Disk>(disk: &D, scan: &Scan, stored_before: i64) -> io::Result<Option<Part>> {
    let bytes = disk.read(scan.old.number)?;
    let mut part: Option<Part> = None;
    for run in &scan.runs {
        let mut offset = run.from;
        while offset < run.to
            && let Some(rest) = bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..)
            && let Some(frame) = frame::summary(rest, run.segment, offset)
        {
            let events = frame.events_from(stored_before);
            if events > 0 {
                let part = part.get_or_insert(Part {
                    events: 0,
                    bytes: 0,
                    offset,
                });
                part.events += events;
                part.bytes += frame.bytes as u64;
            }
            offset += frame.bytes as u64;
        }
    }
    Ok(part)
}

/// What the frames of a segment begin with whose head cannot be read: what
/// stands where the first one begins. Its checksum tells whether it is one.
fn marker_of_first_frame(bytes: &[u8]) -> Option<Marker> {
    bytes
        .get(HEAD_LENGTH..HEAD_LENGTH + size_of::<Marker>())?
        .try_into()
        .ok()
}

/// Where the next whole frame begins behind a place that cannot be read.
pub(super) fn next_frame(bytes: &[u8], segment: Segment, offset: usize) -> Option<usize> {
    (offset + ALIGNMENT..bytes.len())
        .step_by(ALIGNMENT)
        .find(|&offset| frame::summary(&bytes[offset..], segment, offset as u64).is_some())
}

/// Where a torn frame ends at the latest, as far as its head can be believed.
fn torn_end(bytes: &[u8], offset: usize) -> usize {
    let claimed = frame::claimed_bytes(&bytes[offset..]).unwrap_or(frame::HEAD);
    offset.saturating_add(claimed).min(bytes.len())
}

/// Keeps damaged bytes for a person.
pub(super) fn put_aside<D: Disk>(disk: &D, number: u64, offset: usize, bytes: &[u8]) {
    let length = bytes.len();
    match disk.quarantine(number, offset, bytes) {
        Ok(file) => said_where(number, offset, length, &file),
        Err(error) => error!(
            segment = number, offset, length, %error,
            "a place in the journal cannot be read nor put aside; the rest is used"
        ),
    }
}

fn said_where(segment: u64, offset: usize, length: usize, file: &Path) {
    error!(
        segment, offset, length, file = %file.display(),
        "a place in the journal cannot be read; it was put aside, and the rest is used"
    );
}
