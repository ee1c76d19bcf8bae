//! All visits, merged by time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::people::People;
use super::rhythm::Rhythm;
use super::visit::{self, MAX_LENGTH_MS, Visit};
use super::{Plan, PlanFault, Sample};

/// The events of a plan, in order of time.
pub struct Samples {
    plan: Plan,
    chance: ChaCha8Rng,
    rhythm: Rhythm,
    people: People,
    /// Visits that have begun, or are the next to begin.
    open: BinaryHeap<Reverse<Open>>,
    /// The last visit that was begun: those after it begin later.
    last_start: i64,
    visits: u64,
    /// Events of all visits so far, those still to come included.
    planned: u64,
    planned_of_whale: u64,
}

/// A visit with at least one event to come.
struct Open {
    next_at: i64,
    number: u64,
    events_left: u32,
    visit: Visit,
}

impl Open {
    fn key(&self) -> (i64, u64) {
        (self.next_at, self.number)
    }
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Open {}

impl Samples {
    /// The stream of a plan.
    ///
    /// # Errors
    ///
    /// If the plan does not keep to its limits.
    pub fn new(plan: Plan) -> Result<Self, PlanFault> {
        plan.check()?;
        let from = plan.from().as_millis();
        // Whoever comes last has time to finish.
        let last = plan.until.as_millis() - MAX_LENGTH_MS;
        Ok(Self {
            chance: ChaCha8Rng::seed_from_u64(plan.seed),
            rhythm: Rhythm::new(from, last),
            people: People::new(&plan),
            open: BinaryHeap::new(),
            last_start: from,
            visits: 0,
            planned: 0,
            planned_of_whale: 0,
            plan,
        })
    }

    /// What it is the stream of.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Begins visits until the earliest event to come is known: each visit
    /// begins after those that were begun before it.
    fn begin_visits(&mut self) {
        while self.planned < self.plan.events
            && self.open.peek().is_none_or(|Reverse(first)| first.next_at >= self.last_start)
        {
            let visit = self.begin_visit();
            self.open.push(Reverse(visit));
        }
    }

    fn begin_visit(&mut self) -> Open {
        let left = self.plan.events - self.planned;
        let events = u64::from(visit::events(&mut self.chance)).min(left);
        self.last_start = self.start_of_next(events);
        let is_of_whale = self.is_whales_turn(events);
        self.planned += events;
        let visitor = if is_of_whale {
            self.planned_of_whale += events;
            self.people.of_whale(&mut self.chance)
        } else {
            self.people.ordinary(&mut self.chance)
        };
        self.visits += 1;
        Open {
            next_at: self.last_start,
            number: self.visits,
            events_left: u32::try_from(events).unwrap_or(visit::MAX_EVENTS),
            visit: Visit::new(visitor, &mut self.chance),
        }
    }

    /// A visit begins somewhere in the stretch of time that its events take up
    /// among all events.
    #[allow(clippy::cast_precision_loss)] // a place in time, not a count
    fn start_of_next(&mut self, events: u64) -> i64 {
        let place = self.planned as f64 + self.chance.random::<f64>() * events as f64;
        self.rhythm.moment(place / self.plan.events as f64)
    }

    /// Whether the whale has less than its share after this visit, unless the
    /// visit is its own. Keeps it within a visit of its share at any time.
    #[allow(clippy::cast_precision_loss)] // exact far beyond any number of events
    fn is_whales_turn(&self, events: u64) -> bool {
        let fair = (self.planned + events) as f64 * self.plan.whale_share;
        let with_half = self.planned_of_whale as f64 + events as f64 / 2.0;
        with_half <= fair
    }

    fn event_id(&mut self, at: i64) -> Uuid {
        let mut random = [0; 10];
        self.chance.fill(&mut random);
        let millis = u64::try_from(at).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

impl Iterator for Samples {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        self.begin_visits();
        let Reverse(mut open) = self.open.pop()?;
        let (kind, payload) = open.visit.step(&mut self.chance);
        let sample = Sample {
            event_id: self.event_id(open.next_at),
            user_id: Arc::clone(&open.visit.visitor.user_id),
            account_id: Arc::clone(&open.visit.visitor.account_id),
            session_id: Arc::clone(&open.visit.session_id),
            kind,
            payload,
            occurred_at: Timestamp::from_millis_clamped(open.next_at),
        };
        open.events_left -= 1;
        if open.events_left > 0 {
            open.next_at += visit::gap(&mut self.chance);
            self.open.push(Reverse(open));
        }
        Some(sample)
    }
}
