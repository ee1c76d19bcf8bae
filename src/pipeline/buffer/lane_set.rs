//! Some of the lanes.

/// How many lanes there may be.
pub const MAX_LANES: usize = 64;

/// Lanes by their numbers. Needs no allocation: one is made for each batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneSet(u64);

impl LaneSet {
    /// Adds a lane.
    pub fn insert(&mut self, lane: usize) {
        self.0 |= 1 << (lane % MAX_LANES);
    }

    /// Those of both.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Their numbers.
    pub fn numbers(self) -> impl Iterator<Item = usize> {
        (0..MAX_LANES).filter(move |lane| self.0 & (1 << lane) != 0)
    }
}
