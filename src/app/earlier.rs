//! What earlier processes accepted and did not store: taken in at the start,
//! and removed from where it was kept once it is stored.

use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use super::StartError;
use crate::config::Settings;
use crate::event::{Accepted, Arrival};
use crate::pipeline::Pipeline;
use crate::pipeline::health::Health;
use crate::pipeline::journal::reader::ReadBack;
use crate::pipeline::journal::recovery::Unstored;
use crate::pipeline::journal::{Journal, OldJournal, Opened, Rules};
use crate::pipeline::leftover::{self, Leftover};

/// What was found at the start.
pub struct Earlier {
    /// The journal to go on with, where one is configured.
    pub journal: Option<Journal>,
    /// Reads that journal, or the one that is not gone on with.
    pub reader: Option<Box<dyn ReadBack>>,
    /// Events in files that are not known to be stored.
    events: Vec<Accepted>,
    /// Those in the journal.
    unstored: Option<Unstored>,
    /// The highest arrival number that an earlier process is known to have
    /// given out.
    numbered_up_to: Option<Arrival>,
    /// Where they are kept meanwhile.
    pub kept: Kept,
}

/// Where the events of earlier processes are kept, but for the journal that
/// this process goes on with, which forgets them by itself.
#[derive(Default)]
pub struct Kept {
    files: Leftover,
    journal: Option<OldJournal>,
}

impl Earlier {
    /// Reads the files of earlier stops, and looks through the journal.
    pub fn read(settings: &Settings, health: &Arc<Health>) -> Result<Self, StartError> {
        let folder = &settings.store.data_dir;
        let (events, files) = leftover::read(folder).map_err(|source| {
            let folder = folder.display().to_string();
            StartError::Leftover { folder, source }
        })?;
        let mut earlier = Self {
            journal: None,
            reader: None,
            events,
            unstored: None,
            numbered_up_to: None,
            kept: Kept {
                files,
                journal: None,
            },
        };
        let folder = folder.join("journal");
        if settings.journal {
            let health = Arc::clone(health);
            let on_stuck = Box::new(move |is_stuck| health.journal_stuck(is_stuck));
            earlier.journal =
                Some(earlier.found(Journal::open(&folder, journal_rules(settings), on_stuck)?));
        } else if let Some(opened) = OldJournal::open(&folder)? {
            earlier.kept.journal = Some(earlier.found(opened));
        }
        Ok(earlier)
    }

    fn found<J>(&mut self, opened: Opened<J>) -> J {
        self.unstored = opened.recovered.unstored;
        self.numbered_up_to = opened.recovered.numbered_up_to;
        self.reader = Some(opened.reader);
        opened.journal
    }

    /// Hands it all to the pipeline. Answers up to which number events have to
    /// be stored before the service is ready: all of them, unless it may accept
    /// others meanwhile; then those that the buffer holds, so that a spill of
    /// gigabytes does not keep a service from its traffic for as long as it
    /// takes to store.
    pub fn hand_over(self, pipeline: &Pipeline, may_spill: bool) -> (Option<Arrival>, Kept) {
        if let Some(last) = self.numbered_up_to {
            pipeline.number_after(last);
        }
        // What is in a file was accepted without a journal, that is, before the
        // journal was begun; or it is in the journal too.
        pipeline.restore(self.events);
        if let Some(unstored) = self.unstored {
            pipeline.restore_spilled(unstored);
        }
        let taken_in = pipeline.taken_in_up_to();
        let wait_for = match self.unstored {
            Some(unstored) if !may_spill => taken_in.max(Some(unstored.last)),
            _ => taken_in,
        };
        (wait_for, self.kept)
    }
}

/// How the journal is kept. On disk it may take twice what the buffer and the spill can
/// need of it, since a batch that does not fit into the rest of a segment leaves
/// that empty, and 1 GiB for what was stored behind an event that is not.
fn journal_rules(settings: &Settings) -> Rules {
    let needed = settings.buffer.max_bytes as u64 + settings.spill.max_bytes as u64;
    Rules {
        max_bytes: (1 << 30) + 2 * needed,
        sync_interval: settings.journal_sync_interval,
    }
}

impl Kept {
    /// Waits until events up to that number are stored, but for single ones that
    /// the database does not take; then the service is ready for traffic. Once
    /// those are stored or set aside too, what kept them is removed.
    pub async fn replayed(
        self: Arc<Self>,
        wait_for: Option<Arrival>,
        pipeline: Arc<Pipeline>,
        health: Arc<Health>,
    ) {
        const CHECK: Duration = Duration::from_millis(20);
        if let Some(last) = wait_for {
            let is_left = |oldest: Option<Arrival>| oldest.is_some_and(|oldest| oldest <= last);
            while is_left(pipeline.oldest_waiting()) {
                tokio::time::sleep(CHECK).await;
            }
            health.replaying(false);
            while is_left(pipeline.oldest_unstored()) {
                tokio::time::sleep(CHECK).await;
            }
            let spilled = pipeline.snapshot().spilled_events as u64;
            let events = pipeline.statistics().restored.get().saturating_sub(spilled);
            info!(
                events,
                spilled, "what an earlier process accepted is stored, but for what is spilled"
            );
        }
        health.replaying(false);
        self.remove();
    }

    /// Removes what kept them: they are stored, or kept elsewhere by now.
    pub fn remove(&self) {
        self.files.remove();
        if let Some(journal) = &self.journal {
            journal.remove();
        }
    }
}
