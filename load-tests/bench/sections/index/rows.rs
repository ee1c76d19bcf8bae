//! Events as rows, for the embedded store.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::data::{People, TYPES};
use super::layouts::{Course, Periods};
use crate::batch::user_name;

/// Events in the order in which they happen.
pub struct Rows {
    pub course: Course,
    pub periods: Option<Periods>,
    pub people: People,
    pub rng: ChaCha8Rng,
    /// The number of the next one.
    pub next: u64,
}

/// An event.
pub struct Row {
    pub id: [u8; 16],
    pub user: String,
    pub event_id: String,
    pub kind: &'static str,
    pub session: String,
    pub time: i64,
    pub arrival: i64,
    pub period: Option<i64>,
}

impl Rows {
    /// All of them; a period by count is half full when the course is over, because
    /// at its beginning an index by period is cheaper than it is on average.
    pub fn of(course: Course, periods: Option<Periods>, seed: u64) -> Self {
        Self {
            course,
            periods: periods.map(|periods| halfway(periods, course.events)),
            people: People::of(course.events),
            rng: ChaCha8Rng::seed_from_u64(seed),
            next: 0,
        }
    }

    /// The next ones.
    pub fn take(&mut self, events: u64) -> Vec<Row> {
        (0..events).map(|_| self.take_one()).collect()
    }

    fn take_one(&mut self) -> Row {
        let time = self.course.time(self.next);
        let user = self.people.of_an_event(&mut self.rng);
        let random: [u8; 20] = self.rng.random();
        let mut event_random = [0; 10];
        event_random.copy_from_slice(&random[..10]);
        let millis = u64::try_from(time).unwrap_or(0);
        let event_id = uuid::Builder::from_unix_timestamp_millis(millis, &event_random).into_uuid();
        let mut id = *event_id.as_bytes();
        id[6..].copy_from_slice(&random[10..]);
        let arrival = i64::try_from(self.next).unwrap_or(0);
        self.next += 1;
        Row {
            id,
            user: user_name(user),
            event_id: event_id.to_string(),
            kind: if arrival % 2 == 0 { TYPES[0] } else { TYPES[1] },
            session: format!("s-{user:07}"),
            time,
            arrival,
            period: self.periods.map(|periods| periods.of(time)),
        }
    }
}

/// Moves periods so that one is half full after so many events.
fn halfway(periods: Periods, filled: u64) -> Periods {
    let Periods::Counted { course, events } = periods else { return periods };
    let moved = (events + events / 2 - filled % events) % events;
    let begin = course.begin - (course.time(moved) - course.begin);
    Periods::Counted { course: Course { begin, ..course }, events }
}

#[cfg(test)]
mod tests {
    use super::super::data::BEGIN;
    use super::*;

    #[test]
    fn a_period_is_half_full_when_measuring_begins() {
        for filled in [1_000, 1_700, 30] {
            let course = Course { begin: BEGIN, span: 10_000_000, events: filled };
            let periods = halfway(Periods::Counted { course, events: 400 }, filled);
            let period = |number: u64| periods.of(course.time(number));
            // Times are whole milliseconds, so a border may move by one event.
            let size = (filled..).take_while(|number| period(*number) == period(filled)).count();
            assert!((199..=201).contains(&size), "{size} events after {filled}");
        }
    }
}
