//! One run: events are made on a thread of their own, and offered until they are
//! taken, there are no more of them, or a signal comes.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use indicatif::HumanCount;
use tokio::sync::{Mutex, mpsc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::app::StartError;
use crate::cli::progress::Progress;
use crate::seed::{Sample, Samples};
use crate::shutdown::Signals;

/// Batches that lie ready while others are offered.
const READY: usize = 2;

/// From one look at how far it is to the next.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Who takes events.
pub trait Taker {
    /// Offers a batch once.
    async fn offer(&self, batch: &[Sample]) -> Result<(), NotTaken>;

    /// Events of the run whose fate is known.
    fn settled(&self) -> u64;

    /// Why it takes nothing now.
    fn trouble(&self) -> Option<String>;

    /// What became of the events, and whether all of them are where they belong.
    fn told(&self) -> (String, bool);
}

/// Why a batch was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// It is to be offered again, not before this time is over.
    Now(Duration),
    /// It never will be.
    Ever(String),
}

/// How a run ended. Signals are told by their names.
#[derive(Debug)]
pub enum End {
    Complete,
    Failed(String),
    Stopped(&'static str),
    /// By a second signal.
    Forced(&'static str),
}

/// A run under way.
pub struct Run {
    batches: Mutex<mpsc::Receiver<Vec<Sample>>>,
    progress: Progress,
    /// Asks for the end.
    pub stop: CancellationToken,
}

impl Run {
    pub fn begin(samples: Samples, batch: usize) -> Self {
        let progress = Progress::begin(samples.plan().events, "events");
        let (sender, batches) = mpsc::channel(READY);
        tokio::task::spawn_blocking(move || {
            let mut samples = samples.peekable();
            while samples.peek().is_some() {
                let batch = samples.by_ref().take(batch).collect();
                if sender.blocking_send(batch).is_err() {
                    return; // stopped
                }
            }
        });
        Self { batches: Mutex::new(batches), progress, stop: CancellationToken::new() }
    }

    /// Offers one batch after the other, until there are none or a stop is asked
    /// for. The error is why one will never be taken.
    pub async fn feed(&self, taker: &impl Taker) -> Result<(), String> {
        let next = async || self.batches.lock().await.recv().await;
        while let Some(Some(batch)) = self.stop.run_until_cancelled(next()).await {
            while let Err(not_taken) = taker.offer(&batch).await {
                let pause = match not_taken {
                    NotTaken::Now(pause) => pause,
                    NotTaken::Ever(reason) => return Err(reason),
                };
                if self.stop.run_until_cancelled(sleep(pause)).await.is_none() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Does the work, and shows how far it is. A first signal asks for its end, a
    /// second one leaves it where it is.
    pub async fn see_through(
        &self,
        taker: &impl Taker,
        work: impl Future<Output = Result<(), String>>,
    ) -> Result<End, StartError> {
        let mut signals =
            Signals::listen().map_err(|error| StartError::System(error.to_string()))?;
        let mut work = pin!(async {
            tokio::select! {
                done = work => done,
                never = self.show(taker) => match never {},
            }
        });
        let asked = tokio::select! {
            done = &mut work => return Ok(done.map_or_else(End::Failed, |()| End::Complete)),
            signal = signals.next() => signal,
        };
        self.stop.cancel();
        self.progress.say("stopping; what is taken is finished, a second signal ends at once");
        Ok(tokio::select! {
            done = work => done.map_or_else(End::Failed, |()| End::Stopped(asked)),
            second = signals.next_on_purpose() => End::Forced(second),
        })
    }

    async fn show(&self, taker: &impl Taker) -> Infallible {
        loop {
            sleep(LOOK_EVERY).await;
            self.progress.show(taker.settled(), taker.trouble());
        }
    }

    /// What is said at the end, and whether all events are where they belong.
    pub fn summary(&self, taker: &impl Taker, end: &End) -> (String, bool) {
        let took = self.progress.end();
        let how = match end {
            End::Complete => String::new(),
            End::Failed(reason) => {
                self.progress.say(reason);
                String::new()
            }
            End::Stopped(signal) => format!("stopped by {signal}\n"),
            End::Forced(signal) => format!("ended at once by a second {signal}\n"),
        };
        let settled = taker.settled();
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        let (told, is_whole) = taker.told();
        let text = format!(
            "{how}{} events in {:.1} s ({}/s): {told}\n",
            HumanCount(settled),
            took.as_secs_f64(),
            HumanCount(settled * 1000 / millis)
        );
        (text, is_whole && matches!(end, End::Complete))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::seed::Plan;
    use trailkeep_event::Timestamp;

    /// Refuses with these answers, one after the other, and then takes all.
    struct Scripted(std::cell::RefCell<Vec<NotTaken>>, std::cell::Cell<u64>);

    impl Taker for Scripted {
        async fn offer(&self, batch: &[Sample]) -> Result<(), NotTaken> {
            if let Some(not_taken) = self.0.borrow_mut().pop() {
                return Err(not_taken);
            }
            self.1.set(self.1.get() + batch.len() as u64);
            Ok(())
        }

        fn settled(&self) -> u64 {
            self.1.get()
        }

        fn trouble(&self) -> Option<String> {
            None
        }

        fn told(&self) -> (String, bool) {
            (String::new(), true)
        }
    }

    async fn fed(answers: Vec<NotTaken>, is_stopped: bool) -> (Result<(), String>, u64) {
        let plan = Plan {
            events: 7,
            seed: 1,
            users: 3,
            accounts: 1,
            days: 1,
            until: Timestamp::now(),
            whale: "whale".into(),
            whale_share: 0.2,
        };
        let run = Run::begin(Samples::new(plan).unwrap(), 3);
        if is_stopped {
            run.stop.cancel();
        }
        let taker = Scripted(answers.into(), 0.into());
        let fed = run.feed(&taker).await;
        (fed, taker.settled())
    }

    #[tokio::test]
    async fn a_batch_is_offered_until_it_is_taken_or_never_will_be() {
        let busy = || NotTaken::Now(Duration::from_millis(1));
        assert_eq!(fed(vec![busy(), busy()], false).await, (Ok(()), 7));
        let ever = NotTaken::Ever("no".to_owned());
        assert_eq!(fed(vec![ever], false).await, (Err("no".to_owned()), 0));
    }

    #[tokio::test]
    async fn nothing_is_offered_after_a_stop() {
        assert_eq!(fed(vec![], true).await, (Ok(()), 0));
    }
}
