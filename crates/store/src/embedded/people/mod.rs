//! Who is who, in the one file.
//!
//! Rows are put together before the thread that writes gets them, and each call is one
//! transaction of it. `tables` has the tables and how expired rows leave them, `rows` and
//! `searching` what is asked of `people` and `person_terms`, `sessions` of
//! `user_sessions`.

pub(super) mod rows;
mod searching;
pub(super) mod sessions;
pub(super) mod tables;

use async_trait::async_trait;
use trailkeep_event::Timestamp;

use self::rows::Encoded;
use super::EmbeddedStore;
use crate::StoreError;
use crate::people::{Matching, PeopleStore, Person, Row, SessionUser, TermKind, range};

/// Those that run all the time.
#[cfg(test)]
pub(super) fn statements() -> [&'static str; 8] {
    [
        rows::OF_ID,
        rows::LINKED_TO,
        rows::TERMS,
        searching::PREFIX,
        searching::WHOLE,
        tables::EXPIRED,
        tables::ALONE,
        tables::DELETE_EXPIRED_SESSIONS,
    ]
}

#[async_trait]
impl PeopleStore for EmbeddedStore {
    async fn people(&self, ids: &[&str]) -> Result<Vec<Row>, StoreError> {
        let ids: Vec<Box<str>> = ids.iter().copied().map(Box::from).collect();
        self.readers.read(move |connection| rows::of(connection, &ids)).await
    }

    async fn keep(&self, rows: &[Row]) -> Result<usize, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        let rows = rows.iter().map(Encoded::of).collect::<Result<Vec<_>, _>>()?;
        self.writer.change(move |transaction| rows::keep(transaction, &rows)).await
    }

    async fn linked_to(
        &self,
        user_id: &str,
        others: &[&str],
        most: usize,
    ) -> Result<Vec<Person>, StoreError> {
        let user_id = user_id.to_owned();
        let ids: Vec<Box<str>> =
            std::iter::once(&*user_id).chain(others.iter().copied()).map(Box::from).collect();
        self.readers.read(move |connection| rows::linked_to(connection, &user_id, &ids, most)).await
    }

    async fn by_term(
        &self,
        kind: TermKind,
        text: &str,
        matching: Matching,
        most: usize,
    ) -> Result<Vec<Person>, StoreError> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let range = range(kind, text);
        self.readers
            .read(move |connection| searching::by_term(connection, &range, matching, most))
            .await
    }

    async fn note_sessions(&self, sessions: &[SessionUser]) -> Result<(), StoreError> {
        if sessions.is_empty() {
            return Ok(());
        }
        let sessions = sessions.to_vec();
        self.writer.change(move |transaction| sessions::note(transaction, &sessions)).await
    }

    async fn session_user(&self, session_id: &str) -> Result<Option<SessionUser>, StoreError> {
        let session_id = session_id.to_owned();
        self.readers.read(move |connection| sessions::find(connection, &session_id)).await
    }

    async fn remove_people(&self, ids: &[&str]) -> Result<u64, StoreError> {
        let ids: Vec<Box<str>> = ids.iter().copied().map(Box::from).collect();
        self.writer.change(move |transaction| tables::remove(transaction, &ids)).await
    }

    async fn remove_sessions(&self, sessions: &[&str], user_id: &str) -> Result<u64, StoreError> {
        let sessions: Vec<Box<str>> = sessions.iter().copied().map(Box::from).collect();
        let user_id = user_id.to_owned();
        self.writer
            .change(move |transaction| sessions::remove(transaction, &sessions, &user_id))
            .await
    }

    /// The writer does it, with what else is past the retention.
    async fn sweep(&self, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}
