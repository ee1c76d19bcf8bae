//! Where something stands in a journal, and how much was appended before it.

use bytes::{Buf, BufMut};

/// A place in the journal. Places grow in the order of appending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Number of the segment.
    pub segment: u64,
    /// Bytes from its beginning.
    pub offset: u64,
}

/// What was ever appended up to a place, marks left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// The sum of the records' weights.
    pub weight: u64,
    /// Bytes of their frames.
    pub bytes: u64,
}

impl Totals {
    /// With one record more.
    #[must_use]
    pub fn and(self, weight: u32, bytes: u64) -> Self {
        Self { weight: self.weight + u64::from(weight), bytes: self.bytes + bytes }
    }

    /// What came after `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            weight: self.weight.saturating_sub(earlier.weight),
            bytes: self.bytes.saturating_sub(earlier.bytes),
        }
    }
}

/// A place between two records, and the totals there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// The place that it marks.
    pub place: Place,
    /// What was appended before.
    pub totals: Totals,
}

pub const MARK_BYTES: usize = 32;

impl Mark {
    /// As it stands in a frame and in the head of a segment.
    pub fn write(self, mut out: impl BufMut) {
        out.put_u64_le(self.place.segment);
        out.put_u64_le(self.place.offset);
        out.put_u64_le(self.totals.weight);
        out.put_u64_le(self.totals.bytes);
    }

    /// Reads what [`write`](Self::write) wrote.
    pub fn read(mut bytes: impl Buf) -> Option<Self> {
        let place =
            Place { segment: bytes.try_get_u64_le().ok()?, offset: bytes.try_get_u64_le().ok()? };
        let totals =
            Totals { weight: bytes.try_get_u64_le().ok()?, bytes: bytes.try_get_u64_le().ok()? };
        Some(Self { place, totals })
    }

    /// The one that is further on.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        if other.place > self.place { other } else { self }
    }
}
