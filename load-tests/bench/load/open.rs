//! The open loop: requests at a fixed rate, whatever the answers do. A thread
//! for each connection, because one that sleeps wakes within some 50
//! microseconds, where an asynchronous timer counts in milliseconds.

use std::sync::Arc;
use std::time::Duration;

use trailkeep_testkit::trouble::{Trouble, While as _};

use super::phase::Phase;
use super::plan::Plan;
use crate::batch::Batch;
use crate::connection::Connection;
use crate::tally::Tally;

/// After which a connection that failed is tried again.
const REST: Duration = Duration::from_millis(20);

/// One connection.
pub struct Sender {
    connection: Connection,
    batch: Batch,
    schedule: Schedule,
    phase: Arc<Phase>,
    tally: Tally,
}

/// When the requests of one connection are due. Connections take turns.
struct Schedule {
    first: Duration,
    interval: Duration,
    sent: u32,
}

impl Schedule {
    #[allow(clippy::cast_precision_loss)] // a few hundred connections
    fn of(connection: usize, connections: usize, per_second: f64) -> Self {
        Self {
            first: Duration::from_secs_f64(connection as f64 / per_second),
            interval: Duration::from_secs_f64(connections as f64 / per_second),
            sent: 0,
        }
    }

    fn next(&mut self) -> Duration {
        let due = self.first + self.interval * self.sent;
        self.sent += 1;
        due
    }
}

impl Sender {
    /// Connects; nothing is sent yet.
    pub fn new(
        plan: &Plan,
        per_second: f64,
        number: usize,
        phase: Arc<Phase>,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            connection: Connection::open(plan.target_of(number)).during("connecting")?,
            batch: plan.batch_of(number),
            schedule: Schedule::of(number, plan.connections, per_second),
            phase,
            tally: Tally::new()?,
        })
    }

    /// Sends until the load is over.
    pub fn run(mut self) -> Result<Tally, Trouble> {
        while let Some(due) = self.wait_until_due() {
            let status = self.connection.exchange(self.batch.next()).ok();
            if let Some(times) = self.phase.times(due) {
                self.tally.note(status, self.batch.len(), times);
            }
            if status.is_none() {
                std::thread::sleep(REST);
            }
        }
        Ok(self.tally)
    }

    /// When the next request is due, once that has come; `None` at the end.
    fn wait_until_due(&mut self) -> Option<Duration> {
        const LOOK: Duration = Duration::from_millis(100);
        let due = self.schedule.next();
        while !self.phase.is_over() {
            let early = due.saturating_sub(self.phase.elapsed());
            if early.is_zero() {
                return Some(due);
            }
            std::thread::sleep(early.min(LOOK));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_take_turns_at_the_rate_of_all() {
        let mut due: Vec<Duration> = (0..4)
            .flat_map(|connection| {
                let mut schedule = Schedule::of(connection, 4, 100.0);
                [schedule.next(), schedule.next()]
            })
            .collect();
        due.sort();
        let expected: Vec<Duration> = (0..8).map(|step| Duration::from_millis(step * 10)).collect();
        assert_eq!(due, expected);
    }
}
