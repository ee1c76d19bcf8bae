//! Whether what went over is what there was: every kind by its number, and the journeys of some
//! users and of the ids that are linked to them, each event as a whole.
//!
//! What an API gives of an event is made of the event alone, by one piece of code. So where both
//! stores give the same events in the same order, the bytes of a journey are the same.

use std::collections::VecDeque;
use std::path::PathBuf;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use trailkeep_store::embedded::EmbeddedStore;
use trailkeep_store::mongo::MongoStore;
use trailkeep_store::moving::Kind;
use trailkeep_store::people::{MAX_PEOPLE, PeopleStore, Person};
use trailkeep_store::{Id, JourneyRange, Order, Store, StoreError, StoredEvent};
use uuid::Uuid;

use super::error::MoveError;
use crate::cli::progress::Progress;
use crate::journeys::linked::MOST_IDS;

/// Places in the order of writing at which a user is looked for.
const SAMPLES: usize = 200;

/// Events that are read at once.
const PAGE: usize = 1_000;

/// What is compared.
pub struct Pair<'a> {
    pub source: &'a EmbeddedStore,
    pub target: &'a MongoStore,
    /// The folder's mark, which a message names.
    pub mark: PathBuf,
}

/// How much was compared.
pub struct Compared {
    pub journeys: u64,
    pub events: u64,
}

impl Pair<'_> {
    /// Whether there are as many of each kind.
    pub async fn count(&self) -> Result<(), MoveError> {
        for kind in Kind::ALL {
            let here = self.source.rows(kind).await.map_err(MoveError::Reading)?;
            let there = self.target.count_of(kind).await.map_err(MoveError::Writing)?;
            if here != there {
                let (table, mark) = (kind.table(), self.mark.clone());
                return Err(MoveError::Counts { table, here, there, mark });
            }
        }
        Ok(())
    }

    /// Compares journeys of users that are drawn by the move's id.
    pub async fn compare(&self, id: Uuid) -> Result<Compared, MoveError> {
        let mut seed = [0; 32];
        seed[..16].copy_from_slice(id.as_bytes());
        let mut chance = ChaCha8Rng::from_seed(seed);
        let shares = (0..SAMPLES).map(|_| chance.random()).collect();
        let users = self.source.users_at(shares).await.map_err(MoveError::Reading)?;
        let progress = Progress::begin(users.len() as u64, "journeys compared");
        let mut compared = Compared { journeys: 0, events: 0 };
        for user in users {
            compared.events += self.compare_one(&user).await?;
            compared.journeys += 1;
            progress.show(compared.journeys, None);
        }
        progress.end();
        Ok(compared)
    }

    /// How many events the journey has.
    async fn compare_one(&self, user: &str) -> Result<u64, MoveError> {
        let here = linked_to(self.source, user).await.map_err(MoveError::Reading)?;
        let there = linked_to(self.target, user).await.map_err(MoveError::Writing)?;
        if here != there {
            return Err(MoveError::Links { user: user.to_owned(), mark: self.mark.clone() });
        }
        let range = JourneyRange::whole(ids(user, &here), Order::Ascending);
        let mut here = Walk::along(self.source, range.clone());
        let mut there = Walk::along(self.target, range);
        let mut place = 0;
        loop {
            let event = here.next().await.map_err(MoveError::Reading)?;
            if event != there.next().await.map_err(MoveError::Writing)? {
                let (user, mark) = (user.to_owned(), self.mark.clone());
                return Err(MoveError::Journey { user, place: place + 1, mark });
            }
            if event.is_none() {
                return Ok(place);
            }
            place += 1;
        }
    }
}

/// All that is known of a user and of linked ids, by their ids.
async fn linked_to(store: &dyn PeopleStore, user: &str) -> Result<Vec<Person>, StoreError> {
    let mut people = store.linked_to(user, &[], MAX_PEOPLE).await?;
    people.sort_unstable_by(|left, right| left.id.cmp(&right.id));
    Ok(people)
}

/// Whose events the journey has.
fn ids(user: &str, people: &[Person]) -> Vec<Id> {
    let linked = people.iter().filter_map(|person| {
        let link = person.link().filter(|link| *link.user == *user)?;
        Some(Id { id: person.id.to_string(), until: link.until })
    });
    std::iter::once(Id::whole(user)).chain(linked).take(MOST_IDS).collect()
}

/// The events of a range, one after the other.
struct Walk<'a> {
    store: &'a dyn Store,
    range: JourneyRange,
    read: VecDeque<StoredEvent>,
    has_more: bool,
}

impl<'a> Walk<'a> {
    fn along(store: &'a dyn Store, range: JourneyRange) -> Self {
        Self { store, range, read: VecDeque::new(), has_more: true }
    }

    async fn next(&mut self) -> Result<Option<StoredEvent>, StoreError> {
        if self.read.is_empty() && self.has_more {
            let part = self.store.journey(&self.range, PAGE).await?;
            self.range.after = part.events.last().map(StoredEvent::position);
            self.has_more = part.has_more;
            self.read = part.events.into();
        }
        Ok(self.read.pop_front())
    }
}
