//! The lowest of many places, of which memory holds no more than are wanted.

use std::collections::BinaryHeap;

use trailkeep_event::{Arrival, StoreId};

/// The lowest places by arrival number and id, out of any order.
pub struct Lowest {
    limit: usize,
    /// The highest of them is at its top.
    kept: BinaryHeap<(Arrival, StoreId)>,
    has_more: bool,
}

impl Lowest {
    /// At most so many of them.
    pub fn new(limit: usize) -> Self {
        Self { limit, kept: BinaryHeap::new(), has_more: false }
    }

    pub fn take(&mut self, place: (Arrival, StoreId)) {
        if self.kept.len() < self.limit {
            self.kept.push(place);
            return;
        }
        self.has_more = true;
        if let Some(mut highest) = self.kept.peek_mut()
            && place < *highest
        {
            *highest = place;
        }
    }

    /// All of them in order, and whether there were more.
    pub fn finish(self) -> (Vec<(Arrival, StoreId)>, bool) {
        (self.kept.into_sorted_vec(), self.has_more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(arrival: i64) -> (Arrival, StoreId) {
        (Arrival::from_i64(arrival), StoreId::derive("ann", &arrival.to_string()))
    }

    fn lowest(limit: usize, arrivals: impl IntoIterator<Item = i64>) -> (Vec<i64>, bool) {
        let mut lowest = Lowest::new(limit);
        arrivals.into_iter().map(place).for_each(|place| lowest.take(place));
        let (places, has_more) = lowest.finish();
        (places.into_iter().map(|(arrival, _)| arrival.as_i64()).collect(), has_more)
    }

    #[test]
    fn the_lowest_come_in_order_whatever_the_order_they_came_in() {
        assert_eq!(lowest(3, [5, 1, 4, 2, 3]), (vec![1, 2, 3], true));
        assert_eq!(lowest(3, [1, 2, 3, 4, 5]), (vec![1, 2, 3], true));
        assert_eq!(lowest(5, [5, 1, 4, 2, 3]), (vec![1, 2, 3, 4, 5], false));
        assert_eq!(lowest(0, [1]), (vec![], true));
        assert_eq!(lowest(0, []), (vec![], false));
        assert_eq!(lowest(usize::MAX, []), (vec![], false));
    }
}
