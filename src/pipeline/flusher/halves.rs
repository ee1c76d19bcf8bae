//! Writing so that what refuses a whole batch for one of its events takes all
//! the others.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::FlushError;
use crate::event::Accepted;
use crate::store::dead_letters::{DeadLetter, DeadLetterStore};
use crate::store::{Outcome, Store, StoreError};

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
/// that is at fault stands alone; each try may take as long as the limit.
pub async fn insert(
    store: &dyn Store,
    events: &[Arc<Accepted>],
    limit: Duration,
) -> Result<Written, FlushError> {
    let mut written = Written::default();
    let (mut next, mut parts) = (Some(events), Vec::new());
    while let Some(part) = next {
        let answer = in_time(limit, store.insert(part)).await;
        written.add(part, answer, &mut parts)?;
        next = parts.pop();
    }
    Ok(written)
}

/// Keeps dead letters, in the same way.
pub async fn put(
    store: &dyn DeadLetterStore,
    letters: &[DeadLetter],
    limit: Duration,
) -> Result<Vec<Outcome>, FlushError> {
    let mut written = Written::default();
    let (mut next, mut parts) = (Some(letters), Vec::new());
    while let Some(part) = next {
        let answer = in_time(limit, store.put(part)).await;
        written.add(part, answer, &mut parts)?;
        next = parts.pop();
    }
    Ok(written.outcomes)
}

impl Written {
    /// Takes the answer for the next part, or puts its halves in its place.
    fn add<'a, T>(
        &mut self,
        part: &'a [T],
        answer: Result<Vec<Outcome>, FlushError>,
        parts: &mut Vec<&'a [T]>,
    ) -> Result<(), FlushError> {
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
            Err(FlushError::Store(StoreError::Refused(refusal))) if part.len() <= 1 => {
                self.outcomes.push(Outcome::Refused(refusal));
            }
            Err(FlushError::Store(StoreError::Refused(_))) => {
                let (left, right) = part.split_at(part.len() / 2);
                parts.extend([right, left]);
                self.was_split = true;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// What a call answers, if it does so within the limit.
pub async fn in_time<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, FlushError> {
    Ok(timeout(limit, call)
        .await
        .map_err(|_| FlushError::TimedOut)??)
}
