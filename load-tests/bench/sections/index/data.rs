//! The events: of whom they tell, when they happen, and how they are inserted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bson::raw::RawDocumentBuf;
use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, rawdoc};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::layouts::{Course, DAY, Periods};
use crate::batch::USERS;
use crate::calendar::with_period;
use crate::database::Database;
use crate::documents::{InsertCommand, NewEvent};

const LANES: u64 = 4;
/// In a command.
const DOCUMENTS: u64 = 500;

/// A day's beginning. Always the same, so that periods of the calendar are.
pub const BEGIN: i64 = 1_699_920_000_000;
/// Types in turn, so that each is that of half of the events.
pub const TYPES: [&str; 2] = ["page_view", "button_click"];
/// Late events happened at most so long before the newest one.
const LATE: u64 = 7 * DAY;

/// Of whom events tell.
#[derive(Debug, Clone, Copy)]
pub struct People {
    rare: u32,
}

impl People {
    /// Those of a collection of so many events.
    pub fn of(events: u64) -> Self {
        Self { rare: u32::try_from(events / 1000).map_or(u32::MAX, |rare| rare.max(1)) }
    }

    /// Has 5 % of the events.
    pub fn busy() -> u32 {
        0
    }

    /// One of those who have most of the events, and as many each.
    pub fn regular(rng: &mut ChaCha8Rng) -> u32 {
        rng.random_range(1..USERS)
    }

    /// One of those who have 24 events each.
    pub fn rare(&self, rng: &mut ChaCha8Rng) -> u32 {
        USERS + rng.random_range(0..self.rare)
    }

    /// No event tells of this one.
    pub fn nobody(&self, rng: &mut ChaCha8Rng) -> u32 {
        USERS + self.rare + rng.random_range(0..USERS)
    }

    /// Of whom the next event tells.
    pub fn of_an_event(&self, rng: &mut ChaCha8Rng) -> u32 {
        match rng.random_range(0..1000) {
            0..50 => Self::busy(),
            50..74 => self.rare(rng),
            _ => Self::regular(rng),
        }
    }
}

/// A collection's events, inserted in the order in which they happen.
pub struct Inserter {
    pub database: Arc<Database>,
    pub course: Course,
    pub people: People,
    pub periods: Option<Periods>,
    pub seed: u64,
    /// How many are there; the number of the next one.
    inserted: u64,
    late: u64,
}

impl Inserter {
    /// Nothing is inserted yet.
    pub fn new(
        database: Arc<Database>,
        course: Course,
        periods: Option<Periods>,
        seed: u64,
    ) -> Self {
        let people = People::of(course.events);
        Self { database, course, people, periods, seed, inserted: 0, late: 0 }
    }

    /// When the newest event happened.
    pub fn newest(&self) -> i64 {
        self.course.time(self.inserted.saturating_sub(1))
    }

    /// Inserts the next events; gives how many, for commands are whole.
    pub async fn insert(&mut self, events: u64) -> Result<u64, Trouble> {
        let (course, first) = (self.course, self.inserted);
        let inserted = self.send(events, move |number, _| course.time(first + number)).await?;
        self.inserted += inserted;
        Ok(inserted)
    }

    /// Inserts events that happened before, at moments of the last seven days.
    pub async fn insert_late(&mut self, events: u64) -> Result<u64, Trouble> {
        let newest = self.newest();
        let reach = self.course.span.min(LATE);
        let moment = move |_, rng: &mut ChaCha8Rng| {
            newest - i64::try_from(rng.random_range(0..reach)).unwrap_or(0)
        };
        let inserted = self.send(events, moment).await?;
        self.late += inserted;
        Ok(inserted)
    }

    /// On several connections, which the driver keeps open.
    async fn send(
        &self,
        events: u64,
        time: impl Fn(u64, &mut ChaCha8Rng) -> i64 + Clone + Send + Sync + 'static,
    ) -> Result<u64, Trouble> {
        let commands = events.div_ceil(DOCUMENTS);
        let next = Arc::new(AtomicU64::new(0));
        let arrivals = self.inserted + self.late;
        let mut lanes = JoinSet::new();
        for _ in 0..LANES {
            let mut command = self.command()?;
            let (database, next) = (Arc::clone(&self.database), Arc::clone(&next));
            let (people, periods, time) = (self.people, self.periods, time.clone());
            let seed = self.seed;
            lanes.spawn(async move {
                loop {
                    // Whoever is free takes the next: no lane falls behind in time.
                    let taken = next.fetch_add(1, Ordering::Relaxed);
                    if taken >= commands {
                        return Ok(());
                    }
                    let mut number = taken * DOCUMENTS;
                    // Drawn anew for each command: all layouts get the same events.
                    let seed = (seed << 40).wrapping_add(arrivals + number);
                    let mut rng = ChaCha8Rng::seed_from_u64(seed);
                    let event = |rng: &mut ChaCha8Rng| {
                        let occurred_at = time(number, rng);
                        let arrival = i64::try_from(arrivals + number).unwrap_or(0);
                        number += 1;
                        NewEvent {
                            user: people.of_an_event(rng),
                            occurred_at,
                            arrival,
                            period: periods.map(|periods| periods.of(occurred_at)),
                        }
                    };
                    command.send(&database, &mut rng, event).await?;
                }
            });
        }
        while let Some(lane) = lanes.join_next().await {
            lane.during("inserting events")??;
        }
        Ok(commands * DOCUMENTS)
    }

    fn command(&self) -> Result<InsertCommand, Trouble> {
        let models = TYPES.map(|kind| document(kind, self.periods.is_some()));
        InsertCommand::like_each(&models, usize::try_from(DOCUMENTS).unwrap_or(1))
    }
}

/// An event with the fields that the service stores, and a payload of about 100
/// bytes. What differs from event to event is written over.
fn document(kind: &str, has_period: bool) -> RawDocumentBuf {
    let document = rawdoc! {
        "_id": Binary { subtype: BinarySubtype::Uuid, bytes: vec![0; 16] },
        "userId": "user-0000000",
        "eventId": "00000000-0000-7000-8000-000000000000",
        "type": kind,
        "sessionId": "s-0000000",
        "payload": {
            "path": "/pricing",
            "referrer": "https://example.org/",
            "width": 1440,
            "scroll": 0.75,
            "plan": { "name": "pro" },
        },
        "occurredAt": DateTime::from_millis(0),
        "receivedAt": DateTime::from_millis(0),
        "arrival": 0_i64,
    };
    if has_period { with_period(&document) } else { document }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_user_has_its_share_of_the_events() {
        let people = People::of(1_000_000);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let drawn: Vec<u32> = (0..100_000).map(|_| people.of_an_event(&mut rng)).collect();
        let share = |of: std::ops::Range<u32>| {
            drawn.iter().filter(|user| of.contains(user)).count() as f64 / drawn.len() as f64
        };
        assert!((share(0..1) - 0.05).abs() < 0.005);
        assert!((share(USERS..USERS + 1_000) - 0.024).abs() < 0.005);
        assert!((share(1..USERS) - 0.926).abs() < 0.005);
        assert!(people.nobody(&mut rng) >= USERS + 1_000);
    }
}
