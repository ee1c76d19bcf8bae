//! Who is who: one row for each id, be it a user's or an anonymous one.
//!
//! Events are never rewritten. What they say about ids is merged into rows, each part so
//! that order and repetition make no difference (see [`person`]): replay, several
//! instances and late events come to the same row. A store has to keep rows, to replace
//! one only where it is still as it was read, and to find rows by whom they are linked to
//! and by what people search for.
//!
//! Beside the rows there is the user of each session: that needs less, and has a place of
//! its own.

mod claims;
mod emails;
mod parts;
pub mod person;
mod terms;
#[cfg(test)]
mod tests;
mod traits;

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;
use trailkeep_event::{Arrival, Timestamp};

use super::StoreError;

pub use claims::{Claim, Claims};
pub use emails::{Email, Emails, MAX_EARLIER_EMAILS, MAX_EMAIL_BYTES};
pub(crate) use parts::Parts;
pub(crate) use person::Age;
pub use person::{Decision, Link, Person, Seen};
pub use terms::{MAX_NAME_WORDS, MAX_WORD_BYTES, Matching, TermKind};
pub(crate) use terms::{Range, range};
pub use traits::{MAX_TRAIT_BYTES, MAX_TRAITS, Trait, Traits};

/// Rows that are read or kept by one call, and sessions that are noted by one. Each row
/// has at most about 40 KiB.
pub const MAX_PEOPLE: usize = 1_000;

/// How often [`PeopleStore::merge_in`] reads and writes again what somebody else changed
/// meanwhile, and the pause before it, which grows.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(10);

/// A row as it was read, or as it is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is known of the id.
    pub person: Person,
    /// Grows by one whenever the row is replaced; 0 where there is none yet. One that is
    /// to be kept has that at which it was read.
    pub rev: i64,
}

/// Whose a session is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionUser {
    /// The session's id.
    pub session_id: Box<str>,
    /// The arrival of its first event.
    pub since: Arrival,
    /// The user of that event.
    pub user_id: Box<str>,
}

/// Keeps a row for each id, and the user of each session.
///
/// As with [`Store`](super::Store), any call may be made at any time and ends in time, and
/// a database that is away is [`StoreError::Unavailable`]. What is acknowledged would
/// survive a crash of the store and the loss of a server, and [`people`](Self::people) is
/// not older than anything that this store has answered before.
///
/// Rows go with the events of their ids: where there is a retention, one that was seen
/// last longer ago than that is deleted, traits and all, at most an hour and the time of a
/// sweep later. One that an administrator joined to a user stays while there is a row of
/// that user.
#[async_trait]
pub trait PeopleStore: Send + Sync + 'static {
    /// The rows of these ids, at most [`MAX_PEOPLE`], in any order; an id without a row
    /// has none here. An id is compared byte for byte.
    async fn people(&self, ids: &[&str]) -> Result<Vec<Row>, StoreError>;

    /// Puts each row in the place of the one with its id, where that still has the
    /// revision that the row names; with revision 0, where there is none. Answers how many
    /// did not fit and were left out: somebody else was there first. At most
    /// [`MAX_PEOPLE`] rows, each of another id.
    ///
    /// After an error some of the rows may be kept.
    async fn keep(&self, rows: &[Row]) -> Result<usize, StoreError>;

    /// The row of a user, those of these others (at most [`MAX_PEOPLE`]), and those whose
    /// [`link`](Person::link) is the user's, also where it has ended. In any order, each
    /// once. Of more than `most` (at least one) that are linked, those are given whose
    /// link is newest, and no others. By indexes, and of a user without others in one
    /// question: each journey begins with it.
    async fn linked_to(
        &self,
        user_id: &str,
        others: &[&str],
        most: usize,
    ) -> Result<Vec<Person>, StoreError>;

    /// Rows that have a term of this kind that is or begins with this text, in any case: at
    /// most so many, in any order, each once. Nothing in the text is a pattern, and an
    /// empty one finds nothing. By an index, of which no more is read than is found.
    async fn by_term(
        &self,
        kind: TermKind,
        text: &str,
        matching: Matching,
        most: usize,
    ) -> Result<Vec<Person>, StoreError>;

    /// Notes whose sessions these are, at most [`MAX_PEOPLE`]. Of those that are noted for
    /// one session, in whatever order, that of the lowest arrival stays, and of one
    /// arrival the user whose id comes first. It goes as the session's first event does.
    async fn note_sessions(&self, sessions: &[SessionUser]) -> Result<(), StoreError>;

    /// Whose session this is, as far as it was noted.
    async fn session_user(&self, session_id: &str) -> Result<Option<SessionUser>, StoreError>;

    /// Removes the rows of these ids, at most [`MAX_PEOPLE`], with
    /// all that they are found by; answers how many there were.
    async fn remove_people(&self, ids: &[&str]) -> Result<u64, StoreError>;

    /// Removes these sessions, at most [`MAX_PEOPLE`], where they
    /// are this user's; answers how many there were.
    async fn remove_sessions(&self, sessions: &[&str], user_id: &str) -> Result<u64, StoreError>;

    /// Deletes rows past the retention that wait for their user's row to go, of which there
    /// are as many as administrators made. Called from time to time; a store that does it
    /// by itself does nothing here.
    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Merges what is said of ids into their rows, however many and in any order; several
    /// of one id may be among them. What the rows say already is not written.
    ///
    /// # Errors
    ///
    /// Besides those of the store, [`StoreError::Unavailable`] where others changed the
    /// same rows each time. All of it may be merged again: what was kept is known then.
    async fn merge_in(&self, said: &[Person]) -> Result<(), StoreError> {
        self.merge_in_lagging(said, 0).await
    }

    /// The same, but that an id was seen no more than `lag_ms` milliseconds earlier or later
    /// than its row says is not written for itself.
    async fn merge_in_lagging(&self, said: &[Person], lag_ms: i64) -> Result<(), StoreError> {
        let said = by_id(said);
        let mut ids: Vec<&str> = said.keys().copied().collect();
        // In one order everywhere, those who write the same rows wait less for each other.
        ids.sort_unstable();
        for ids in ids.chunks(MAX_PEOPLE) {
            let mut attempt = 1;
            while !merge_once(self, ids, &said, lag_ms).await? {
                if attempt == TRIES {
                    return Err(StoreError::Unavailable(format!(
                        "others changed the same people {TRIES} times"
                    )));
                }
                sleep(PAUSE * attempt).await;
                attempt += 1;
            }
        }
        Ok(())
    }
}

/// All that is said of each id as one.
pub fn by_id(said: &[Person]) -> HashMap<&str, Person> {
    let mut merged: HashMap<&str, Person> = HashMap::with_capacity(said.len());
    for person in said {
        match merged.get_mut(&*person.id) {
            Some(known) => known.merge(person),
            None => {
                merged.insert(&person.id, person.clone());
            }
        }
    }
    merged
}

/// Reads rows, merges, and keeps what changed; whether all of that fitted.
async fn merge_once<S: PeopleStore + ?Sized>(
    store: &S,
    ids: &[&str],
    said: &HashMap<&str, Person>,
    lag_ms: i64,
) -> Result<bool, StoreError> {
    let known = store.people(ids).await?;
    let mut known: HashMap<Box<str>, Row> =
        known.into_iter().map(|row| (row.person.id.clone(), row)).collect();
    let mut changed = Vec::new();
    for id in ids {
        let Some(said) = said.get(id) else { continue };
        match known.remove(*id) {
            None => changed.push(Row { person: said.clone(), rev: 0 }),
            Some(row) => {
                let mut person = row.person.clone();
                person.merge(said);
                if !person.says_no_more_than(&row.person, lag_ms) {
                    changed.push(Row { person, rev: row.rev });
                }
            }
        }
    }
    Ok(changed.is_empty() || store.keep(&changed).await? == 0)
}
