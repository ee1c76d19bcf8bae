//! From the stream to where it is to go: one thread makes batches, a bounded
//! number of them is in flight, and each is repeated until it is settled.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::progress::Progress;
use super::tally::Tally;
use crate::pipeline::backoff::Backoff;
use crate::seed::{Sample, Samples};
use crate::shutdown::Signals;

/// Batches that lie ready while others are in flight.
const READY: usize = 2;

/// The longest that the first pause after a failed try is, and that any is.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Where events go.
#[async_trait]
pub trait Destination: Send + Sync + 'static {
    /// Events in the form in which they are written.
    type Batch: Send + 'static;

    /// Brings events into that form. Called on a thread of its own.
    fn pack(&self, samples: &[Sample]) -> Self::Batch;

    /// How many events of a batch are not settled.
    fn left(batch: &Self::Batch) -> usize;

    /// Tries once to write what is left of a batch, and counts what became of
    /// it. `Ok` when nothing is left.
    async fn write(&self, batch: &mut Self::Batch, tally: &mut Tally) -> Result<(), Trouble>;
}

/// Why a try did not settle its batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached, or fails: try again.
    Outage(String),
    /// It has no room now: try again, not before this time is over.
    Busy(Duration),
    /// It will never take them.
    Refusal(String),
}

/// How much at once.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Events in a batch.
    pub batch: usize,
    /// Batches in flight.
    pub in_flight: usize,
}

/// A signal that asked for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked(&'static str);

impl Asked {
    /// The exit code by which shells know of the signal.
    pub fn code(self) -> u8 {
        if self.0 == "SIGTERM" { 143 } else { 130 }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// How it ended.
#[derive(Debug)]
pub enum End {
    /// Every event is settled.
    Complete,
    /// A signal came; what was in flight is settled or given up.
    Stopped(Asked),
    /// A second signal came.
    Forced {
        /// That one.
        signal: Asked,
        /// Events whose fate is not known.
        in_flight: u64,
    },
    /// The destination will not take events.
    Failed(String),
}

/// The delivery of one stream.
pub struct Delivery<D> {
    pub destination: Arc<D>,
    pub progress: Arc<Progress>,
    pub pace: Pace,
}

/// What a batch in flight comes back with.
type Settled = (Tally, Option<String>);

/// A delivery under way.
struct Flight {
    tally: Tally,
    batches: JoinSet<Settled>,
    /// Tells batches in flight to repeat nothing more.
    stop: CancellationToken,
    failure: Option<String>,
}

impl<D: Destination> Delivery<D> {
    /// Writes all of the stream, or what can be until a signal comes.
    pub async fn run(&self, samples: Samples, signals: &mut Signals) -> (Tally, End) {
        let mut ready = self.produce(samples);
        let mut flight = Flight {
            tally: Tally::default(),
            batches: JoinSet::new(),
            stop: CancellationToken::new(),
            failure: None,
        };
        let asked = tokio::select! {
            () = self.fly(&mut flight, &mut ready) => None,
            signal = signals.next() => Some(Asked(signal)),
        };
        drop(ready);
        flight.stop.cancel();
        if let Some(signal) = asked {
            self.progress
                .say("stopping; what is in flight is finished, a second signal ends at once");
            let in_flight = self.events_in(&flight);
            tokio::select! {
                () = self.land(&mut flight) => {}
                second = signals.next_on_purpose() => {
                    let signal = Asked(second);
                    return (flight.tally, End::Forced { signal, in_flight });
                }
            }
            let end = flight.failure.map_or(End::Stopped(signal), End::Failed);
            return (flight.tally, end);
        }
        self.land(&mut flight).await;
        (
            flight.tally,
            flight.failure.map_or(End::Complete, End::Failed),
        )
    }

    /// Makes batches on a thread of its own, no more than are wanted soon.
    fn produce(&self, samples: Samples) -> mpsc::Receiver<D::Batch> {
        let (sender, ready) = mpsc::channel(READY);
        let destination = Arc::clone(&self.destination);
        let size = self.pace.batch;
        tokio::task::spawn_blocking(move || {
            let mut samples = samples.peekable();
            while samples.peek().is_some() {
                let batch: Vec<Sample> = samples.by_ref().take(size).collect();
                if sender.blocking_send(destination.pack(&batch)).is_err() {
                    return; // stopped
                }
            }
        });
        ready
    }

    /// Sends batches on their way until there are no more, or one is refused.
    async fn fly(&self, flight: &mut Flight, ready: &mut mpsc::Receiver<D::Batch>) {
        while flight.failure.is_none() {
            if flight.batches.len() >= self.pace.in_flight {
                self.settle_one(flight).await;
                continue;
            }
            let Some(batch) = ready.recv().await else {
                while flight.failure.is_none() && !flight.batches.is_empty() {
                    self.settle_one(flight).await;
                }
                return;
            };
            flight.batches.spawn(settle(
                Arc::clone(&self.destination),
                batch,
                Arc::clone(&self.progress),
                flight.stop.clone(),
            ));
        }
    }

    /// Waits for what is in flight.
    async fn land(&self, flight: &mut Flight) {
        while !flight.batches.is_empty() {
            self.settle_one(flight).await;
        }
    }

    async fn settle_one(&self, flight: &mut Flight) {
        match flight.batches.join_next().await {
            Some(Ok((tally, failure))) => {
                self.progress.advance(tally.settled());
                flight.tally.add(tally);
                flight.failure = flight.failure.take().or(failure);
            }
            Some(Err(error)) => flight.failure = Some(error.to_string()),
            None => {}
        }
    }

    fn events_in(&self, flight: &Flight) -> u64 {
        (flight.batches.len() * self.pace.batch) as u64
    }
}

/// Repeats a batch until it is settled, or until it is told to stop.
async fn settle<D: Destination>(
    destination: Arc<D>,
    mut batch: D::Batch,
    progress: Arc<Progress>,
    stop: CancellationToken,
) -> Settled {
    let mut tally = Tally::default();
    let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
    loop {
        let pause = match destination.write(&mut batch, &mut tally).await {
            Ok(()) => return (tally, None),
            Err(Trouble::Refusal(reason)) => return (tally, Some(reason)),
            Err(Trouble::Outage(reason)) => {
                tally.repeated += 1;
                progress.outage(&reason);
                backoff.pause()
            }
            Err(Trouble::Busy(pause)) => {
                tally.turned_away += 1;
                pause
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.cancelled() => {
                tally.given_up += D::left(&batch) as u64;
                return (tally, None);
            }
        }
    }
}

#[cfg(test)]
mod tests;
