//! What an earlier process left in the journal.

use std::io;

use tracing::{error, info};

use super::frame::{self, ALIGNMENT, Marker, Segment};
use super::segment::{Disk, Found, GivenUp, HEAD_BYTES, Head};
use crate::event::{Accepted, Arrival};

/// Bytes in front of the first frame.
const HEAD_LENGTH: usize = HEAD_BYTES as usize;

/// What was found.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Events that are not known to be stored, in order of arrival.
    pub events: Vec<Accepted>,
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
}

/// Reads all segments. An error means that the folder itself cannot be read.
pub(super) fn recover<D: Disk>(disk: &D) -> io::Result<Recovered> {
    let mut recovered = Recovered::default();
    let mut scans = Vec::new();
    let numbers = disk.numbers()?;
    recovered.next_number = numbers.last().map_or(1, |last| last + 1);
    for number in numbers {
        match disk.read(number) {
            Ok(bytes) => scans.push(scan(disk, number, &bytes)),
            Err(error) => {
                error!(segment = number, %error, "a segment of the journal cannot be read");
                recovered.damaged += 1;
            }
        }
    }
    let given_up: Vec<GivenUp> = scans.iter().filter_map(|scan| scan.given_up).collect();
    for scan in &mut scans {
        scan.forget_what_was_given_up(&given_up);
    }
    let highest = scans.iter().filter_map(Scan::last).max();
    let batches = || scans.iter().flat_map(|scan| &scan.batches);
    let stored_before = batches()
        .map(|batch| batch.stored_before)
        .max()
        .unwrap_or(i64::MIN);
    let noted = (stored_before > i64::MIN).then(|| Arrival::from_i64(stored_before));
    recovered.numbered_up_to = highest.max(noted);
    for scan in scans {
        let segment = OldSegment {
            number: scan.number,
            bytes: scan.bytes,
            last: scan.last(),
            is_sound: scan.is_sound,
        };
        recovered.segments.push(segment);
        recovered.damaged += scan.damaged;
        let events = scan.batches.into_iter().flat_map(|batch| batch.events);
        recovered
            .events
            .extend(events.filter(|event| event.arrival.as_i64() >= stored_before));
    }
    recovered.events.sort_by_key(|event| event.arrival);
    if !recovered.segments.is_empty() {
        let (events, damaged) = (recovered.events.len(), recovered.damaged);
        info!(
            segments = recovered.segments.len(),
            events, damaged, "the journal was read"
        );
    }
    Ok(recovered)
}

/// What one segment holds.
struct Scan {
    number: u64,
    bytes: u64,
    batches: Vec<Batch>,
    given_up: Option<GivenUp>,
    damaged: usize,
    is_sound: bool,
}

struct Batch {
    offset: u64,
    stored_before: i64,
    events: Vec<Accepted>,
}

impl Scan {
    /// What was written behind a failed write was refused to its senders, and
    /// must not come back although it may be on the disk.
    fn forget_what_was_given_up(&mut self, given_up: &[GivenUp]) {
        if let Some(given_up) = given_up
            .iter()
            .find(|given_up| given_up.number == self.number)
        {
            self.is_sound = false;
            self.batches.retain(|batch| batch.offset < given_up.counts);
        }
    }

    fn last(&self) -> Option<Arrival> {
        self.batches
            .iter()
            .flat_map(|batch| &batch.events)
            .map(|event| event.arrival)
            .max()
    }
}

fn scan<D: Disk>(disk: &D, number: u64, bytes: &[u8]) -> Scan {
    let mut scan = Scan {
        number,
        bytes: bytes.len() as u64,
        batches: Vec::new(),
        given_up: None,
        damaged: 0,
        is_sound: true,
    };
    let segment = match Head::read(bytes, number) {
        Found::Head(head) => {
            scan.given_up = head.given_up;
            head.segment
        }
        // Made or renamed, and not yet used.
        Found::Unused => return scan,
        Found::Damaged => {
            put_aside(disk, number, 0, &bytes[..bytes.len().min(HEAD_LENGTH)]);
            scan.damaged += 1;
            scan.is_sound = false;
            match marker_of_first_frame(bytes) {
                Some(marker) => Segment { number, marker },
                None => return scan,
            }
        }
    };
    let mut offset = HEAD_LENGTH;
    loop {
        if let Some(found) = frame::read(bytes, segment, offset) {
            let frame::Found {
                stored_before,
                events,
                bytes,
            } = found;
            scan.batches.push(Batch {
                offset: offset as u64,
                stored_before,
                events,
            });
            offset += bytes;
            continue;
        }
        let next = next_frame(bytes, segment, offset);
        if next.is_none() && !frame::begins(bytes, segment, offset) {
            return scan;
        }
        let end = next.unwrap_or_else(|| torn_end(bytes, offset));
        put_aside(disk, number, offset, &bytes[offset..end]);
        scan.damaged += 1;
        match next {
            Some(next) => offset = next,
            None => return scan,
        }
    }
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
fn next_frame(bytes: &[u8], segment: Segment, offset: usize) -> Option<usize> {
    (offset + ALIGNMENT..bytes.len())
        .step_by(ALIGNMENT)
        .filter(|&offset| frame::begins(bytes, segment, offset))
        .find(|&offset| frame::read(bytes, segment, offset).is_some())
}

/// Where a torn frame ends at the latest, as far as its head can be believed.
fn torn_end(bytes: &[u8], offset: usize) -> usize {
    let length = bytes
        .get(offset + 8..offset + 12)
        .and_then(|four| four.try_into().ok());
    let length = length.map_or(0, u32::from_le_bytes) as usize;
    offset
        .saturating_add(frame::HEAD)
        .saturating_add(length)
        .min(bytes.len())
}

fn put_aside<D: Disk>(disk: &D, number: u64, offset: usize, bytes: &[u8]) {
    let length = bytes.len();
    match disk.quarantine(number, offset, bytes) {
        Ok(file) => error!(
            segment = number, offset, length, file = %file.display(),
            "a place in the journal cannot be read; it was put aside, and the rest is used"
        ),
        Err(error) => error!(
            segment = number, offset, length, %error,
            "a place in the journal cannot be read nor put aside; the rest is used"
        ),
    }
}
