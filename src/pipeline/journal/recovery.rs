//! What an earlier process left in the journal.

use std::io;

use tracing::{error, info, warn};

use super::frame::{self, ALIGNMENT, Segment};
use super::segment::{Disk, GivenUp, HEAD_BYTES, Head};
use crate::event::{Accepted, Arrival};

/// What was found.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Events that are not known to be stored, in order of arrival.
    pub events: Vec<Accepted>,
    /// Places that could not be read: torn or damaged frames, whole segments.
    pub damaged: usize,
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
}

/// Reads all segments. An error means that the folder itself cannot be read.
pub(super) fn recover<D: Disk>(disk: &D) -> io::Result<Recovered> {
    let mut recovered = Recovered::default();
    let mut scans = Vec::new();
    for number in disk.numbers()? {
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
    let batches = || scans.iter().flat_map(|scan| &scan.batches);
    let stored_before = batches()
        .map(|batch| batch.stored_before)
        .max()
        .unwrap_or(i64::MIN);
    for scan in scans {
        let segment = OldSegment {
            number: scan.number,
            bytes: scan.bytes,
            last: scan.last(),
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
    };
    let Some(head) = Head::read(bytes, number) else {
        // Made or renamed and not yet used, or damaged in both copies.
        warn!(
            segment = number,
            "a segment of the journal has no head; it is passed over"
        );
        return scan;
    };
    scan.given_up = head.given_up;
    let mut offset = usize::try_from(HEAD_BYTES).unwrap_or(usize::MAX);
    loop {
        if let Some(found) = frame::read(bytes, head.segment, offset) {
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
        let next = next_frame(bytes, head.segment, offset);
        if next.is_none() && !frame::begins(bytes, head.segment, offset) {
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
