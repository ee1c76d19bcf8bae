//! What the store refuses for good becomes a dead letter.

use std::sync::Arc;

use tracing::error;
use trailkeep_event::{Accepted, Timestamp};
use trailkeep_store::dead_letters::{DeadLetter, DeadLetterStore};
use trailkeep_store::{Outcome, Refusal, StoreError};

use super::bisect;

/// Why a letter is not kept.
#[derive(Debug, thiserror::Error)]
pub enum NotSetAside {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the database refuses an event, and refuses to keep it as a dead letter: {0}")]
    Refused(Refusal),
}

/// Keeps what is refused for good as dead letters. An event whose letter is not kept has to
/// be tried again: nothing else has it.
pub async fn keep(
    letters: &dyn DeadLetterStore,
    events: &[Arc<Accepted>],
    outcomes: &mut [Outcome],
    now: Timestamp,
) -> Result<(), NotSetAside> {
    let letter = |(accepted, outcome): (&Arc<Accepted>, &Outcome)| match outcome {
        Outcome::Refused(refusal) => {
            Some(DeadLetter::new(Arc::clone(accepted), refusal.clone(), now))
        }
        _ => None,
    };
    let refused = events.iter().zip(&*outcomes).filter_map(letter);
    let refused: Vec<DeadLetter> = refused.collect();
    let Some(first) = refused.first() else {
        return Ok(());
    };
    let (put, error) = match bisect::put(letters, &refused).await {
        Ok(put) => (put, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let mut put = put.into_iter().chain(std::iter::repeat(Outcome::Retry));
    let (mut kept, mut not_kept) = (0, None);
    for outcome in outcomes {
        if !matches!(outcome, Outcome::Refused(_)) {
            continue;
        }
        match put.next() {
            Some(Outcome::Stored | Outcome::Duplicate) => kept += 1,
            other => {
                not_kept = not_kept.or(other);
                *outcome = Outcome::Retry;
            }
        }
    }
    if kept > 0 {
        error!(
            events = kept, first_id = %first.accepted.event.id,
            reason = first.refusal.reason.word(),
            "the database refuses events for good; they are dead letters now"
        );
    }
    match (error, not_kept) {
        (Some(error), _) => Err(error.into()),
        (None, Some(Outcome::Refused(refusal))) => Err(NotSetAside::Refused(refusal)),
        (None, _) => Ok(()),
    }
}
