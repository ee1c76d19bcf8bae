//! A page of the file, and what of it holds nothing.
//!
//! SQLite writes what it deletes over with zeros. But where it moves cells from a page to
//! another, or packs those of a page, it leaves copies behind: between the pointers to the
//! cells and the first cell, in blocks that are free, and in the few bytes between cells
//! that are too short for a block. The format is that of
//! <https://www.sqlite.org/fileformat2.html>, chapter 1.6.
//!
//! A page is only changed where all of it adds up: each byte behind the pointers is in one
//! cell, in one free block or among as many others as the page says. A page of another kind
//! does not, nor does one that is damaged.

use std::ops::Range;

/// The least that a page has.
const MIN_BYTES: usize = 480;

/// A block begins with the place of the next one, and its length.
const BLOCK_HEADER: usize = 4;

/// A cell takes at least as much.
const MIN_CELL: usize = 4;

/// The page with zeros for what holds nothing; `None` where that has zeros already, or the
/// page is none of a b-tree. Its own header is at `header`, and it ends with `usable` bytes.
pub fn scrubbed(page: &[u8], header: usize, usable: usize) -> Option<Vec<u8>> {
    let unused = unused(page.get(..usable)?, header)?;
    let is_zero = |range: &Range<usize>| page[range.clone()].iter().all(|byte| *byte == 0);
    if unused.iter().all(is_zero) {
        return None;
    }
    let mut scrubbed = page.to_vec();
    for range in unused {
        scrubbed[range].fill(0);
    }
    Some(scrubbed)
}

/// What is in use, and what may be in the midst of it: of a free block, its header.
struct Taken {
    all: Range<usize>,
    kept: usize,
}

/// What of the page holds nothing.
fn unused(page: &[u8], header: usize) -> Option<Vec<Range<usize>>> {
    if page.len() < MIN_BYTES {
        return None;
    }
    let kind = Kind::of(*page.get(header)?)?;
    let pointers = header + kind.header_bytes();
    let cells = pointers..pointers + 2 * two_bytes(page, header + 3)?;
    let start = match two_bytes(page, header + 5)? {
        0 => 1 << 16,
        start => start,
    };
    let fragments = usize::from(*page.get(header + 7)?);
    if start < cells.end || start > page.len() {
        return None;
    }
    let mut taken = free_blocks(page, two_bytes(page, header + 1)?)?;
    for pointer in cells.clone().step_by(2) {
        let at = two_bytes(page, pointer)?;
        let end = at + kind.cell_bytes(page, at)?;
        taken.push(Taken { all: at..end, kept: end - at });
    }
    taken.sort_unstable_by_key(|taken| taken.all.start);
    let mut unused = Vec::with_capacity(2 * taken.len() + 2);
    unused.push(cells.end..start);
    let (mut reached, mut between) = (start, 0);
    for Taken { all, kept } in taken {
        if all.start < reached || all.end > page.len() {
            return None;
        }
        between += all.start - reached;
        unused.push(reached..all.start);
        unused.push(all.start + kept..all.end);
        reached = all.end;
    }
    between += page.len() - reached;
    unused.push(reached..page.len());
    (between == fragments).then_some(unused)
}

/// The chain of free blocks, each of which comes behind the one before.
fn free_blocks(page: &[u8], first: usize) -> Option<Vec<Taken>> {
    let mut blocks: Vec<Taken> = Vec::new();
    let mut at = first;
    while at != 0 {
        if blocks.last().is_some_and(|last| at < last.all.end) {
            return None;
        }
        let bytes = two_bytes(page, at + 2)?;
        if bytes < BLOCK_HEADER {
            return None;
        }
        blocks.push(Taken { all: at..at + bytes, kept: BLOCK_HEADER });
        at = two_bytes(page, at)?;
    }
    Some(blocks)
}

/// What a page of a b-tree has in its cells.
#[derive(Clone, Copy)]
enum Kind {
    IndexInterior,
    TableInterior,
    IndexLeaf,
    TableLeaf,
}

impl Kind {
    fn of(first_byte: u8) -> Option<Self> {
        match first_byte {
            2 => Some(Self::IndexInterior),
            5 => Some(Self::TableInterior),
            10 => Some(Self::IndexLeaf),
            13 => Some(Self::TableLeaf),
            _ => None,
        }
    }

    fn header_bytes(self) -> usize {
        match self {
            Self::IndexInterior | Self::TableInterior => 12,
            Self::IndexLeaf | Self::TableLeaf => 8,
        }
    }

    /// Bytes of the cell that begins there.
    fn cell_bytes(self, page: &[u8], at: usize) -> Option<usize> {
        /// The number of a page.
        const CHILD: usize = 4;
        let bytes = match self {
            Self::TableInterior => CHILD + varint(page, at + CHILD)?.1,
            Self::IndexInterior => {
                let (payload, bytes) = varint(page, at + CHILD)?;
                CHILD + bytes + self.local_bytes(payload, page.len())
            }
            Self::IndexLeaf => {
                let (payload, bytes) = varint(page, at)?;
                bytes + self.local_bytes(payload, page.len())
            }
            Self::TableLeaf => {
                let (payload, bytes) = varint(page, at)?;
                let rowid = varint(page, at + bytes)?.1;
                bytes + rowid + self.local_bytes(payload, page.len())
            }
        };
        Some(bytes.max(MIN_CELL))
    }

    /// How much of a payload is on the page itself, and the number of the page with the rest,
    /// if there is any.
    fn local_bytes(self, payload: u64, usable: usize) -> usize {
        const NEXT: usize = 4;
        let most = match self {
            Self::TableLeaf => usable - 35,
            _ => (usable - 12) * 64 / 255 - 23,
        };
        let Some(payload) = usize::try_from(payload).ok().filter(|bytes| *bytes > most) else {
            // What does not fit into a number does not fit on the page either.
            return usize::try_from(payload).unwrap_or(usable);
        };
        let least = (usable - 12) * 32 / 255 - 23;
        let rest = least + (payload - least) % (usable - 4);
        NEXT + if rest <= most { rest } else { least }
    }
}

fn two_bytes(page: &[u8], at: usize) -> Option<usize> {
    let bytes = page.get(at..at + 2)?;
    Some(usize::from(bytes[0]) << 8 | usize::from(bytes[1]))
}

/// A number of one to nine bytes, and how many it has.
fn varint(page: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut number = 0;
    for (place, byte) in page.get(at..)?.iter().take(8).enumerate() {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, place + 1));
        }
    }
    Some((number << 8 | u64::from(*page.get(at + 8)?), 9))
}

#[cfg(test)]
mod tests;
