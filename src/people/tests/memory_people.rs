//! Rows in memory, for tests of what writes and reads them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use trailkeep_event::Timestamp;
use trailkeep_store::StoreError;
use trailkeep_store::people::{Matching, PeopleStore, Person, Row, SessionUser, TermKind};

/// Keeps rows until it is dropped.
#[derive(Default)]
pub struct MemoryPeople {
    rows: Mutex<HashMap<Box<str>, Row>>,
    sessions: Mutex<Vec<SessionUser>>,
    /// Rows that searches have read.
    pub read: AtomicUsize,
    /// Whether it is away.
    pub is_away: AtomicBool,
    /// How often it was asked for something.
    pub calls: AtomicUsize,
}

impl MemoryPeople {
    /// The row of an id.
    pub fn row(&self, id: &str) -> Option<Person> {
        self.rows.lock().get(id).map(|row| row.person.clone())
    }

    fn answer(&self) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable("as told".to_owned())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl PeopleStore for MemoryPeople {
    async fn people(&self, ids: &[&str]) -> Result<Vec<Row>, StoreError> {
        self.answer()?;
        let rows = self.rows.lock();
        Ok(ids.iter().filter_map(|id| rows.get(*id).cloned()).collect())
    }

    async fn keep(&self, changed: &[Row]) -> Result<usize, StoreError> {
        self.answer()?;
        let mut rows = self.rows.lock();
        let mut left_out = 0;
        for row in changed {
            if rows.get(&row.person.id).map_or(0, |there| there.rev) != row.rev {
                left_out += 1;
                continue;
            }
            let kept = Row { rev: row.rev + 1, ..row.clone() };
            rows.insert(row.person.id.clone(), kept);
        }
        Ok(left_out)
    }

    async fn linked_to(
        &self,
        user_id: &str,
        others: &[&str],
        most: usize,
    ) -> Result<Vec<Person>, StoreError> {
        self.answer()?;
        let rows = self.rows.lock();
        let people = || rows.values().map(|row| &row.person);
        let linked = people().filter(|person| person.is_linked_to(user_id)).take(most);
        let rest = people().filter(|person| {
            let is_wanted = *person.id == *user_id || others.contains(&&*person.id);
            is_wanted && !person.is_linked_to(user_id)
        });
        Ok(linked.chain(rest).cloned().collect())
    }

    async fn by_term(
        &self,
        kind: TermKind,
        text: &str,
        matching: Matching,
        most: usize,
    ) -> Result<Vec<Person>, StoreError> {
        self.answer()?;
        let rows = self.rows.lock();
        let found = rows.values().filter(|row| row.person.has_term(kind, text, matching));
        let found: Vec<_> = found.take(most).map(|row| row.person.clone()).collect();
        self.read.fetch_add(found.len(), Ordering::SeqCst);
        Ok(found)
    }

    async fn note_sessions(&self, sessions: &[SessionUser]) -> Result<(), StoreError> {
        if sessions.is_empty() {
            return Ok(());
        }
        self.sessions.lock().extend_from_slice(sessions);
        self.answer()
    }

    async fn session_user(&self, session_id: &str) -> Result<Option<SessionUser>, StoreError> {
        self.answer()?;
        let sessions = self.sessions.lock();
        Ok(sessions.iter().find(|session| *session.session_id == *session_id).cloned())
    }

    async fn remove_people(&self, ids: &[&str]) -> Result<u64, StoreError> {
        self.answer()?;
        let mut rows = self.rows.lock();
        Ok(ids.iter().filter(|id| rows.remove(**id).is_some()).count() as u64)
    }

    async fn remove_sessions(&self, removed: &[&str], user_id: &str) -> Result<u64, StoreError> {
        self.answer()?;
        let mut sessions = self.sessions.lock();
        let before = sessions.len();
        sessions.retain(|session| {
            *session.user_id != *user_id || !removed.contains(&&*session.session_id)
        });
        Ok((before - sessions.len()) as u64)
    }

    async fn sweep(&self, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}
