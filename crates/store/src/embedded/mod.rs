//! The embedded store: a SQLite database in a local folder, for one process.
//!
//! - `folder`: the folder and the lock that keeps other processes out.
//! - `schema`: what the file holds, and how it is brought up to date.
//! - `writer`: the one thread that writes.
//! - `building`: indexes of events, which it makes while it runs.
//! - `reader`: the connections that read, and never wait for the writer.
//! - `summaries`: events of an account, counted; `account_events`: the newest of them;
//!   `activity`: those of ids, by day.
//! - `retention`: deleting what has expired, in small steps.
//! - `fault`: what SQLite's errors mean.
//! - `copying`: a copy of the file while it is written to; `restoring`: such a copy in its
//!   place.
//! - `inspect`: a look that changes nothing.
//! - `moving`: all of it, handed out to whoever moves it into MongoDB; `moved`: what keeps a
//!   start from a folder afterwards.
//! - `dead_letters`: what was refused for good, in a table of its own.
//! - `processing`: who is fed for, what is pending and what became of each event, in
//!   tables of their own.
//! - `people`: who is who, and whose sessions are, in tables of their own.
//! - `erasures`: who was erased, and how what is erased leaves the file, in tables of their
//!   own.
//! - `payloads`: events, found by what their payloads have at a few keys.
//! - `access`: staff accounts, sessions, tokens and the audit trail, in tables
//!   of their own.
//!
//! The file is in WAL mode and every commit is synced: what was acknowledged
//! survives a power cut. Anyone can open it with `sqlite3`, also while the
//! service runs; the view `journeys` shows times as text.

mod access;
mod account_events;
mod activity;
mod ages;
mod building;
mod copying;
mod dead_letters;
mod erasures;
mod fault;
mod folder;
mod inspect;
mod moved;
mod moving;
mod payloads;
mod people;
mod processing;
mod reader;
mod restoring;
mod retention;
mod schema;
mod summaries;
#[cfg(test)]
mod tests;
mod wal;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

pub use ages::ages;
pub use copying::{Contents, CopyError, copy, erasure_list, newest_format};
pub use fault::OpenError;
pub use folder::{Hold, file_in, hold};
pub use inspect::inspect;
pub use moved::{Mark, refuse_half_moved};
pub use restoring::{Newest, RestoreError, Restoring};
use trailkeep_event::time::{Clock, SystemClock};
use trailkeep_event::{Accepted, Arrival, StoreId};

use self::folder::Folder;
use self::reader::Readers;
use self::retention::{Sweeper, by_type};
use self::writer::Writer;
use super::timeouts::in_time;
use super::{JourneyPart, JourneyRange, Outcome, Position, Retention, Store, StoreError, Timeouts};

/// What can be set about the embedded store.
#[derive(Debug, Clone)]
pub struct EmbeddedSettings {
    /// How long events are kept. They are deleted within minutes of expiring.
    pub retention: Retention,
    /// How long calls may take.
    pub timeouts: Timeouts,
}

/// A store in a local folder.
///
/// Dropping it unclosed finishes what was queued, and blocks for that long.
pub struct EmbeddedStore {
    readers: Arc<Readers>,
    /// Connections of their own: a heavy account keeps nobody from a journey.
    counters: Arc<Readers>,
    writer: Writer,
    retention: Retention,
    timeouts: Timeouts,
    /// Last, so that the folder is given up after the writer has ended.
    folder: Mutex<Option<Folder>>,
}

impl EmbeddedStore {
    /// Opens the store in `data_dir`, making whatever is missing. Blocks on the
    /// disk, after a crash for as long as the last few MiB take to be read in.
    pub fn open(data_dir: &Path, settings: &EmbeddedSettings) -> Result<Self, OpenError> {
        Self::open_with_clock(data_dir, settings, Arc::new(SystemClock))
    }

    /// As [`open`](Self::open), with the clock that says what has expired.
    pub fn open_with_clock(
        data_dir: &Path,
        settings: &EmbeddedSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let folder = Folder::claim(data_dir)?;
        moved::refuse_moved(data_dir)?;
        Self::open_in(folder, settings, clock)
    }

    /// Opens the store that is in `data_dir` for whoever moves it, and has it for itself. As
    /// long as nobody prepares it, nothing in it changes.
    ///
    /// # Errors
    ///
    /// There is none; or as of [`open`](Self::open).
    pub fn open_to_move(data_dir: &Path, settings: &EmbeddedSettings) -> Result<Self, OpenError> {
        if !file_in(data_dir).is_file() {
            return Err(OpenError::NoStore { path: data_dir.into() });
        }
        Self::open_in(Folder::claim(data_dir)?, settings, Arc::new(SystemClock))
    }

    fn open_in(
        folder: Folder,
        settings: &EmbeddedSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        folder.clear_staging()?;
        let database = folder.database()?;
        let connection = schema::open_writer(&database)?;
        let retention = settings.retention.clone();
        let sweeper = Sweeper::new(retention.clone(), clock);
        let timeouts = settings.timeouts;
        Ok(Self {
            readers: Readers::new(database.clone(), timeouts.read),
            counters: Readers::new(database.clone(), timeouts.read),
            writer: Writer::start(connection, database, sweeper, timeouts.write)?,
            retention,
            timeouts,
            folder: Mutex::new(Some(folder)),
        })
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    /// The tables are there since [`EmbeddedStore::open`]; this makes what a retention by
    /// type needs, and has expired events looked for at once and from now on.
    async fn prepare(&self) -> Result<(), StoreError> {
        let there = self.readers.read(schema::index_names).await?;
        for change in by_type::changes(self.retention.is_by_type(), &there) {
            self.writer.build(change).await?;
        }
        self.writer.begin_retention()
    }

    /// Reads from the file and hears from the writer.
    async fn ping(&self) -> Result<(), StoreError> {
        in_time(self.timeouts.check, async {
            self.writer.ping().await?;
            self.readers
                .read(|connection| {
                    connection.prepare_cached(schema::PING)?.query_row([], |_| Ok(()))
                })
                .await
        })
        .await
    }

    async fn insert(&self, events: &[Arc<Accepted>]) -> Result<Vec<Outcome>, StoreError> {
        self.writer.insert(events.to_vec()).await
    }

    async fn arrivals(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Arrival>, StoreError> {
        let ids = ids.to_vec();
        self.readers.read(move |connection| reader::arrivals(connection, &ids)).await
    }

    async fn positions(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Position>, StoreError> {
        let ids = ids.to_vec();
        self.readers.read(move |connection| reader::positions(connection, &ids)).await
    }

    async fn journey(&self, range: &JourneyRange, limit: usize) -> Result<JourneyPart, StoreError> {
        let range = range.clone();
        self.readers.read(move |connection| reader::journey(connection, &range, limit)).await
    }

    /// One: there is one writer, whatever is configured.
    fn writes_in_flight(&self, _configured: usize) -> usize {
        1
    }

    async fn ended(&self) {
        self.writer.ended().await;
    }

    /// Finishes what is queued, moves all of it to the one database file, and
    /// gives up the folder.
    async fn close(&self) {
        tokio::join!(self.readers.close(), self.counters.close());
        self.writer.stop().await;
        drop(self.folder.lock().take());
    }
}
