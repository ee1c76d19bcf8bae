//! The dead letters of a running service.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::letters::{Letters, LettersError, Tried};
use crate::cli::control::{Control, ControlError};
use crate::dead_letters::RetriedAll;

/// The letters of a service.
pub struct There<'a>(pub &'a Control);

/// `None` where the service knows no letter of that id.
fn unless_unknown<T>(answer: Result<T, ControlError>) -> Result<Option<T>, ControlError> {
    match answer {
        Err(error) if error.kind() == Some("unknown-id") => Ok(None),
        answer => answer.map(Some),
    }
}

fn path_of(id: Uuid) -> String {
    format!("/dead-letters/{id}")
}

impl Letters for There<'_> {
    async fn all(&self) -> Result<Vec<Value>, LettersError> {
        Ok(self.0.get_all("/dead-letters", "deadLetters").await?)
    }

    async fn get(&self, id: Uuid) -> Result<Option<Value>, LettersError> {
        Ok(unless_unknown(self.0.get(&path_of(id)).await)?)
    }

    async fn count(&self) -> Result<u64, LettersError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Stats {
            dead_letters: Option<u64>,
        }
        let stats: Stats = self.0.get("/stats").await?;
        Ok(stats.dead_letters.unwrap_or_default())
    }

    async fn retry(&self, id: Uuid) -> Result<Option<Tried>, LettersError> {
        #[derive(Deserialize)]
        struct Retried {
            outcome: String,
        }
        let path = format!("{}/retry", path_of(id));
        let retried: Result<Retried, _> = self.0.post(&path, &json!({})).await;
        if retried.as_ref().is_err_and(|error| error.kind() == Some("refused-again")) {
            // The letter has the database's words.
            let letter = self.get(id).await?;
            return Ok(letter.map(|letter| Tried::Refused(refusal(&letter))));
        }
        let retried = unless_unknown(retried)?;
        Ok(retried.map(|retried| match &*retried.outcome {
            "duplicate" => Tried::Duplicate,
            _ => Tried::Stored,
        }))
    }

    async fn retry_all(&self, tried: &mut RetriedAll) -> Result<(), LettersError> {
        #[derive(Deserialize)]
        struct Retried {
            stored: u64,
            duplicates: u64,
            refused: u64,
        }
        let Retried { stored, duplicates, refused } =
            self.0.post("/dead-letters/retry", &json!({})).await?;
        *tried = RetriedAll { stored, duplicates, refused };
        Ok(())
    }

    async fn remove(&self, id: Uuid) -> Result<bool, LettersError> {
        let removed = self.0.delete::<()>(&path_of(id)).await;
        Ok(unless_unknown(removed)?.is_some())
    }

    async fn remove_all(&self, removed: &mut u64) -> Result<(), LettersError> {
        #[derive(Deserialize)]
        struct Dropped {
            dropped: u64,
        }
        let Dropped { dropped } = self.0.delete("/dead-letters?all=true").await?;
        *removed = dropped;
        Ok(())
    }
}

/// As a refusal is told.
fn refusal(letter: &Value) -> String {
    let text = |name: &str| letter[name].as_str().unwrap_or_default();
    format!("{} ({})", text("error"), text("reason"))
}
