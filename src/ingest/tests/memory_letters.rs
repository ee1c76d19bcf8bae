//! Dead letters in memory, for tests of what writes and reads them.

use async_trait::async_trait;
use parking_lot::Mutex;

use trailkeep_event::{StoreId, Timestamp};
use trailkeep_store::dead_letters::{DeadLetter, DeadLetterStore, LetterHead, LetterPlace};
use trailkeep_store::{Outcome, Reason, Refusal, StoreError};

/// What every put does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnPut {
    /// Keeps the letters.
    #[default]
    Keep,
    /// Refuses each of them.
    Refuse,
    /// Fails.
    Fail,
}

/// Keeps letters until it is dropped.
#[derive(Default)]
pub struct MemoryLetters {
    /// What is kept.
    pub kept: Mutex<Vec<DeadLetter>>,
    /// What becomes of new ones.
    pub on_put: Mutex<OnPut>,
}

#[async_trait]
impl DeadLetterStore for MemoryLetters {
    async fn put(&self, letters: &[DeadLetter]) -> Result<Vec<Outcome>, StoreError> {
        let mut kept = self.kept.lock();
        let put = |letter: &DeadLetter| {
            if kept.iter().any(|other| other.accepted.event.id == letter.accepted.event.id) {
                return Outcome::Duplicate;
            }
            kept.push(letter.clone());
            Outcome::Stored
        };
        match *self.on_put.lock() {
            OnPut::Keep => Ok(letters.iter().map(put).collect()),
            OnPut::Refuse => {
                let refusal = Refusal::new(Reason::Validation, "as told");
                Ok(vec![Outcome::Refused(refusal); letters.len()])
            }
            OnPut::Fail => Err(StoreError::Unavailable("as told".to_owned())),
        }
    }

    async fn list(
        &self,
        after: Option<LetterPlace>,
        limit: usize,
    ) -> Result<Vec<LetterHead>, StoreError> {
        let mut heads: Vec<_> = self.kept.lock().iter().map(DeadLetter::head).collect();
        heads.sort_by_key(|head| std::cmp::Reverse(head.place()));
        heads.retain(|head| after.is_none_or(|after| head.place() < after));
        heads.truncate(limit);
        Ok(heads)
    }

    async fn get(&self, id: StoreId) -> Result<Option<DeadLetter>, StoreError> {
        let kept = self.kept.lock();
        let found = kept.iter().find(|letter| letter.accepted.event.id == id);
        Ok(found.cloned())
    }

    async fn refused_again(
        &self,
        id: StoreId,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for letter in self.kept.lock().iter_mut() {
            if letter.accepted.event.id == id {
                letter.refusal = refusal.clone();
                letter.tried_at = now;
                letter.tries += 1;
            }
        }
        Ok(())
    }

    async fn remove(&self, ids: &[StoreId]) -> Result<u64, StoreError> {
        let mut kept = self.kept.lock();
        let before = kept.len();
        kept.retain(|letter| !ids.contains(&letter.accepted.event.id));
        Ok((before - kept.len()) as u64)
    }

    async fn count(&self) -> Result<u64, StoreError> {
        Ok(self.kept.lock().len() as u64)
    }
}
