//! Format 1, which is not read any more: whether anything in it is not settled.
//!
//! Its frames begin with the marker that stands at 16 of the head. At 16 of a
//! frame stand three words: the number below which all was stored when it was
//! written, the number of its first event, and how many events it has (4 bytes).
//! Numbers of a batch are 256 apart.

use std::io;

use super::disk::Disk;
use super::head::FIRST_FRAME;

/// As the head of a segment says it.
pub const FORMAT: u8 = b'1';

/// Whether these segments hold an event that is not known to be stored. What is
/// damaged counts as such.
pub fn is_unsettled<D: Disk>(disk: &D, numbers: &[u64]) -> io::Result<bool> {
    let (mut stored_before, mut highest) = (i64::MIN, i64::MIN);
    for &number in numbers {
        let bytes = usize::try_from(disk.length(number)?).unwrap_or(usize::MAX);
        let bytes = disk.read(number, 0, bytes)?;
        let Some(marker) = bytes.get(16..24) else {
            continue;
        };
        let mut rest = bytes.get(FIRST_FRAME..).unwrap_or_default();
        while let Some(frame) = rest.strip_prefix(marker).and_then(Frame::read) {
            stored_before = stored_before.max(frame.stored_before);
            highest = highest.max(frame.last);
            rest = rest.get(frame.bytes..).unwrap_or_default();
        }
    }
    Ok(highest > i64::MIN && highest >= stored_before)
}

struct Frame {
    stored_before: i64,
    last: i64,
    /// With its marker.
    bytes: usize,
}

impl Frame {
    /// What follows the marker.
    fn read(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| -> Option<[u8; 8]> { bytes.get(at..at + 8)?.try_into().ok() };
        let half = |at: usize| -> Option<[u8; 4]> { bytes.get(at..at + 4)?.try_into().ok() };
        let length = usize::try_from(u32::from_le_bytes(half(0)?)).ok()?;
        let first = i64::from_le_bytes(word(16)?);
        let events = i64::from(u32::from_le_bytes(half(24)?));
        Some(Self {
            stored_before: i64::from_le_bytes(word(8)?),
            last: if events > 0 { first.saturating_add((events - 1) << 8) } else { i64::MIN },
            bytes: (16 + length).next_multiple_of(8),
        })
    }
}
