//! The one thread that writes.
//!
//! It owns the only connection that may write, so nothing ever waits for a
//! lock of the database, and no caller's cancellation can touch a transaction.
//! Inserts that wait for it are committed together: one sync of the disk
//! serves them all, and each still gets its own outcomes. What else is to be
//! changed are small transactions between those commits. Between commits it
//! takes one step of [`retention`](super::retention) and looks after the WAL. An index
//! of events takes as long as they take to be read, and all else waits for it; a stop
//! does not.
//!
//! When the thread ends, for whatever reason, all that waits for it is told so:
//! the channel and the answers in it are dropped with it.

mod command;
mod file;
mod task;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::error;
use trailkeep_event::Accepted;

use super::OpenError;
use super::retention::Sweeper;
use super::wal::Wal;
use crate::timeouts::in_time;
use crate::{Outcome, StoreError};
use command::{Command, Insert};
use file::File;
use task::Task;

/// Commands that may wait for the thread; further callers wait before it.
const QUEUE: usize = 64;

/// The way to the writing thread.
pub(super) struct Writer {
    commands: Sender<Command>,
    /// How long a caller waits for what it wants written.
    timeout: Duration,
    room: Arc<Semaphore>,
    ended: CancellationToken,
    stopping: CancellationToken,
    /// Gone once somebody ends the thread.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread. `database` is the file that `connection` has open.
    pub(super) fn start(
        connection: Connection,
        database: PathBuf,
        sweeper: Sweeper,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        let (commands, received) = channel();
        let stopping = CancellationToken::new();
        let wal = Wal::beside(&database);
        let file = File { connection, path: database, wal, stopping: stopping.clone() };
        let task = Task { file, sweeper };
        let ended = CancellationToken::new();
        let guard = ended.clone().drop_guard();
        let thread = std::thread::Builder::new()
            .name("trailkeep-writer".to_owned())
            .spawn(move || {
                // Dropped at its end, also by a panic.
                let _guard = guard;
                task.run(&received);
            })
            .map_err(OpenError::Thread)?;
        Ok(Self {
            commands,
            timeout,
            room: Arc::new(Semaphore::new(QUEUE)),
            ended,
            stopping,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Writes the events and answers once they are on disk. Carried out to the
    /// end also if the caller does not wait for it any more.
    pub(super) async fn insert(
        &self,
        events: Vec<Arc<Accepted>>,
    ) -> Result<Vec<Outcome>, StoreError> {
        in_time(self.timeout, async {
            let room = self.room().await?;
            let (answer, outcomes) = oneshot::channel();
            self.send(Command::Insert(Insert { events, answer, room }))?;
            outcomes.await.map_err(|_| gone())?
        })
        .await
    }

    /// Runs `job` in a transaction of its own and answers once that is on disk.
    /// An error of the job takes back what it did. Carried out to the end also
    /// if the caller does not wait for it. Inserts wait meanwhile, so it has
    /// to be short.
    pub(super) async fn change<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        in_time(self.timeout, async {
            let room = self.room().await?;
            let (answer, changed) = oneshot::channel();
            self.send(Command::Change(Box::new(move |file| {
                let _ = answer.send(file.change(job));
                drop(room);
            })))?;
            changed.await.map_err(|_| gone())?
        })
        .await
    }

    /// Makes an index of events, however long that takes.
    pub(super) async fn build(&self, sql: String) -> Result<(), StoreError> {
        let (answer, built) = oneshot::channel();
        self.send(Command::Change(Box::new(move |file| {
            let _ = answer.send(file.build(&sql));
        })))?;
        built.await.map_err(|_| gone())?
    }

    /// Moves all of the write-ahead log to the main file and cuts it to nothing; false where
    /// somebody reads what is older.
    pub(super) async fn empty_wal(&self) -> Result<bool, StoreError> {
        in_time(self.timeout, async {
            let room = self.room().await?;
            let (answer, emptied) = oneshot::channel();
            self.send(Command::Change(Box::new(move |file| {
                let _ = answer.send(file.empty_wal());
                drop(room);
            })))?;
            emptied.await.map_err(|_| gone())?
        })
        .await
    }

    /// Answers as soon as the thread gets to it, and has found its files in place.
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Command::Ping(answer))?;
        answered.await.map_err(|_| gone())?
    }

    /// Looks for expired events now, and from now on.
    pub(super) fn begin_retention(&self) -> Result<(), StoreError> {
        self.send(Command::BeginRetention)
    }

    /// Returns when the thread has ended.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Has the thread finish what waits for it and end. Returns when the file
    /// is closed.
    pub(super) async fn stop(&self) {
        let Some(thread) = self.thread.lock().take() else {
            return;
        };
        let (done, stopped) = oneshot::channel();
        self.stopping.cancel();
        if self.send(Command::Stop(done)).is_ok() {
            // An error means that the thread has ended by itself.
            let _ = stopped.await;
        }
        // Its last act is behind it, so this does not block.
        join(thread);
    }

    #[cfg(test)]
    pub(super) fn run(&self, job: impl FnOnce(&Connection) + Send + 'static) {
        let _ = self.send(Command::Run(Box::new(job)));
    }

    #[cfg(test)]
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    async fn room(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let room = Arc::clone(&self.room);
        room.acquire_owned().await.map_err(|_| gone())
    }

    fn send(&self, command: Command) -> Result<(), StoreError> {
        self.commands.send(command).map_err(|_| gone())
    }
}

/// A store that is dropped without having been closed still ends its thread,
/// and waits for it: the folder is free for the next one afterwards.
impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.get_mut().take() {
            let (done, _) = oneshot::channel();
            self.stopping.cancel();
            let _ = self.send(Command::Stop(done));
            join(thread);
        }
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        error!("the embedded store's writer ended by a panic");
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable(
        "the embedded store's writer has ended; restart the service and look for \
         the reason in its log"
            .to_owned(),
    )
}
