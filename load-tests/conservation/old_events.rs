//! Events of an older version, and what is known of them: each follows from its
//! number, so that every page of every journey can be told without asking.
//!
//! Half of them are of a few regulars, whose journeys have many pages; the rest are
//! of many others.

mod filling;
mod watch;

use bson::{Document, doc};
use rand::Rng as _;
use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use crate::reader::{Direction, Page, Query, Reader, in_pages};
use crate::times::SPAN;

pub use filling::fill;
pub use watch::Watch;

/// How the names of their users begin.
const BEGINNING: &str = "old-";
const USERS: u64 = 2_000;
const REGULARS: u64 = 20;
/// So many in a row of each user have one time, and arrival alone orders them.
const EQUALS: u64 = 3;
/// One in so many others is read in the end, beside all regulars.
const OTHERS_READ: usize = 100;

/// All of them.
#[derive(Debug, Clone, Copy)]
pub struct OldEvents {
    pub count: u64,
    /// When the first one occurred, in milliseconds since the epoch.
    begin: i64,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldEvent {
    /// From 0 on, in the order in which they arrived.
    pub number: u64,
    pub user: u64,
    pub occurred_at: i64,
}

impl OldEvent {
    /// What the service calls it.
    pub fn id(&self) -> String {
        format!("o-{}", self.number)
    }
}

/// What the service calls a user.
pub fn name_of(user: u64) -> String {
    format!("{BEGINNING}{user}")
}

/// The documents of all of them.
pub fn only() -> Document {
    doc! { "userId": { "$regex": format!("^{BEGINNING}") } }
}

impl OldEvents {
    /// So many, of the days up to now.
    pub fn until(now: i64, count: u64) -> Self {
        Self { count, begin: now - SPAN }
    }

    /// The one with this number.
    fn event(&self, number: u64) -> OldEvent {
        let (pair, is_of_regular) = (number / 2, number.is_multiple_of(2));
        let (first, users) =
            if is_of_regular { (0, REGULARS) } else { (REGULARS, USERS - REGULARS) };
        let groups = self.count.div_ceil(2 * users).div_ceil(EQUALS) as i64;
        let group = (pair / users / EQUALS) as i64;
        OldEvent {
            number,
            user: first + pair % users,
            occurred_at: self.begin + group * (SPAN / groups),
        }
    }

    /// All of a user, in the order of the journey.
    fn journey(&self, user: u64) -> Vec<OldEvent> {
        let (first, step) = if user < REGULARS {
            (2 * user, 2 * REGULARS)
        } else {
            (2 * (user - REGULARS) + 1, 2 * (USERS - REGULARS))
        };
        let numbers = (first..self.count).step_by(step as usize);
        numbers.map(|number| self.event(number)).collect()
    }

    /// A way through somebody's journey, from its end or from somewhere in it.
    fn draw(&self, rng: &mut StdRng) -> Walk {
        let users = if rng.random_bool(0.7) { 0..REGULARS } else { REGULARS..USERS };
        let user = rng.random_range(users);
        let direction = match rng.random_bool(0.5) {
            true => Direction::NewestFirst,
            false => Direction::OldestFirst,
        };
        let limit = [1, 7, 100, 1000][rng.random_range(0..4)];
        let mut journey = self.journey(user);
        let mut query = Query::all_of(&name_of(user), direction, limit);
        if !journey.is_empty() && rng.random_bool(0.5) {
            let bound = journey[rng.random_range(0..journey.len())].occurred_at;
            if rng.random_bool(0.5) {
                query.from = Some(bound);
                journey.retain(|event| event.occurred_at >= bound);
            } else {
                query.to = Some(bound);
                journey.retain(|event| event.occurred_at <= bound);
            }
        }
        Walk::of(query, journey)
    }

    /// Reads the whole journeys of some, and counts the pages and the wrong ones.
    pub async fn read(&self, reader: &Reader) -> Result<(u64, u64), Trouble> {
        let (mut pages, mut wrong) = (0, 0);
        for user in (0..REGULARS).chain((REGULARS..USERS).step_by(OTHERS_READ)) {
            let journey = self.journey(user);
            let limit = in_pages(journey.len());
            let query = Query::all_of(&name_of(user), Direction::NewestFirst, limit);
            let mut walk = Walk::of(query, journey);
            while !walk.is_over {
                let page = reader.page_in_time(&walk.query).await?;
                pages += 1;
                if let Err(fault) = walk.take(page) {
                    eprintln!("{fault}");
                    wrong += 1;
                }
            }
        }
        Ok((pages, wrong))
    }
}

/// A journey that is read page by page.
struct Walk {
    /// For the next page.
    query: Query,
    /// What is to come, in reverse.
    rest: Vec<OldEvent>,
    is_over: bool,
}

impl Walk {
    /// By the events in the order of the journey.
    fn of(query: Query, mut journey: Vec<OldEvent>) -> Self {
        if query.direction == Direction::OldestFirst {
            journey.reverse();
        }
        Self { query, rest: journey, is_over: false }
    }

    /// Takes the next page; the error says why it is wrong, and the walk ends.
    fn take(&mut self, page: Page) -> Result<(), String> {
        let rest = self.rest.len().saturating_sub(self.query.limit);
        let expected: Vec<OldEvent> = self.rest.drain(rest..).rev().collect();
        let is_last = self.rest.is_empty();
        let is_right = expected.len() == page.events.len()
            && expected.iter().zip(&page.events).all(|(expected, read)| {
                expected.id() == read.event_id
                    && expected.occurred_at == read.occurred_at
                    && read.content.as_ref().is_some_and(|content| {
                        content.user == name_of(expected.user)
                            && u64::try_from(content.number) == Ok(expected.number)
                    })
            })
            && page.next.is_none() == is_last;
        let query = self.query.clone();
        self.is_over = is_last || !is_right;
        self.query.cursor = page.next;
        if is_right {
            return Ok(());
        }
        Err(format!(
            "a wrong page of old events: {query:?} has to give {} events, {} of them the last \
             ones, and gave {}, a next page: {}",
            expected.len(),
            if is_last { "all" } else { "none" },
            page.events.len(),
            self.query.cursor.is_some(),
        ))
    }
}

#[cfg(test)]
mod tests;
