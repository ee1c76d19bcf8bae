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

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use trailkeep_event::Accepted;

use super::retention::Retention;
use super::wal::{self, Wal};
use super::{OpenError, building, fault, schema};
use crate::timeouts::in_time;
use crate::{Outcome, StoreError};

/// Commands that may wait for the thread; further callers wait before it.
const QUEUE: usize = 64;

/// Events after which a commit takes no further inserts along: it would keep
/// the first one waiting, and a failure would hit all of them.
const GROUP_EVENTS: usize = 2_000;

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

enum Command {
    Insert(Insert),
    Change(Change),
    Ping(oneshot::Sender<Result<(), StoreError>>),
    BeginRetention,
    Stop(oneshot::Sender<()>),
    #[cfg(test)]
    Run(Box<dyn FnOnce(&Connection) + Send>),
}

struct Insert {
    events: Vec<Arc<Accepted>>,
    answer: oneshot::Sender<Result<Vec<Outcome>, StoreError>>,
    _room: OwnedSemaphorePermit,
}

/// Carries a change out on the thread, and answers.
type Change = Box<dyn FnOnce(&mut Task) + Send>;

impl Writer {
    /// Starts the thread. `database` is the file that `connection` has open.
    pub(super) fn start(
        connection: Connection,
        database: PathBuf,
        retention: Retention,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        let (commands, received) = channel();
        let wal = Wal::beside(&database);
        let stopping = CancellationToken::new();
        let task = Task { connection, wal, database, retention, stopping: stopping.clone() };
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
            self.send(Command::Insert(Insert { events, answer, _room: room }))?;
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
            self.send(Command::Change(Box::new(move |task| {
                let _ = answer.send(task.change(job));
                drop(room);
            })))?;
            changed.await.map_err(|_| gone())?
        })
        .await
    }

    /// Makes an index of events, however long that takes.
    pub(super) async fn build(&self, sql: String) -> Result<(), StoreError> {
        let (answer, built) = oneshot::channel();
        self.send(Command::Change(Box::new(move |task| {
            let _ = answer.send(task.build(&sql));
        })))?;
        built.await.map_err(|_| gone())?
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

/// What the thread owns.
struct Task {
    connection: Connection,
    database: PathBuf,
    wal: Wal,
    retention: Retention,
    stopping: CancellationToken,
}

impl Task {
    fn run(mut self, commands: &Receiver<Command>) {
        if let Some(done) = self.serve(commands) {
            self.finish();
            let _ = done.send(());
        }
    }

    /// Serves commands until it is told to stop.
    fn serve(&mut self, commands: &Receiver<Command>) -> Option<oneshot::Sender<()>> {
        let mut next = None;
        loop {
            let command = match next.take() {
                Some(command) => Ok(command),
                None => commands.recv_timeout(self.retention.wait()),
            };
            match command {
                Ok(Command::Insert(first)) => {
                    let (group, after) = gather(first, commands);
                    next = after;
                    self.commit(group);
                    self.wal.keep_within_limit(&self.connection);
                }
                Ok(Command::Change(change)) => {
                    change(self);
                    self.wal.keep_within_limit(&self.connection);
                }
                Ok(Command::Ping(answer)) => {
                    let _ = answer.send(self.files_in_place());
                }
                Ok(Command::BeginRetention) => self.retention.begin(),
                Ok(Command::Stop(done)) => return Some(done),
                #[cfg(test)]
                Ok(Command::Run(job)) => job(&self.connection),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            self.retention.step_if_due(&self.connection);
        }
    }

    fn commit(&mut self, group: Vec<Insert>) {
        let written = write(&mut self.connection, &group)
            .map_err(|error| fault::insert_error(&error))
            .and_then(|outcomes| self.files_in_place().map(|()| outcomes));
        match written {
            Ok(outcomes) => {
                for (insert, outcomes) in group.into_iter().zip(outcomes) {
                    let _ = insert.answer.send(Ok(outcomes));
                }
            }
            Err(error) => {
                for insert in group {
                    let _ = insert.answer.send(Err(error.clone()));
                }
            }
        }
    }

    fn change<T>(
        &mut self,
        job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let changed = in_transaction(&mut self.connection, job)
            .map_err(|error| fault::store_error(&error))?;
        self.files_in_place().map(|()| changed)
    }

    fn build(&mut self, sql: &str) -> Result<(), StoreError> {
        let built = building::build(&mut self.connection, sql, &self.stopping);
        built.map_err(|error| fault::store_error(&error))?;
        self.files_in_place()
    }

    /// Files that somebody removed can still be written to, and what is written
    /// is gone with the process: that is not to be acknowledged.
    fn files_in_place(&self) -> Result<(), StoreError> {
        for path in [&self.database, &self.wal.file] {
            std::fs::metadata(path).map_err(|error| {
                StoreError::Denied(format!(
                    "{} was removed or moved while it was in use ({error}); restart the service",
                    path.display()
                ))
            })?;
        }
        Ok(())
    }

    /// Leaves one file that needs no recovery.
    fn finish(self) {
        if let Err(error) = wal::empty(&self.connection) {
            warn!(%error, "cannot empty the write-ahead log; the next start reads it in");
        }
        if let Err((_, error)) = self.connection.close() {
            warn!(%error, "cannot close the database");
        }
    }
}

/// Takes along the inserts that are waiting. What ends the group but is no
/// insert comes back to be served next.
fn gather(first: Insert, commands: &Receiver<Command>) -> (Vec<Insert>, Option<Command>) {
    let mut events = first.events.len();
    let mut group = vec![first];
    while events < GROUP_EVENTS {
        match commands.try_recv() {
            Ok(Command::Insert(insert)) => {
                events += insert.events.len();
                group.push(insert);
            }
            Ok(other) => return (group, Some(other)),
            Err(_) => break,
        }
    }
    (group, None)
}

/// Writes a group in one transaction: all of it is on disk, or none of it.
fn write(connection: &mut Connection, group: &[Insert]) -> rusqlite::Result<Vec<Vec<Outcome>>> {
    in_transaction(connection, |transaction| {
        let write_all = |insert: &Insert| {
            let events = insert.events.iter();
            events.map(|event| write_one(transaction, event)).collect()
        };
        group.iter().map(write_all).collect()
    })
}

/// All of what the job does, or, if it fails, none of it.
fn in_transaction<T>(
    connection: &mut Connection,
    job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = job(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

fn write_one(connection: &Connection, accepted: &Accepted) -> rusqlite::Result<Outcome> {
    let event = &accepted.event;
    let written = connection.prepare_cached(schema::INSERT)?.execute(params![
        event.id.as_bytes(),
        event.user_id,
        event.event_id,
        event.kind,
        event.session_id,
        event.account_id,
        event.payload.to_json(),
        event.occurred_at.as_millis(),
        event.received_at.as_millis(),
        accepted.arrival.as_i64(),
        event.anonymous_id,
    ]);
    match written {
        Ok(0) => Ok(Outcome::Duplicate),
        Ok(_) => Ok(Outcome::Stored),
        // A trigger may have taken the whole transaction back, with all that
        // came before.
        Err(error) if fault::is_of_the_row(&error) && !connection.is_autocommit() => {
            Ok(Outcome::Refused(fault::refusal(&error)))
        }
        Err(error) => Err(error),
    }
}
