//! What a person does about dead letters: look at them, have their events
//! stored after all, or drop them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tracing::debug;
use trailkeep_event::time::Clock;
use trailkeep_event::{Arrival, StoreId};
use trailkeep_store::dead_letters::{DeadLetter, DeadLetterStore, LetterHead, LetterPlace};
use trailkeep_store::processing::ProcessingStore;
use trailkeep_store::{Outcome, Refusal, Store, StoreError};

use crate::ingest::erased::Erased;
use crate::ingest::feeder::Fed;
use crate::ingest::feeding::feed_directly;
use crate::ingest::quiet::Quiet;
use crate::monitoring::statistics::Statistics;

/// Letters that are looked up at once when all of them are meant.
const PAGE: usize = 200;

/// Letters whose order is held in memory at once: about 4 MiB.
const SORTED: usize = 100_000;

/// How often they are counted for `/stats`.
const COUNT_EVERY: Duration = Duration::from_secs(2);

/// A letter in the order of arrival.
type Place = (Arrival, StoreId);

/// The dead letters of a store.
pub struct DeadLetters {
    events: Arc<dyn Store>,
    letters: Arc<dyn DeadLetterStore>,
    feeds: Arc<dyn ProcessingStore>,
    clock: Arc<dyn Clock>,
    erased: Arc<Erased>,
    quiet: Quiet,
}

/// What became of an event that was tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// It is stored, and its letter is gone.
    Stored,
    /// It had been stored meanwhile, and its letter is gone.
    Duplicate,
    /// It was refused again; its letter says so.
    Refused(Refusal),
}

/// What became of all of them, as far as they were tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetriedAll {
    /// Stored; their letters are gone.
    pub stored: u64,
    /// Stored meanwhile; their letters are gone.
    pub duplicates: u64,
    /// Refused again; their letters stay.
    pub refused: u64,
}

impl RetriedAll {
    /// Counts one more.
    pub fn add(&mut self, retried: &Retried) {
        match retried {
            Retried::Stored => self.stored += 1,
            Retried::Duplicate => self.duplicates += 1,
            Retried::Refused(_) => self.refused += 1,
        }
    }
}

impl DeadLetters {
    /// The dead letters of a store.
    pub fn new(
        events: Arc<dyn Store>,
        letters: Arc<dyn DeadLetterStore>,
        feeds: Arc<dyn ProcessingStore>,
        clock: Arc<dyn Clock>,
        erased: Arc<Erased>,
    ) -> Self {
        Self { events, letters, feeds, clock, erased, quiet: Quiet::default() }
    }

    /// Who is trying a letter again.
    pub fn quiet(&self) -> &Quiet {
        &self.quiet
    }

    /// Letters without their payloads, newest first, from the one after `after`.
    pub async fn page(
        &self,
        after: Option<LetterPlace>,
        limit: usize,
    ) -> Result<Vec<LetterHead>, StoreError> {
        self.letters.list(after, limit).await
    }

    /// One letter, whole.
    pub async fn get(&self, id: StoreId) -> Result<Option<DeadLetter>, StoreError> {
        self.letters.get(id).await
    }

    /// How many there are.
    pub async fn count(&self) -> Result<u64, StoreError> {
        self.letters.count().await
    }

    /// Tries to store an event again, with the identity and the arrival number
    /// that it had. `None` if there is no such letter.
    pub async fn retry(&self, id: StoreId) -> Result<Option<Retried>, StoreError> {
        // An erasure waits for its end, and removes what it has stored.
        let _at_work = self.quiet.enter();
        let Some(letter) = self.get(id).await? else {
            return Ok(None);
        };
        let accepted = &letter.accepted;
        if self.erased.covers(&accepted.event.user_id, accepted.arrival) {
            return Ok(None);
        }
        let retried = match self.insert(&letter).await? {
            Outcome::Stored => Retried::Stored,
            Outcome::Duplicate => Retried::Duplicate,
            Outcome::Refused(refusal) => {
                let now = self.clock.now();
                self.letters.refused_again(id, &refusal, now).await?;
                return Ok(Some(Retried::Refused(refusal)));
            }
            // Nothing asks a store to keep it.
            Outcome::Erased => return Ok(None),
            Outcome::Retry => {
                let reason = "it could not write the event this time";
                return Err(StoreError::Unavailable(reason.to_owned()));
            }
        };
        let stored_as = (retried == Retried::Stored).then_some(letter.accepted.arrival);
        let fed = vec![Fed { accepted: letter.accepted, stored_as }];
        feed_directly(&*self.feeds, &*self.events, fed).await?;
        // Only now: until here the letter is all that there is of the event.
        self.letters.remove(&[id]).await?;
        Ok(Some(retried))
    }

    async fn insert(&self, letter: &DeadLetter) -> Result<Outcome, StoreError> {
        let events = [Arc::clone(&letter.accepted)];
        match self.events.insert(&events).await {
            Ok(outcomes) => Ok(outcomes.into_iter().next().unwrap_or(Outcome::Retry)),
            Err(StoreError::Refused(refusal)) => Ok(Outcome::Refused(refusal)),
            Err(error) => Err(error),
        }
    }

    /// Tries to store all of them again, one after the other, and counts what
    /// became of them also where an error ends it. In the order of arrival: processors are
    /// sent the events of a user so.
    pub async fn retry_all(&self, retried: &mut RetriedAll) -> Result<(), StoreError> {
        let mut behind = None;
        loop {
            let oldest = self.oldest(behind).await?;
            let Some(last) = oldest.last().copied() else { return Ok(()) };
            for (_, id) in oldest {
                if let Some(one) = self.retry(id).await? {
                    retried.add(&one);
                }
            }
            behind = Some(last);
        }
    }

    /// Of those behind a place the first in the order of arrival, up to [`SORTED`].
    async fn oldest(&self, behind: Option<Place>) -> Result<BTreeSet<Place>, StoreError> {
        let (mut oldest, mut after) = (BTreeSet::new(), None);
        loop {
            let page = self.page(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(oldest) };
            after = Some(last.place());
            let places = page.iter().map(|letter| (letter.arrival, letter.id));
            oldest.extend(places.filter(|place| behind.is_none_or(|behind| *place > behind)));
            while oldest.len() > SORTED {
                oldest.pop_last();
            }
        }
    }

    /// Drops a letter, and its event with it; answers whether there was one.
    pub async fn remove(&self, id: StoreId) -> Result<bool, StoreError> {
        let removed = self.letters.remove(&[id]).await?;
        Ok(removed > 0)
    }

    /// Drops all of them, and counts them also where an error ends it.
    pub async fn remove_all(&self, removed: &mut u64) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.page(after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.place());
            let ids: Vec<StoreId> = page.iter().map(|letter| letter.id).collect();
            *removed += self.letters.remove(&ids).await?;
        }
    }
}

/// Counts the letters at intervals, so that `/stats` need not ask the database.
/// Ends with the process.
pub async fn watch_count(letters: Arc<DeadLetters>, statistics: Arc<Statistics>) {
    loop {
        match letters.count().await {
            Ok(count) => statistics.dead_letters_are(count),
            // Whether the database answers is told elsewhere.
            Err(error) => debug!(%error, "the dead letters cannot be counted now"),
        }
        tokio::time::sleep(COUNT_EVERY).await;
    }
}
