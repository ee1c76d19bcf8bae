//! What a scene does with a processor.

use std::time::{Duration, Instant};

use trailkeep_testkit::trouble::{Trouble, While as _};

use super::Scene;
use crate::fault::Fault;
use crate::oracle::Sent;
use crate::processors::disruptions::Cause;
use crate::processors::example::Example;
use crate::processors::outcomes::Outcome;
use crate::processors::plant::Planted;
use crate::processors::verdict::{Evidence, Processing};
use crate::processors::{Id, log};
use crate::settings::timeout_of;
use crate::stored::Stored;

/// How long it may take until all is processed when nothing is wrong any more. Behind a
/// breaker that is open a probe comes after 15 s at the latest, and a lease of a service
/// that was killed ends after ten.
const PROCESSED_LIMIT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);
/// What is left of the feed for so long after all was done is not deleted by a renewal.
const OVERLOOKED: Duration = Duration::from_secs(15);
/// How often all has to be found processed, one look after the other.
const LOOKS: u32 = 2;

impl Scene {
    /// The example processor.
    pub fn processor(&mut self) -> Result<&mut Example, Trouble> {
        self.processor.as_mut().ok_or_else(|| Trouble("there is no processor".to_owned()))
    }

    /// Kills the service, as a crash would. It is down until it is ready again.
    pub async fn kill_service(&mut self) -> Result<(), Trouble> {
        self.disruptions.begin(Cause::Service);
        self.take_service()?.kill().await?;
        self.free_lease().await;
        Ok(())
    }

    /// Has nobody wait for the end of the lease of a service that has ended, in a quick run.
    pub async fn free_lease(&self) {
        if self.is_quick && self.processor.is_some() {
            // A database that is away, too, frees nothing.
            let _ = self.store.free_lease().await;
        }
    }

    /// Has a person see to the users who are held, where they are; answers how many could go
    /// on.
    pub async fn attend(&mut self) -> Result<usize, Trouble> {
        match (self.fault, &self.reader) {
            (Fault::ProcessorHolds, Some(reader)) => self.person.attend(reader).await,
            _ => Ok(0),
        }
    }

    /// Waits until each event has an outcome, and nothing is left of the feed.
    pub(super) async fn wait_until_processed(&mut self) -> Result<(), Trouble> {
        if self.processor.is_none() {
            return Ok(());
        }
        if !self.is_storing_awaited {
            // What was held back is stored by a stop.
            self.stop_all().await?;
            self.start_all().await?;
        }
        let began = Instant::now();
        let (mut looks, mut may_restart) = (0, self.fault.is_of_pair());
        let mut done_since = None;
        while looks < LOOKS && began.elapsed() < PROCESSED_LIMIT {
            self.attend().await?;
            looks = if self.is_processed().await? { looks + 1 } else { 0 };
            tokio::time::sleep(PAUSE).await;
            if looks > 0 || !may_restart {
                continue;
            }
            let Some(left) = self.left_when_done().await? else { continue };
            if done_since.get_or_insert_with(Instant::now).elapsed() > OVERLOOKED {
                eprintln!("{left} documents of the feed are left until the next start");
                may_restart = false;
                self.stop_all().await?;
                self.start_all().await?;
            }
        }
        // The check says what is missing.
        Ok(())
    }

    /// What is left of the feed where all is done: a document that was deleted, and came
    /// again when an instance that had stood still tried once more to insert it. Who has read
    /// it does so no more, so that the next start finds it, and that it holds nothing.
    async fn left_when_done(&self) -> Result<Option<u64>, Trouble> {
        let counts = self.store.count_processing(self.folder()).await?;
        let events = self.store.count(self.folder()).await?;
        Ok((counts.outcomes >= events).then_some(counts.left))
    }

    async fn is_processed(&self) -> Result<bool, Trouble> {
        let counts = self.store.count_processing(self.folder()).await?;
        if self.fault.is_damage() || self.fault == Fault::Retention {
            // What is stored has been fed by the stop, as far as it is known; and what is
            // gone counts beside what is there.
            return Ok(counts.left == 0);
        }
        if self.fault == Fault::PairLostDisk {
            if counts.left > 0 {
                return Ok(false);
            }
            // Some of what is stored was known from the disk alone that is lost.
            let stored = self.store.read(self.folder()).await?;
            let counts = self.judge_processing(&stored).await?.0;
            return Ok(counts.unprocessed == 0);
        }
        let events = self.store.count(self.folder()).await?;
        let old = self.old.map_or(0, |old| old.count);
        let is_empty = counts.left == 0 || !self.is_feed_awaited();
        Ok(counts.outcomes >= events.saturating_sub(old) && is_empty)
    }

    /// Whether the feed has to come to be empty. It is emptied with the next renewal of the
    /// lease, for which a quick run waits only where it is the processor that breaks, or
    /// where nothing else tells the end.
    fn is_feed_awaited(&self) -> bool {
        !self.is_quick || self.fault.is_of_processor() || self.fault.is_damage()
    }

    /// Compares what the processor was sent with what is kept. The service is down.
    pub(super) async fn check_processing(&self, stored: &[Stored]) -> Result<Processing, Trouble> {
        let (counts, told) = self.judge_processing(stored).await?;
        for line in told {
            eprintln!("{line}");
        }
        Ok(counts)
    }

    async fn judge_processing(
        &self,
        stored: &[Stored],
    ) -> Result<(Processing, Vec<String>), Trouble> {
        let Some(processor) = &self.processor else { return Ok(Default::default()) };
        let left = match self.is_feed_awaited() {
            true => self.store.count_processing(self.folder()).await?.left,
            false => 0,
        };
        let outcomes = self.store.read_outcomes(self.folder()).await?;
        let requests = log::read(&processor.log())?;
        let evidence = Evidence {
            stored,
            outcomes: &outcomes,
            requests: &requests,
            disruptions: &self.disruptions.so_far(),
            timeout: timeout_of(self.fault),
            left,
            decisions: (self.fault == Fault::ProcessorHolds).then(|| self.person.decisions()),
            has_retention: self.fault == Fault::Retention,
        };
        Ok(self.oracle.read(|batches, hit| Processing::on(batches, hit, &evidence)))
    }

    /// Whether defects of processing are found that are made on purpose, where there was
    /// none before.
    pub async fn notices_planted(&self) -> Result<bool, Trouble> {
        let Some(processor) = &self.processor else { return Ok(false) };
        // Of the feed something may be left until the next renewal.
        let began = Instant::now();
        let stored = loop {
            let stored = self.store.read(self.folder()).await?;
            let (before, told) = self.judge_processing(&stored).await?;
            if before.is_clean() {
                break stored;
            }
            if began.elapsed() > PROCESSED_LIMIT {
                eprintln!("before a defect was made: {before}\n{}", told.join("\n"));
                return Ok(false);
            }
            tokio::time::sleep(PAUSE).await;
        };
        for id in self.to_be_deleted().await? {
            self.store.delete_outcome(self.folder(), &id).await?;
        }
        let text = std::fs::read_to_string(processor.log()).during("reading the log")?;
        let disruptions = self.disruptions.so_far();
        let planted = self.oracle.read(|batches, _| Planted::into(&text, batches, &disruptions))?;
        std::fs::write(processor.log(), planted.text).during("writing the log")?;
        let after = self.judge_processing(&stored).await?.0;
        eprintln!("an outcome deleted, two lines of the log swapped, a request repeated: {after}");
        Ok(after.unprocessed == 1 && after.overtaken > 0 && after.repeated > 0)
    }
    /// Of an event that has to have an outcome; with two instances of one that both had
    /// accepted, and beside it of one that the lost disk alone may have had.
    async fn to_be_deleted(&self) -> Result<Vec<Id>, Trouble> {
        let outcomes = self.store.read_outcomes(self.folder()).await?;
        let id_of = |event: &Sent| {
            let is_of = |outcome: &&Outcome| {
                outcome.user.as_ref() == Some(&event.user)
                    && outcome.event_id.as_ref() == Some(&event.event_id)
            };
            outcomes.iter().find(is_of).map(|outcome| outcome.id)
        };
        let is_pair = self.fault.is_of_pair();
        let found = self.oracle.read(|batches, hit| {
            let kept =
                batches.iter().filter(|batch| batch.kept_by.len() == 1 + usize::from(is_pair));
            let hit = batches.iter().enumerate().filter(|(place, _)| hit.contains(place));
            let kept = kept.flat_map(|batch| &batch.events).find_map(id_of);
            let hit = hit.flat_map(|(_, batch)| &batch.events).find_map(id_of);
            kept.map(|kept| [kept].into_iter().chain(hit.filter(|_| is_pair)).collect())
        });
        found.ok_or_else(|| Trouble("there is no outcome".to_owned()))
    }
}
