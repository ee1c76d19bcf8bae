//! Waiting until all who were at work have ended what they began.
//!
//! Who handles events is *at work* meanwhile: a writer with a write, whoever tries a dead letter
//! again, a deliverer in its term. Who has changed something that all of them must know, waits
//! for those who began before. Who begins later knows it, and is not held up.

use std::collections::BTreeMap;

use tokio::sync::watch;

/// Who is at work.
#[derive(Default)]
pub struct Quiet(watch::Sender<Work>);

#[derive(Default)]
struct Work {
    /// Grows whenever somebody waits.
    generation: u64,
    /// How many are at work who began in a generation.
    at_work: BTreeMap<u64, usize>,
}

impl Work {
    fn has_ended_before(&self, generation: u64) -> bool {
        self.at_work.first_key_value().is_none_or(|(first, _)| *first >= generation)
    }
}

/// Somebody is at work for as long as this lives.
pub struct AtWork {
    quiet: watch::Sender<Work>,
    generation: u64,
}

impl Quiet {
    /// Begins to work.
    pub fn enter(&self) -> AtWork {
        let mut generation = 0;
        self.0.send_if_modified(|work| {
            generation = work.generation;
            *work.at_work.entry(generation).or_default() += 1;
            false
        });
        AtWork { quiet: self.0.clone(), generation }
    }

    /// Waits until everybody has ended who is at work now.
    pub async fn wait(&self) {
        let mut generation = 0;
        self.0.send_modify(|work| {
            work.generation += 1;
            generation = work.generation;
        });
        // The sender lives as long as this does.
        let _ = self.0.subscribe().wait_for(|work| work.has_ended_before(generation)).await;
    }
}

impl AtWork {
    /// Returns once somebody waits for the end of this.
    pub async fn is_wanted(&self) {
        let own = self.generation;
        let _ = self.quiet.subscribe().wait_for(|work| work.generation > own).await;
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.quiet.send_if_modified(|work| {
            let Some(left) = work.at_work.get_mut(&self.generation) else { return false };
            *left -= 1;
            let is_last = *left == 0;
            if is_last {
                work.at_work.remove(&self.generation);
            }
            is_last
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn who_waits_waits_for_all_who_began_before_and_for_nobody_else() {
        let quiet = Quiet::default();
        let (first, second) = (quiet.enter(), quiet.enter());
        assert!(first.is_wanted().now_or_never().is_none(), "nobody waits");
        let mut waiting = Box::pin(quiet.wait());
        assert!(waiting.as_mut().now_or_never().is_none());
        first.is_wanted().await;
        second.is_wanted().await;
        let third = quiet.enter();
        assert!(third.is_wanted().now_or_never().is_none(), "that is for the others");
        drop(first);
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(second);
        waiting.await;
        assert!(third.is_wanted().now_or_never().is_none(), "nobody waits for it");
        let mut again = Box::pin(quiet.wait());
        assert!(again.as_mut().now_or_never().is_none());
        drop(third);
        again.await;
    }
}
