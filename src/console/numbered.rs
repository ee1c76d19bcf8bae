//! Lists that services give as a whole, shown by numbered pages. Pure.

use crate::http::query::Parameters;

/// Rows on a page.
pub const ROWS: usize = 100;

/// One page of a list.
#[derive(Debug, PartialEq)]
pub struct Numbered<T> {
    pub rows: Vec<T>,
    /// The numbers of the pages beside it.
    pub before: Option<usize>,
    pub after: Option<usize>,
    /// How long the whole list is.
    pub total: usize,
}

/// The number of the page that is asked for, from 1.
pub fn asked(parameters: &mut Parameters) -> usize {
    parameters.number("page", 1..=1_000_000).unwrap_or(1)
}

impl<T> Numbered<T> {
    /// The page of this number; the last one where there are not so many.
    pub fn of(rows: impl IntoIterator<Item = T>, number: usize) -> Self {
        let mut rows: Vec<T> = rows.into_iter().collect();
        let total = rows.len();
        let last = total.div_ceil(ROWS).max(1);
        let number = number.clamp(1, last);
        rows.drain(..(number - 1) * ROWS);
        rows.truncate(ROWS);
        Self {
            rows,
            before: (number > 1).then(|| number - 1),
            after: (number < last).then(|| number + 1),
            total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_on_one_page() {
        let seen = (1..=3).flat_map(|number| Numbered::of(0..250, number).rows);
        assert!(seen.eq(0..250));
        let second = Numbered::of(0..250, 2);
        assert_eq!((second.before, second.after, second.total), (Some(1), Some(3), 250));
        assert_eq!(Numbered::of(0..250, 9), Numbered::of(0..250, 3));
        let none = Numbered::of(Vec::<u8>::new(), 1);
        assert_eq!((none.before, none.after, none.total), (None, None, 0));
        assert_eq!(Numbered::of(0..ROWS, 1).after, None);
    }
}
