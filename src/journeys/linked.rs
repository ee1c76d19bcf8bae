//! Whose events a journey has: the user's, and those of the ids that are linked to the
//! user, each up to where its link ends.
//!
//! What waiting events say counts already. They are looked up first and the store after
//! them, as for a page: what is stored in between is found in both, and merging it twice
//! changes nothing.

mod joining;

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher as _;
use std::sync::Arc;

use parking_lot::Mutex;
use trailkeep_event::{Accepted, Arrival, KnownAs};
use trailkeep_store::people::{PeopleStore, Person};
use trailkeep_store::{Id, StoreError};

use crate::ingest::Ingest;
use crate::people::facts;
pub use joining::JoinError;

/// The ids of a journey at the most, the user's own among them.
pub const MOST_IDS: usize = 100;

/// Ids of which it is remembered that others are linked to them.
const MOST_REMEMBERED: usize = 10_000;

/// An id whose events are in the journey of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedId {
    /// The id.
    pub id: Box<str>,
    /// The arrival of the event that linked it.
    pub since: Arrival,
    /// Only what arrived before this is in the journey.
    pub until: Option<Arrival>,
    /// All that is known of it.
    pub person: Person,
}

/// Who is who about one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circle {
    /// What is known of the id itself.
    pub person: Person,
    /// The ids that are linked to it, those first that were linked last.
    pub linked: Vec<LinkedId>,
    /// Whether there are more of them than a journey takes.
    pub is_cut: bool,
}

impl Circle {
    /// The user whose the id is, where that is another.
    pub fn linked_to(&self) -> Option<Box<str>> {
        self.person.link().map(|link| link.user)
    }

    /// Whether nobody ever spoke of the id.
    pub fn is_unknown(&self) -> bool {
        self.linked.is_empty() && self.person == Person::new(&self.person.id)
    }

    /// Whose events the journey has: its own, and those of linked ids.
    pub fn ids(&self) -> Vec<Id> {
        let linked = self.linked.iter();
        let linked = linked.map(|id| Id { id: id.id.to_string(), until: id.until });
        std::iter::once(Id::whole(&*self.person.id)).chain(linked).collect()
    }
}

/// Tells who is who.
pub struct Links {
    store: Arc<dyn PeopleStore>,
    ingest: Arc<Ingest>,
    /// Hashes of ids of which what is read of their own events alone is read in vain. So
    /// nothing of a user who is erased is in it, and two that are alike cost a read.
    not_alone: Mutex<HashSet<u64>>,
    hashes: RandomState,
}

impl Links {
    /// Of what is in the store and on its way there.
    pub fn new(store: Arc<dyn PeopleStore>, ingest: Arc<Ingest>) -> Self {
        Self { store, ingest, not_alone: Mutex::default(), hashes: RandomState::new() }
    }

    /// Who is who about one id, and what is read of the id's own events meanwhile. That is
    /// `None` where others are linked to the id, and theirs are to be read with them.
    pub async fn beside<T>(
        &self,
        id: &str,
        own: impl Future<Output = T>,
    ) -> Result<(Circle, Option<T>), StoreError> {
        let hash = self.hashes.hash_one(id);
        let was_alone = !self.not_alone.lock().contains(&hash);
        let own = async {
            match was_alone {
                true => Some(own.await),
                false => None,
            }
        };
        let (circle, own) = tokio::join!(self.of(id), own);
        let circle = circle?;
        let is_alone = circle.linked.is_empty();
        if is_alone != was_alone {
            self.remember(hash, is_alone);
        }
        Ok((circle, own.filter(|_| is_alone)))
    }

    fn remember(&self, hash: u64, is_alone: bool) {
        let mut not_alone = self.not_alone.lock();
        if is_alone {
            not_alone.remove(&hash);
            return;
        }
        if not_alone.len() >= MOST_REMEMBERED {
            not_alone.clear();
        }
        not_alone.insert(hash);
    }

    /// Who is who about one id, with as many linked ids as a journey takes.
    pub async fn of(&self, id: &str) -> Result<Circle, StoreError> {
        self.all_of(id, MOST_IDS).await
    }

    /// The same with `most` ids, the id itself among them: at most
    /// [`MAX_PEOPLE`](trailkeep_store::people::MAX_PEOPLE).
    pub async fn all_of(&self, id: &str, most: usize) -> Result<Circle, StoreError> {
        let waiting = Waiting(self.ingest.saying());
        let mut rows = self.rows(id, &waiting, most).await?;
        let joined: Vec<Box<str>> = rows
            .values()
            .filter(|row| is_joined(row, id) && *row.id != *id)
            .map(|row| row.id.clone())
            .collect();
        // Whoever was joined brings the ids along that are linked to them.
        for other in joined {
            for (key, row) in self.rows(&other, &waiting, most).await? {
                rows.entry(key).or_insert(row);
            }
        }
        Ok(circle(id, rows, most))
    }

    /// The row of an id, and those that are or may be linked to it, with what waits.
    async fn rows(
        &self,
        id: &str,
        waiting: &Waiting,
        most: usize,
    ) -> Result<BTreeMap<Box<str>, Person>, StoreError> {
        let others = waiting.claimed_by(id, most);
        let rows = self.store.linked_to(id, &others, most).await?;
        let mut known: BTreeMap<Box<str>, Person> =
            rows.into_iter().map(|person| (person.id.clone(), person)).collect();
        for id in std::iter::once(id).chain(others) {
            known.entry(id.into()).or_insert_with(|| Person::new(id));
        }
        known.values_mut().for_each(|person| waiting.merge_into(person));
        Ok(known)
    }
}

fn is_joined(row: &Person, id: &str) -> bool {
    row.decided.as_ref().is_some_and(|decision| decision.user.as_deref() == Some(id))
}

/// Events that say whose an id is, and are not stored yet.
struct Waiting(Vec<Arc<Accepted>>);

impl Waiting {
    /// The ids that are said to be this user's.
    fn claimed_by(&self, user: &str, most: usize) -> Vec<&str> {
        let of_user = self.0.iter().filter(|accepted| *accepted.event.user_id == *user);
        let anonymous = of_user.filter_map(|accepted| match accepted.event.known_as() {
            KnownAs::Both { anonymous_id } => Some(anonymous_id),
            KnownAs::User | KnownAs::Visitor => None,
        });
        let mut ids: Vec<&str> = anonymous.collect();
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(most);
        ids
    }

    /// Adds what is said of this id.
    fn merge_into(&self, person: &mut Person) {
        for accepted in &self.0 {
            if accepted.event.user_id == person.id {
                person.merge(&facts::of_user(accepted));
            } else if let KnownAs::Both { anonymous_id } = accepted.event.known_as()
                && *anonymous_id == *person.id
                && let Some(said) = facts::of_anonymous(accepted)
            {
                person.merge(&said);
            }
        }
    }
}

/// Whose ids are whose, by their rows.
fn circle(id: &str, mut rows: BTreeMap<Box<str>, Person>, most: usize) -> Circle {
    let person = rows.remove(id).unwrap_or_else(|| Person::new(id));
    let joined: Vec<&str> =
        rows.values().filter(|row| is_joined(row, id)).map(|row| &*row.id).collect();
    let mut linked: Vec<LinkedId> = rows
        .values()
        .filter_map(|row| {
            let link = row.link()?;
            let is_ours = *link.user == *id || joined.contains(&&*link.user);
            let (id, person) = (row.id.clone(), row.clone());
            is_ours.then_some(LinkedId { id, since: link.since, until: link.until, person })
        })
        .collect();
    linked.sort_by(|left, right| right.since.cmp(&left.since).then_with(|| left.id.cmp(&right.id)));
    let is_cut = linked.len() >= most;
    linked.truncate(most - 1);
    Circle { person, linked, is_cut }
}
