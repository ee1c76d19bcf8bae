//! Where something stands in a journal, and how much was appended before it.

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
        Self {
            weight: self.weight + u64::from(weight),
            bytes: self.bytes + bytes,
        }
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
    /// Where.
    pub place: Place,
    /// What was appended before.
    pub totals: Totals,
}

/// Bytes of a mark.
pub const MARK_BYTES: usize = 32;

impl Mark {
    /// As it stands in a frame and in the head of a segment.
    pub fn to_bytes(self) -> [u8; MARK_BYTES] {
        let words = [
            self.place.segment,
            self.place.offset,
            self.totals.weight,
            self.totals.bytes,
        ];
        let mut bytes = [0; MARK_BYTES];
        for (eight, word) in bytes.chunks_exact_mut(8).zip(words) {
            eight.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Reads [`to_bytes`](Self::to_bytes).
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut words = bytes.get(..MARK_BYTES)?.chunks_exact(8).map(|eight| {
            let mut word = [0; 8];
            word.copy_from_slice(eight);
            u64::from_le_bytes(word)
        });
        Some(Self {
            place: Place {
                segment: words.next()?,
                offset: words.next()?,
            },
            totals: Totals {
                weight: words.next()?,
                bytes: words.next()?,
            },
        })
    }

    /// The one that is further on.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        if other.place > self.place {
            other
        } else {
            self
        }
    }
}
