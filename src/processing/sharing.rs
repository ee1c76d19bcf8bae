//! Whether several instances feed a processor just now: then an event waits for what
//! others may have accepted before it.

use std::collections::HashMap;

use trailkeep_delivery::Process;
use trailkeep_event::{Arrival, Timestamp};

/// A process counts for so long after what it fed last was read.
const RECENT_MS: u64 = 60_000;
/// How old an event has to be.
const WAIT_MS: i64 = 500;

/// The processes that fed lately. Times are milliseconds of a clock that only grows.
#[derive(Debug, Default)]
pub struct Sharing(HashMap<Process, u64>);

impl Sharing {
    /// A document of this process was read.
    pub fn read(&mut self, process: Process, now: u64) {
        self.0.insert(process, now);
        self.0.retain(|_, at| now.saturating_sub(*at) < RECENT_MS);
    }

    /// How long an event has to wait still: nothing where one process feeds alone, or the
    /// event's clock is not ours.
    pub fn wait(&self, arrival: Arrival, now: u64, wall: Timestamp) -> Option<u64> {
        let recent = self.0.values().filter(|at| now.saturating_sub(**at) < RECENT_MS);
        if recent.count() < 2 {
            return None;
        }
        let age = wall.as_millis() - arrival.moment().as_millis();
        let wait = (-WAIT_MS..WAIT_MS).contains(&age).then_some(WAIT_MS - age)?;
        u64::try_from(wait).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(number: u8) -> Process {
        Process([number; 8])
    }

    #[test]
    fn an_event_waits_where_two_processes_feed() {
        let wall = Timestamp::from_millis_clamped(1_700_000_000_000);
        let of_age = |ms: i64| Arrival::first_at(wall.plus_millis(-ms));
        let mut sharing = Sharing::default();
        assert_eq!(sharing.wait(of_age(0), 0, wall), None);
        sharing.read(process(1), 10);
        assert_eq!(sharing.wait(of_age(0), 10, wall), None, "alone");
        sharing.read(process(2), 20);
        assert_eq!(sharing.wait(of_age(0), 20, wall), Some(500));
        assert_eq!(sharing.wait(of_age(499), 20, wall), Some(1));
        assert_eq!(sharing.wait(of_age(500), 20, wall), None);
        assert_eq!(sharing.wait(of_age(-300_000), 20, wall), None, "a clock five minutes off");
        assert_eq!(sharing.wait(of_age(0), 10 + RECENT_MS, wall), None, "one has gone");
    }
}
