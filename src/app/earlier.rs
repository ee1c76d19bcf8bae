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
use crate::pipeline::journal::{Journal, OldJournal};
use crate::pipeline::leftover::{self, Leftover};

/// What was found at the start.
pub struct Earlier {
    /// The journal to go on with, where one is configured.
    pub journal: Option<Journal>,
    /// Events that are not known to be stored.
    pub events: Vec<Accepted>,
    /// The highest arrival number that an earlier process is known to have
    /// given out.
    pub numbered_up_to: Option<Arrival>,
    /// Where they are kept meanwhile.
    pub kept: Kept,
}

/// Where the events of earlier processes are kept, but for the journal that
/// this process goes on with, which forgets them by itself.
pub struct Kept {
    files: Leftover,
    journal: Option<OldJournal>,
    last: Option<Arrival>,
}

impl Earlier {
    /// Reads the journal and the files of earlier stops.
    pub fn read(settings: &Settings, health: &Arc<Health>) -> Result<Self, StartError> {
        let folder = &settings.store.data_dir;
        let (mut events, files) = leftover::read(folder).map_err(|source| {
            let folder = folder.display().to_string();
            StartError::Leftover { folder, source }
        })?;
        let folder = folder.join("journal");
        let (mut journal, mut old_journal, mut numbered_up_to) = (None, None, None);
        if settings.journal {
            let health = Arc::clone(health);
            let on_stuck = Box::new(move |is_stuck| health.journal_stuck(is_stuck));
            let (opened, mut recovered) = Journal::open(&folder, on_stuck)?;
            events.append(&mut recovered.events);
            numbered_up_to = recovered.numbered_up_to;
            journal = Some(opened);
        } else if let Some((opened, mut recovered)) = OldJournal::open(&folder)? {
            events.append(&mut recovered.events);
            numbered_up_to = recovered.numbered_up_to;
            old_journal = Some(opened);
        }
        let last = events.iter().map(|accepted| accepted.arrival).max();
        Ok(Self {
            journal,
            events,
            numbered_up_to,
            kept: Kept {
                files,
                journal: old_journal,
                last,
            },
        })
    }
}

impl Kept {
    /// Waits until the events of earlier processes are stored, but for single
    /// ones that the database does not take; then the service is ready for
    /// traffic. Once those are stored or set aside too, what kept them is
    /// removed.
    pub async fn replayed(self: Arc<Self>, pipeline: Arc<Pipeline>, health: Arc<Health>) {
        const CHECK: Duration = Duration::from_millis(20);
        if let Some(last) = self.last {
            let is_left = |oldest: Option<Arrival>| oldest.is_some_and(|oldest| oldest <= last);
            while is_left(pipeline.oldest_waiting()) {
                tokio::time::sleep(CHECK).await;
            }
            health.replaying(false);
            while is_left(pipeline.oldest_arrival()) {
                tokio::time::sleep(CHECK).await;
            }
            let events = pipeline.statistics().restored.get();
            info!(events, "what an earlier process accepted is stored");
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
