//! Reading, next to the writer and never in its way.
//!
//! A few read-only connections, each on a blocking thread while it is used.
//! A read that takes longer than allowed is interrupted in SQLite itself, so
//! that it really ends and its connection is free again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::{Connection, InterruptHandle, OptionalExtension as _, Row, Rows, params};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use trailkeep_event::{Arrival, StoreId, Timestamp};

use super::{fault, schema};
use crate::in_order::InOrder;
use crate::summaries::{GRACE, QueryError};
use crate::timeouts::no_answer;
use crate::{Id, JourneyPart, JourneyRange, Order, Position, StoreError, StoredEvent};

/// Connections at the most. Reads are bound by the CPU, and further ones wait.
pub(super) const CONNECTIONS: usize = 4;

/// How often an interrupt is repeated: one that comes before the query has
/// begun, or between two queries, is lost.
const INTERRUPT_EVERY: Duration = Duration::from_millis(20);

/// The connections that read.
pub(super) struct Readers {
    database: PathBuf,
    timeout: Duration,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    closing: CancellationToken,
}

impl Readers {
    /// Nothing is opened before the first read. `timeout` bounds each read,
    /// the wait for a connection included.
    pub(super) fn new(database: PathBuf, timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            database,
            timeout,
            free: Arc::new(Semaphore::new(CONNECTIONS)),
            idle: Mutex::new(Vec::new()),
            closing: CancellationToken::new(),
        })
    }

    /// Runs `job` on a connection. Goes on if the caller does not wait for it,
    /// at most until the timeout.
    pub(super) async fn read<T, F>(self: &Arc<Self>, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.read_within(self.timeout, job).await.map_err(|error| match error {
            QueryError::OutOfTime(limit) => no_answer(limit),
            QueryError::Store(error) => error,
        })
    }

    /// As [`read`](Self::read), with another limit.
    pub(super) async fn read_within<T, F>(
        self: &Arc<Self>,
        limit: Duration,
        job: F,
    ) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let started = Instant::now();
        let free = Arc::clone(&self.free);
        let turn = timeout(limit, free.acquire_owned())
            .await
            .map_err(|_| QueryError::OutOfTime(limit))?
            .map_err(|_| closed())?;
        let read = tokio::spawn(Arc::clone(self).supervise(turn, started, limit, job));
        // An interrupt ends a query, but not a disk that hangs.
        match timeout(limit.saturating_sub(started.elapsed()) + GRACE, read).await {
            Ok(read) => read.map_err(ended)?,
            Err(_) => Err(QueryError::OutOfTime(limit)),
        }
    }

    async fn supervise<T, F>(
        self: Arc<Self>,
        _turn: OwnedSemaphorePermit,
        started: Instant,
        limit: Duration,
        job: F,
    ) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let connection = self.connection().await?;
        let interrupt = InterruptOnDrop(Some(connection.get_interrupt_handle()));
        let mut work = spawn_blocking(move || {
            let result = job(&connection);
            (connection, result)
        });
        let finished = tokio::select! {
            finished = &mut work => Some(finished),
            () = tokio::time::sleep(limit.saturating_sub(started.elapsed())) => None,
            () = self.closing.cancelled() => None,
        };
        // The connection comes back only through `work`, so until then an
        // interrupt cannot hit another read.
        let in_time = finished.is_some();
        let finished = match finished {
            Some(finished) => finished,
            None => loop {
                interrupt.now();
                if let Ok(finished) = timeout(INTERRUPT_EVERY, &mut work).await {
                    break finished;
                }
            },
        };
        interrupt.disarm();
        let (connection, result) = finished.map_err(ended)?;
        match result {
            Ok(value) => {
                self.idle.lock().push(connection);
                Ok(value)
            }
            // A connection with an error behind it is not used again.
            Err(_) if self.closing.is_cancelled() => Err(closed().into()),
            Err(_) if !in_time => Err(QueryError::OutOfTime(limit)),
            Err(error) => Err(fault::store_error(&error).into()),
        }
    }

    async fn connection(&self) -> Result<Connection, StoreError> {
        if let Some(connection) = self.idle.lock().pop() {
            return Ok(connection);
        }
        let database = self.database.clone();
        spawn_blocking(move || schema::open_reader(&database))
            .await
            .map_err(ended)?
            .map_err(|error| fault::store_error(&error))
    }

    /// Ends reads that are under way, and closes the connections.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        if let Ok(_all) = self.free.acquire_many(all).await {
            self.free.close();
        }
        self.idle.lock().clear();
    }
}

/// Ends the query also when the runtime is shut down in the midst of it: the
/// runtime waits for blocking threads.
struct InterruptOnDrop(Option<InterruptHandle>);

impl InterruptOnDrop {
    fn now(&self) {
        if let Some(handle) = &self.0 {
            handle.interrupt();
        }
    }

    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        self.now();
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

fn ended(error: JoinError) -> StoreError {
    StoreError::Unavailable(format!("a read ended early: {error}"))
}

/// Which of these are stored, and under which numbers.
pub(super) fn arrivals(
    connection: &Connection,
    ids: &[StoreId],
) -> rusqlite::Result<HashMap<StoreId, Arrival>> {
    by_identity(connection, ids, schema::ARRIVAL, |_, row| Ok(Arrival::from_i64(row.get(0)?)))
}

/// Which of these are stored, and where in a journey.
pub(super) fn positions(
    connection: &Connection,
    ids: &[StoreId],
) -> rusqlite::Result<HashMap<StoreId, Position>> {
    by_identity(connection, ids, schema::POSITION, |id, row| {
        Ok(Position {
            occurred_at: Timestamp::from_millis_clamped(row.get(0)?),
            arrival: Arrival::from_i64(row.get(1)?),
            id,
        })
    })
}

/// What is read of the rows with these identities: one state of the database.
fn by_identity<T>(
    connection: &Connection,
    ids: &[StoreId],
    sql: &str,
    read: impl Fn(StoreId, &Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<HashMap<StoreId, T>> {
    let transaction = connection.unchecked_transaction()?;
    let mut statement = transaction.prepare_cached(sql)?;
    let mut found = HashMap::with_capacity(ids.len());
    for id in ids {
        let row = statement.query_row([id.as_bytes()], |row| read(*id, row));
        found.extend(row.optional()?.map(|row| (*id, row)));
    }
    Ok(found)
}

/// The first events of a range, at least one if there is any: one scan of each id,
/// merged.
pub(super) fn journey(
    connection: &Connection,
    range: &JourneyRange,
    limit: usize,
) -> rusqlite::Result<JourneyPart> {
    let types = (!range.types.is_empty()).then(|| serde_json::Value::from(range.types.as_slice()));
    let types = types.map(|types| types.to_string());
    let sql = match range.order {
        Order::Ascending => schema::JOURNEY_ASCENDING,
        Order::Descending => schema::JOURNEY_DESCENDING,
    };
    let prepared = range.ids.iter().map(|_| connection.prepare_cached(sql));
    let mut statements = prepared.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut scans = Vec::with_capacity(range.ids.len());
    for (id, statement) in range.ids.iter().zip(&mut statements) {
        let (first, last) = ends(range, id);
        let highest = id.highest().map_or(i64::MAX, Arrival::as_i64);
        let rows = statement.query(params![
            id.id,
            first.0,
            first.1,
            last.0,
            last.1,
            range.session_id,
            types,
            highest,
        ])?;
        scans.extend(Scan { rows, next: None }.read_on()?);
    }
    let mut journey = InOrder::new(range, limit);
    while let Some(first) = first_of(&scans, range.order) {
        let Scan { rows, next } = scans.swap_remove(first);
        if next.is_some_and(|event| !journey.take(event)) {
            break;
        }
        scans.extend(Scan { rows, next: None }.read_on()?);
    }
    Ok(journey.finish())
}

/// The events of one id, in the order of its index.
struct Scan<'a> {
    rows: Rows<'a>,
    next: Option<StoredEvent>,
}

impl Scan<'_> {
    /// The same with its next event; `None` at its end. Rows that cannot be read are
    /// passed over, and others take their places: a short answer says that there is no
    /// more.
    fn read_on(mut self) -> rusqlite::Result<Option<Self>> {
        while let Some(row) = self.rows.next()? {
            match stored_event(row) {
                Ok(event) => {
                    self.next = Some(event);
                    return Ok(Some(self));
                }
                Err(error) if fault::is_unreadable_value(&error) => {
                    let user_id: String = row.get(1).unwrap_or_default();
                    warn!(%error, user_id, "passed over an event that cannot be read");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// Which of the scans has the event that comes first.
fn first_of(scans: &[Scan<'_>], order: Order) -> Option<usize> {
    let heads = scans.iter().enumerate();
    let heads = heads.filter_map(|(index, scan)| Some((index, scan.next.as_ref()?.position())));
    heads.min_by(|(_, left), (_, right)| order.compare(*left, *right)).map(|(index, _)| index)
}

/// The ends of what an id has of a range, both inclusive, as milliseconds and arrival
/// number. A position to go on from and a bound in time become one end, the narrower.
/// What shares that position's time and arrival is in the range: the id says
/// which of it comes after.
fn ends(range: &JourneyRange, id: &Id) -> ((i64, i64), (i64, i64)) {
    let mut first = (i64::MIN, i64::MIN);
    let mut last = (i64::MAX, i64::MAX);
    if let Some(from) = range.from {
        first = (from.as_millis(), i64::MIN);
    }
    if let Some(to) = range.to {
        last = (to.as_millis(), i64::MAX);
    }
    if id.until.is_some() {
        last = last.min((id.latest().as_millis(), i64::MAX));
    }
    if let Some(after) = range.after {
        let place = (after.occurred_at.as_millis(), after.arrival.as_i64());
        match range.order {
            Order::Ascending => first = first.max(place),
            Order::Descending => last = last.min(place),
        }
    }
    (first, last)
}

pub(super) fn stored_event(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        id: StoreId::from_bytes(row.get(0)?),
        user_id: row.get(1)?,
        event_id: row.get(2)?,
        kind: row.get(3)?,
        anonymous_id: row.get(10)?,
        session_id: row.get(4)?,
        account_id: row.get(5)?,
        payload: row.get(6)?,
        occurred_at: Timestamp::from_millis_clamped(row.get(7)?),
        received_at: Timestamp::from_millis_clamped(row.get(8)?),
        arrival: Arrival::from_i64(row.get(9)?),
    })
}
