//! Writing so that what refuses a whole batch for one of its events takes all
//! the others.

use std::sync::Arc;

use trailkeep_event::Accepted;
use trailkeep_store::dead_letters::{DeadLetter, DeadLetterStore};
use trailkeep_store::{Outcome, Store, StoreError};

/// What became of each event of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// One for each event, in order.
    pub outcomes: Vec<Outcome>,
    /// Whether parts were sent again: some of those that come back as
    /// duplicates may have been written the first time.
    pub was_split: bool,
}

/// Inserts events. A part that is refused as a whole is halved until the event
/// that is at fault stands alone.
pub async fn insert(store: &dyn Store, events: &[Arc<Accepted>]) -> Result<Written, StoreError> {
    let mut written = Written::default();
    let (mut next, mut parts) = (Some(events), Vec::new());
    while let Some(part) = next {
        written.add(part, store.insert(part).await, &mut parts)?;
        next = parts.pop();
    }
    Ok(written)
}

/// Keeps dead letters, in the same way.
pub async fn put(
    store: &dyn DeadLetterStore,
    letters: &[DeadLetter],
) -> Result<Vec<Outcome>, StoreError> {
    let mut written = Written::default();
    let (mut next, mut parts) = (Some(letters), Vec::new());
    while let Some(part) = next {
        written.add(part, store.put(part).await, &mut parts)?;
        next = parts.pop();
    }
    Ok(written.outcomes)
}

impl Written {
    /// Takes the answer for the next part, or puts its halves in its place.
    fn add<'a, T>(
        &mut self,
        part: &'a [T],
        answer: Result<Vec<Outcome>, StoreError>,
        parts: &mut Vec<&'a [T]>,
    ) -> Result<(), StoreError> {
        match answer {
            Ok(mut outcomes) => {
                // One for each, whatever the store answered.
                outcomes.resize(part.len(), Outcome::Retry);
                if self.outcomes.is_empty() {
                    self.outcomes = outcomes;
                } else {
                    self.outcomes.append(&mut outcomes);
                }
            }
            Err(StoreError::Refused(refusal)) if part.len() <= 1 => {
                self.outcomes.push(Outcome::Refused(refusal));
            }
            Err(StoreError::Refused(_)) => {
                let (left, right) = part.split_at(part.len() / 2);
                parts.extend([right, left]);
                self.was_split = true;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
