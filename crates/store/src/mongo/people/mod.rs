//! Who is who, in MongoDB.
//!
//! - `people`: one document an id, which is its `_id`. `documents` has its fields, `rows`
//!   what is asked of it.
//! - `userSessions`: one document a session of a tracker, `sessions` in the code. Not in
//!   `people`: what finds rows there would have to tell the two apart each time, and what
//!   it saves is one command for each write with a new session in it.
//!
//! Every call is a [`Call`](super::causal::Call), so that what is acknowledged survives
//! the loss of a server, and no read goes back in time. Nothing rests on several documents
//! at once, so the collections may be sharded by a hash of `_id`; nobody has to.
//!
//! `indexes` has what is made beforehand.

pub mod documents;
pub mod indexes;
mod rows;
pub mod sessions;

use std::time::Duration;

use async_trait::async_trait;
use trailkeep_event::Timestamp;

use super::store::MongoStore;
use crate::StoreError;
use crate::people::{Matching, PeopleStore, Person, Row, SessionUser, TermKind, range};
use crate::timeouts::in_time;

pub use indexes::{PEOPLE, SESSIONS, prepare, wanted};

#[async_trait]
impl PeopleStore for MongoStore {
    async fn people(&self, ids: &[&str]) -> Result<Vec<Row>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.read(async { rows::of(&mut self.call().await?, ids).await }).await
    }

    async fn keep(&self, rows: &[Row]) -> Result<usize, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.write(async { rows::keep(&mut self.call().await?, rows).await }).await
    }

    async fn linked_to(
        &self,
        user_id: &str,
        others: &[&str],
        most: usize,
    ) -> Result<Vec<Person>, StoreError> {
        self.read(async { rows::linked_to(&mut self.call().await?, user_id, others, most).await })
            .await
    }

    async fn by_term(
        &self,
        kind: TermKind,
        text: &str,
        matching: Matching,
        most: usize,
    ) -> Result<Vec<Person>, StoreError> {
        if text.is_empty() || most == 0 {
            return Ok(Vec::new());
        }
        let range = range(kind, text);
        self.read(async { rows::by_term(&mut self.call().await?, &range, matching, most).await })
            .await
    }

    async fn note_sessions(&self, sessions: &[SessionUser]) -> Result<(), StoreError> {
        if sessions.is_empty() {
            return Ok(());
        }
        self.write(async { sessions::note(&mut self.call().await?, sessions).await }).await
    }

    async fn session_user(&self, session_id: &str) -> Result<Option<SessionUser>, StoreError> {
        self.read(async { sessions::find(&mut self.call().await?, session_id).await }).await
    }

    async fn remove_people(&self, ids: &[&str]) -> Result<u64, StoreError> {
        self.write(async { rows::remove(&mut self.call().await?, ids).await }).await
    }

    async fn remove_sessions(&self, sessions: &[&str], user_id: &str) -> Result<u64, StoreError> {
        self.write(async { sessions::remove(&mut self.call().await?, sessions, user_id).await })
            .await
    }

    /// The rest is removed by the server.
    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        let Some(retention) = self.settings.retention.longest() else { return Ok(()) };
        let horizon = now.plus_millis(-millis(retention));
        let sweep = async { rows::sweep(&mut self.call().await?, horizon).await };
        in_time(self.settings.timeouts.prepare, sweep).await
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
