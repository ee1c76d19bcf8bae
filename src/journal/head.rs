//! The head of a segment.

use super::frame::Segment;
use super::place::{MARK_BYTES, Mark, Totals};

/// Bytes in front of the first frame.
pub const HEAD_BYTES: u64 = 4096;

/// The same as an index.
pub const FIRST_FRAME: usize = 4096;

/// The format that is written. Older ones from 2 on are read.
pub const FORMAT: u8 = b'2';

const MAGIC: [u8; 6] = *b"TKJRNL";
/// Bytes of the words, their checksum left out.
const WORDS: usize = 48 + MARK_BYTES;

/// Where in the head its words stand: twice, so that one damaged spot does not
/// cost the segment.
const COPIES: [usize; 2] = [0, 2048];

/// What the head of a segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The segment and what its frames begin with.
    pub segment: Segment,
    /// What was appended in all segments before it.
    pub before: Totals,
    /// The low watermark when it was begun.
    pub low: Mark,
    /// The highest number of a record before it.
    pub highest: i64,
}

/// What stands where a head belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The head of this segment.
    Head(Head),
    /// Nothing: the segment was made, or zeroed, and not begun.
    Unused,
    /// The head of a segment in another format than ours.
    OtherFormat(u8),
    /// None of these.
    Damaged,
}

impl Head {
    /// As it stands at the beginning of the segment.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut words = Vec::with_capacity(WORDS + 4);
        words.extend_from_slice(&MAGIC);
        words.extend_from_slice(&[FORMAT, b'\n']);
        words.extend_from_slice(&self.segment.number.to_le_bytes());
        words.extend_from_slice(&self.segment.marker);
        words.extend_from_slice(&self.before.weight.to_le_bytes());
        words.extend_from_slice(&self.before.bytes.to_le_bytes());
        words.extend_from_slice(&self.low.to_bytes());
        words.extend_from_slice(&self.highest.to_le_bytes());
        words.extend_from_slice(&crc32fast::hash(&words).to_le_bytes());
        let mut head = vec![0; FIRST_FRAME];
        for copy in COPIES {
            head[copy..copy + words.len()].copy_from_slice(&words);
        }
        head
    }

    /// Reads the head of the segment with this number.
    pub fn read(bytes: &[u8], number: u64) -> Found {
        let copies = COPIES.iter().filter_map(|&copy| bytes.get(copy..));
        if let Some(head) = copies.clone().find_map(Self::read_words) {
            // A head with another number is of an earlier use: the power went
            // before the zeros of a journal without syncs were on the disk.
            return if head.segment.number == number {
                Found::Head(head)
            } else {
                Found::Unused
            };
        }
        let format = copies.clone().find_map(|words| {
            let rest = words.strip_prefix(&MAGIC)?;
            (rest.get(1) == Some(&b'\n') && rest[0] != FORMAT).then_some(rest[0])
        });
        match format {
            Some(format) => Found::OtherFormat(format),
            None if bytes.iter().all(|byte| *byte == 0) => Found::Unused,
            None => Found::Damaged,
        }
    }

    fn read_words(words: &[u8]) -> Option<Self> {
        let checked = words.get(..WORDS)?;
        let crc = u32::from_le_bytes(words.get(WORDS..WORDS + 4)?.try_into().ok()?);
        let is_ours = checked[..6] == MAGIC && checked[6] == FORMAT;
        (is_ours && crc32fast::hash(checked) == crc).then_some(())?;
        let word = |at: usize| -> Option<[u8; 8]> { checked.get(at..at + 8)?.try_into().ok() };
        Some(Self {
            segment: Segment {
                number: u64::from_le_bytes(word(8)?),
                marker: word(16)?,
            },
            before: Totals {
                weight: u64::from_le_bytes(word(24)?),
                bytes: u64::from_le_bytes(word(32)?),
            },
            low: Mark::from_bytes(&checked[40..40 + MARK_BYTES])?,
            highest: i64::from_le_bytes(word(40 + MARK_BYTES)?),
        })
    }
}
