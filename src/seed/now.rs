//! Visits that are under way now: one event after the other, for whoever wants to watch.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::people::People;
use super::visit::{self, Visit};
use super::{Plan, Sample};

/// Visitors that are on the site at once.
const VISITORS: usize = 6;

/// An endless stream of events, each at the time at which it is asked for.
pub struct Now {
    chance: ChaCha8Rng,
    people: People,
    whale_share: f64,
    /// Each with the events that are still to come.
    open: Vec<(Visit, u32)>,
}

impl Now {
    /// Of the users of a plan, which has been checked.
    pub fn new(plan: &Plan) -> Self {
        Self {
            // Others than those of the plan, and others at each start.
            chance: ChaCha8Rng::from_os_rng(),
            people: People::new(plan),
            whale_share: plan.whale_share,
            open: Vec::new(),
        }
    }

    /// What somebody does at this moment.
    pub fn next(&mut self, now: Timestamp) -> Sample {
        while self.open.len() < VISITORS {
            let visit = self.begin();
            self.open.push(visit);
        }
        let place = self.chance.random_range(0..self.open.len());
        let (visit, left) = &mut self.open[place];
        let (kind, payload) = visit.step(&mut self.chance);
        let sample = Sample {
            event_id: Uuid::now_v7(),
            user_id: visit.visitor.user_id.clone(),
            account_id: visit.visitor.account_id.clone(),
            session_id: visit.session_id.clone(),
            kind,
            payload,
            occurred_at: now,
        };
        *left -= 1;
        if *left == 0 {
            self.open.swap_remove(place);
        }
        sample
    }

    fn begin(&mut self) -> (Visit, u32) {
        let events = visit::events(&mut self.chance).max(1);
        let visitor = match self.chance.random_bool(self.whale_share) {
            true => self.people.of_whale(&mut self.chance),
            false => self.people.ordinary(&mut self.chance),
        };
        (Visit::new(visitor, &mut self.chance), events)
    }
}
