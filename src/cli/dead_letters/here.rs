//! Dead letters in stores that this process has opened.

use std::sync::Arc;

use serde_json::{Value, json};
use trailkeep_event::StoreId;
use trailkeep_event::time::{Clock, SystemClock};
use trailkeep_store::StoreError;
use trailkeep_store::access::AccessStore;
use trailkeep_store::dead_letters::{DeadLetter, LetterHead};
use uuid::Uuid;

use super::letters::{Letters, LettersError, Tried};
use crate::access::audit::{Actor, action};
use crate::app::Stores;
use crate::dead_letters::{DeadLetters, Retried, RetriedAll};

/// Letters that are asked for at once.
const PAGE: usize = 500;

/// What the audit trail says of something that was done to all letters.
const ALL: &str = "all";

/// The letters in opened stores.
pub struct Here {
    letters: DeadLetters,
    trail: Arc<dyn AccessStore>,
    clock: Arc<dyn Clock>,
}

impl Here {
    pub fn new(stores: &Stores) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let letters = DeadLetters::new(
            Arc::clone(&stores.events),
            Arc::clone(&stores.letters),
            Arc::clone(&stores.processing),
            Arc::clone(&clock),
            // What is stored here of a user who is being erased, the service removes once it
            // starts.
            Arc::default(),
        );
        Self { letters, trail: Arc::clone(&stores.access), clock }
    }

    /// Notes what is about to be done.
    async fn note(&self, action: &str, subject: &str) -> Result<(), StoreError> {
        let entry = Actor::shell().did(action, Some(subject), &*self.clock);
        self.trail.record(&[entry]).await
    }
}

impl Letters for Here {
    async fn all(&self) -> Result<Vec<Value>, LettersError> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self.letters.page(after, PAGE).await?;
            all.extend(page.iter().map(fields));
            match page.last() {
                Some(last) => after = Some(last.place()),
                None => return Ok(all),
            }
        }
    }

    async fn get(&self, id: Uuid) -> Result<Option<Value>, LettersError> {
        let letter = self.letters.get(own(id)).await?;
        Ok(letter.as_ref().map(whole))
    }

    async fn count(&self) -> Result<u64, LettersError> {
        Ok(self.letters.count().await?)
    }

    async fn retry(&self, id: Uuid) -> Result<Option<Tried>, LettersError> {
        self.note(action::RETRY_DEAD_LETTER, &id.to_string()).await?;
        let retried = self.letters.retry(own(id)).await?;
        Ok(retried.map(|retried| match retried {
            Retried::Stored => Tried::Stored,
            Retried::Duplicate => Tried::Duplicate,
            Retried::Refused(refusal) => Tried::Refused(refusal.to_string()),
        }))
    }

    async fn retry_all(&self, tried: &mut RetriedAll) -> Result<(), LettersError> {
        self.note(action::RETRY_DEAD_LETTER, ALL).await?;
        Ok(self.letters.retry_all(tried).await?)
    }

    async fn remove(&self, id: Uuid) -> Result<bool, LettersError> {
        self.note(action::DROP_DEAD_LETTER, &id.to_string()).await?;
        Ok(self.letters.remove(own(id)).await?)
    }

    async fn remove_all(&self, removed: &mut u64) -> Result<(), LettersError> {
        self.note(action::DROP_DEAD_LETTER, ALL).await?;
        Ok(self.letters.remove_all(removed).await?)
    }
}

/// As `GET /dead-letters/{id}` has it.
fn whole(letter: &DeadLetter) -> Value {
    let mut fields = fields(&letter.head());
    let payload = letter.accepted.event.payload.to_json();
    fields["payload"] = serde_json::from_str(&payload).unwrap_or_default();
    fields
}

/// As `GET /dead-letters` has it.
fn fields(letter: &LetterHead) -> Value {
    let mut fields = json!({
        "id": letter.id.to_string(),
        "userId": letter.user_id,
        "eventId": letter.event_id,
        "type": letter.kind,
        "occurredAt": letter.occurred_at.to_string(),
        "receivedAt": letter.received_at.to_string(),
        "reason": letter.refusal.reason.word(),
        "error": letter.refusal.error,
        "setAsideAt": letter.set_aside_at.to_string(),
        "triedAt": letter.tried_at.to_string(),
        "tries": letter.tries,
    });
    for (name, value) in [
        ("anonymousId", &letter.anonymous_id),
        ("sessionId", &letter.session_id),
        ("accountId", &letter.account_id),
    ] {
        if let Some(value) = value {
            fields[name] = (**value).into();
        }
    }
    fields
}

fn own(id: Uuid) -> StoreId {
    StoreId::from_bytes(id.into_bytes())
}
