//! Pages of a list: how many rows, from where on, and where the next page begins.

use super::query::Parameters;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 500;

/// Which page is asked for.
pub struct Paging<P> {
    /// Where the page before ended; `None` for the first page.
    pub after: Option<P>,
    limit: usize,
}

impl<P> Paging<P> {
    /// Reads `limit` and `cursor`; `decode` takes a cursor that [`cut`](Self::cut)
    /// gave.
    pub fn read(parameters: &mut Parameters, decode: impl FnOnce(&str) -> Option<P>) -> Self {
        let limit = parameters.number("limit", 1..=MAX_LIMIT).unwrap_or(DEFAULT_LIMIT);
        Self { after: parameters.cursor(decode), limit }
    }

    /// The same, with so many rows on a page.
    pub fn of(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// The rows to ask for: one more than are shown, which says whether there is a
    /// next page.
    pub fn wanted(&self) -> usize {
        self.limit + 1
    }

    /// The rows of the page, and the cursor of the next one. A page goes on behind
    /// its last row, which `cursor` names.
    pub fn cut<T>(
        &self,
        mut rows: Vec<T>,
        cursor: impl FnOnce(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| has_more).map(cursor);
        (rows, next)
    }
}
