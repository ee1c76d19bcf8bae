//! The table `dead_letters`: events that the file refused for good.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use trailkeep_event::{Accepted, Arrival, Payload, StoreId, Timestamp};

use super::{EmbeddedStore, fault};
use crate::dead_letters::{DeadLetter, DeadLetterStore, LetterHead, LetterPlace};
use crate::{Outcome, Reason, Refusal, StoreError};

const INSERT: &str = "
    INSERT INTO dead_letters (id, user_id, event_id, type, session_id, account_id, payload,
                              occurred_at, received_at, arrival,
                              reason, error, set_aside_at, tried_at, tries, anonymous_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    ON CONFLICT (id) DO NOTHING";

macro_rules! columns {
    () => {
        "id, user_id, event_id, type, session_id, account_id, occurred_at, received_at, arrival,
         reason, error, set_aside_at, tried_at, tries, anonymous_id"
    };
}

macro_rules! heads {
    ($condition:literal) => {
        concat!("SELECT ", columns!(), " FROM dead_letters ", $condition)
    };
}

/// Heads, and the payload of each behind them.
pub(super) const EVERY: &str = concat!("SELECT ", columns!(), ", payload FROM dead_letters");

const LIST: &str = heads!(
    "WHERE (set_aside_at, id) < (?1, ?2)
     ORDER BY set_aside_at DESC, id DESC LIMIT ?3"
);

const HEAD: &str = heads!("WHERE id = ?1");

const PAYLOAD: &str = "SELECT payload FROM dead_letters WHERE id = ?1";

const REFUSED_AGAIN: &str = "
    UPDATE dead_letters SET reason = ?2, error = ?3, tried_at = ?4, tries = tries + 1
    WHERE id = ?1";

const DELETE: &str = "DELETE FROM dead_letters WHERE id = ?1";

/// Of any index: they are smaller than the table.
const COUNT: &str = "SELECT count(*) FROM dead_letters";

#[async_trait]
impl DeadLetterStore for EmbeddedStore {
    async fn put(&self, letters: &[DeadLetter]) -> Result<Vec<Outcome>, StoreError> {
        let letters = letters.to_vec();
        self.writer
            .change(move |transaction| {
                letters.iter().map(|letter| put(transaction, letter)).collect()
            })
            .await
    }

    async fn list(
        &self,
        after: Option<LetterPlace>,
        limit: usize,
    ) -> Result<Vec<LetterHead>, StoreError> {
        self.readers.read(move |connection| list(connection, after, limit)).await
    }

    async fn get(&self, id: StoreId) -> Result<Option<DeadLetter>, StoreError> {
        let found = self.readers.read(move |connection| get(connection, id)).await?;
        found.map(|(head, payload)| letter(head, &payload)).transpose()
    }

    async fn refused_again(
        &self,
        id: StoreId,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let refusal = refusal.clone();
        self.writer
            .change(move |transaction| {
                transaction.prepare_cached(REFUSED_AGAIN)?.execute(params![
                    id.as_bytes(),
                    refusal.reason.word(),
                    refusal.error,
                    now.as_millis(),
                ])
            })
            .await
            .map(|_| ())
    }

    async fn remove(&self, ids: &[StoreId]) -> Result<u64, StoreError> {
        let ids = ids.to_vec();
        self.writer
            .change(move |transaction| {
                let mut delete = transaction.prepare_cached(DELETE)?;
                let mut removed = 0;
                for id in &ids {
                    removed += delete.execute([id.as_bytes()])? as u64;
                }
                Ok(removed)
            })
            .await
    }

    async fn count(&self) -> Result<u64, StoreError> {
        let count: i64 = self
            .readers
            .read(|connection| connection.prepare_cached(COUNT)?.query_row([], |row| row.get(0)))
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

fn put(transaction: &Transaction<'_>, letter: &DeadLetter) -> rusqlite::Result<Outcome> {
    let Accepted { event, arrival } = &*letter.accepted;
    let written = transaction.prepare_cached(INSERT)?.execute(params![
        event.id.as_bytes(),
        event.user_id,
        event.event_id,
        event.kind,
        event.session_id,
        event.account_id,
        event.payload.to_json(),
        event.occurred_at.as_millis(),
        event.received_at.as_millis(),
        arrival.as_i64(),
        letter.refusal.reason.word(),
        letter.refusal.error,
        letter.set_aside_at.as_millis(),
        letter.tried_at.as_millis(),
        letter.tries,
        event.anonymous_id,
    ]);
    match written {
        Ok(0) => Ok(Outcome::Duplicate),
        Ok(_) => Ok(Outcome::Stored),
        Err(error) if fault::is_of_the_row(&error) && !transaction.is_autocommit() => {
            Ok(Outcome::Refused(fault::refusal(&error)))
        }
        Err(error) => Err(error),
    }
}

fn list(
    connection: &Connection,
    after: Option<LetterPlace>,
    limit: usize,
) -> rusqlite::Result<Vec<LetterHead>> {
    // No id has 17 bytes: this comes before all.
    let (at, id) = after.map_or((i64::MAX, vec![u8::MAX; 17]), |place| {
        (place.set_aside_at.as_millis(), place.id.as_bytes().to_vec())
    });
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection.prepare_cached(LIST)?.query_map(params![at, id, limit], head)?.collect()
}

fn get(connection: &Connection, id: StoreId) -> rusqlite::Result<Option<(LetterHead, Box<str>)>> {
    let transaction = connection.unchecked_transaction()?;
    let head = transaction.prepare_cached(HEAD)?.query_row([id.as_bytes()], head).optional()?;
    let Some(head) = head else {
        return Ok(None);
    };
    let payload =
        transaction.prepare_cached(PAYLOAD)?.query_row([id.as_bytes()], |row| row.get(0))?;
    Ok(Some((head, payload)))
}

fn letter(head: LetterHead, payload: &str) -> Result<DeadLetter, StoreError> {
    let payload = Payload::from_kept_json(payload)
        .map_err(|error| StoreError::Unreadable(format!("a payload in dead_letters: {error}")))?;
    Ok(head.with_payload(payload))
}

pub(super) fn head(row: &Row<'_>) -> rusqlite::Result<LetterHead> {
    let reason: String = row.get(9)?;
    let error: String = row.get(10)?;
    Ok(LetterHead {
        id: StoreId::from_bytes(row.get(0)?),
        user_id: row.get(1)?,
        event_id: row.get(2)?,
        kind: row.get(3)?,
        anonymous_id: row.get(14)?,
        session_id: row.get(4)?,
        account_id: row.get(5)?,
        occurred_at: Timestamp::from_millis_clamped(row.get(6)?),
        received_at: Timestamp::from_millis_clamped(row.get(7)?),
        arrival: Arrival::from_i64(row.get(8)?),
        refusal: Refusal::new(Reason::from_word(&reason), error),
        set_aside_at: Timestamp::from_millis_clamped(row.get(11)?),
        tried_at: Timestamp::from_millis_clamped(row.get(12)?),
        tries: row.get(13)?,
    })
}
