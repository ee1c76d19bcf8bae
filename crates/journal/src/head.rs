//! The head of a segment.

use bytes::{Buf as _, BufMut as _};

use super::frame::Segment;
use super::place::{MARK_BYTES, Mark, Totals};

/// Bytes in front of the first frame.
pub const HEAD_BYTES: u64 = 4096;

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
    Head(Head),
    /// Nothing: the segment was made, or zeroed, and not begun.
    Unused,
    /// The head of a segment in another format than ours.
    OtherFormat(u8),
    Damaged,
}

impl Head {
    /// As it stands at the beginning of the segment.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut words = Vec::with_capacity(WORDS + 4);
        words.put_slice(&MAGIC);
        words.put_slice(&[FORMAT, b'\n']);
        words.put_u64_le(self.segment.number);
        words.put_slice(&self.segment.marker);
        words.put_u64_le(self.before.weight);
        words.put_u64_le(self.before.bytes);
        self.low.write(&mut words);
        words.put_i64_le(self.highest);
        words.put_u32_le(crc32fast::hash(&words));
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
            return if head.segment.number == number { Found::Head(head) } else { Found::Unused };
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
        let (checked, mut crc) = words.split_at_checked(WORDS)?;
        (crc.try_get_u32_le().ok()? == crc32fast::hash(checked)).then_some(())?;
        let mut words = checked.strip_prefix(&MAGIC)?.strip_prefix(&[FORMAT, b'\n'])?;
        Some(Self {
            segment: Segment {
                number: words.try_get_u64_le().ok()?,
                marker: words.try_get_u64_le().ok()?.to_le_bytes(),
            },
            before: Totals {
                weight: words.try_get_u64_le().ok()?,
                bytes: words.try_get_u64_le().ok()?,
            },
            low: Mark::read(&mut words)?,
            highest: words.try_get_i64_le().ok()?,
        })
    }
}
