//! Who did what to whom, when and from where.
//!
//! **What is answered was noted.** An entry goes into a queue, and a task writes what waits
//! there with one call: what comes meanwhile shares the next one. Around a request all that
//! was noted in it is waited for ([`noted`]) before the answer goes out, beside the work and
//! not behind it. So a process that is killed takes no look with it that anybody saw. What
//! cannot be written within five seconds, because the database is away, or finds no room in
//! the queue, has its request answered with an error; what is in the queue is written once
//! the database is there again. At a stop the queue is written out.

pub mod action;

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use uuid::Uuid;

use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::access::{AccessStore, AuditEntry, AuditRange};

/// Entries that may wait: some MiB at the most.
const QUEUE: usize = 10_000;
const BATCH: usize = 200;
const PAUSE: Duration = Duration::from_secs(1);
/// How long a request waits for what it noted.
const PATIENCE: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// What was noted in the request at hand.
    static RECEIPTS: RefCell<Vec<oneshot::Receiver<()>>>;
}

/// What was done could not be written, so that nobody may be told what came of it.
#[derive(Debug, thiserror::Error)]
#[error("the audit trail cannot be written")]
pub struct NotNoted;

/// Does the work of a request, and waits until all that was noted in it is written.
pub async fn noted<T>(work: impl Future<Output = T>) -> Result<T, NotNoted> {
    let noting = async {
        let done = work.await;
        let receipts = RECEIPTS.with(RefCell::take);
        // From here on, so that what took long is not counted.
        let deadline = Instant::now() + PATIENCE;
        for receipt in receipts {
            match timeout_at(deadline, receipt).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(NotNoted),
            }
        }
        Ok(done)
    };
    RECEIPTS.scope(RefCell::default(), noting).await
}

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// An account's address, a token's name, `shell`, `trailkeep` or `anonymous`.
    pub name: String,
    /// The account or token, where there is one.
    pub id: Option<Uuid>,
    /// From where, where there is a network between.
    pub client: Option<IpAddr>,
    /// Why, in their words.
    pub reason: Option<String>,
}

impl Actor {
    /// Somebody who is not signed in.
    pub fn anonymous(client: Option<IpAddr>) -> Self {
        Self { name: "anonymous".to_owned(), id: None, client, reason: None }
    }

    /// Whoever may run commands on the machine.
    pub fn shell() -> Self {
        Self { name: "shell".to_owned(), id: None, client: None, reason: None }
    }

    /// The service itself, which does what somebody has asked for.
    pub fn service() -> Self {
        Self { name: "trailkeep".to_owned(), id: None, client: None, reason: None }
    }

    /// An entry of what this one did.
    pub fn did(&self, action: &str, subject: Option<&str>, clock: &dyn Clock) -> AuditEntry {
        AuditEntry {
            id: Uuid::now_v7(),
            at: clock.now(),
            actor: self.name.clone(),
            actor_id: self.id,
            action: action.to_owned(),
            subject: subject.map(str::to_owned),
            client: self.client.map(|client| client.to_string()),
            reason: self.reason.clone(),
        }
    }
}

/// An entry on its way, and who waits for it.
struct Waiting {
    entry: AuditEntry,
    written: oneshot::Sender<()>,
}

/// The way into the trail, and back.
pub struct Audit {
    queue: mpsc::Sender<Waiting>,
    store: Arc<dyn AccessStore>,
    clock: Arc<dyn Clock>,
    lost: AtomicU64,
}

/// The task that writes the trail.
pub struct AuditWriter {
    queue: mpsc::Receiver<Waiting>,
    store: Arc<dyn AccessStore>,
}

/// A trail, and what writes it.
pub fn trail(store: Arc<dyn AccessStore>, clock: Arc<dyn Clock>) -> (Audit, AuditWriter) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let audit = Audit { queue: sender, store: Arc::clone(&store), clock, lost: AtomicU64::new(0) };
    let writer = AuditWriter { queue: receiver, store };
    (audit, writer)
}

impl Audit {
    /// Notes that somebody did something. Never waits: that does the request, at its end.
    pub fn note(&self, actor: &Actor, action: &'static str, subject: Option<&str>) {
        let entry = actor.did(action, subject, &*self.clock);
        let (written, receipt) = oneshot::channel();
        // What finds no room drops its half, of which its request is told.
        if self.queue.try_send(Waiting { entry, written }).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            // One line for each power of two: the log must not flood as well.
            if lost.is_power_of_two() {
                warn!(lost, action, "the audit trail is full; what was asked is not answered");
            }
        }
        // Outside of a request nobody is answered.
        let _ = RECEIPTS.try_with(|receipts| receipts.borrow_mut().push(receipt));
    }

    /// A part of the trail, newest first: what is written of it.
    pub async fn read(
        &self,
        range: &AuditRange,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.store.audit(range, limit).await
    }

    /// Entries that found no room since the start.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl AuditWriter {
    /// Writes until `stop`, then what is left, until `deadline` after it.
    pub async fn run(mut self, stop: CancellationToken, grace: Duration) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                received = self.queue.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        return;
                    }
                }
                () = stop.cancelled() => break,
            }
            tokio::select! {
                () = write(&*self.store, &mut batch) => {}
                () = stop.cancelled() => break,
            }
        }
        let deadline = Instant::now() + grace;
        if timeout_at(deadline, self.write_rest(&mut batch)).await.is_err() {
            let lost = batch.len() + self.queue.len();
            error!(lost, "entries of the audit trail could not be written before the stop");
        }
    }

    async fn write_rest(&mut self, batch: &mut Vec<Waiting>) {
        loop {
            write(&*self.store, batch).await;
            while batch.len() < BATCH
                && let Ok(waiting) = self.queue.try_recv()
            {
                batch.push(waiting);
            }
            if batch.is_empty() {
                return;
            }
        }
    }
}

/// Writes a batch, however often that has to be tried, empties it, and tells who waits. An
/// entry that is written twice is there once, by its id.
async fn write(store: &dyn AccessStore, batch: &mut Vec<Waiting>) {
    let entries: Vec<AuditEntry> = batch.iter().map(|waiting| waiting.entry.clone()).collect();
    while !batch.is_empty() {
        match store.record(&entries).await {
            Ok(()) => {
                for waiting in batch.drain(..) {
                    // Who waited for it may be gone.
                    let _ = waiting.written.send(());
                }
            }
            Err(error) => {
                warn!(%error, entries = batch.len(), "the audit trail waits for the database");
                sleep(PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::access::memory_store::{MemoryStore, TestClock};

    fn parts() -> (Audit, AuditWriter, Arc<MemoryStore>) {
        let store = Arc::new(MemoryStore::default());
        let clock = Arc::new(TestClock::default());
        let (audit, writer) = trail(Arc::clone(&store) as _, clock);
        (audit, writer, store)
    }

    async fn written(store: &MemoryStore) -> usize {
        store.audit(&AuditRange::default(), usize::MAX).await.unwrap().len()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_noted_before_the_stop_is_written() {
        let (audit, writer, store) = parts();
        for _ in 0..3 * BATCH {
            audit.note(&Actor::shell(), action::CREATE_ACCOUNT, Some("a@example.com"));
        }
        let stop = CancellationToken::new();
        stop.cancel();
        writer.run(stop, Duration::from_secs(5)).await;
        assert_eq!(written(&store).await, 3 * BATCH);
        assert_eq!(audit.lost(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn entries_wait_for_a_database_that_is_away() {
        let (audit, writer, store) = parts();
        store.set_away(true);
        let stop = CancellationToken::new();
        let task = tokio::spawn(writer.run(stop.clone(), Duration::from_secs(5)));
        audit.note(&Actor::shell(), action::CREATE_ACCOUNT, None);
        sleep(Duration::from_secs(60)).await;
        store.set_away(false);
        stop.cancel();
        task.await.unwrap();
        assert_eq!(written(&store).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_does_not_wait_for_longer_than_its_grace() {
        let (audit, writer, store) = parts();
        store.set_away(true);
        audit.note(&Actor::shell(), action::CREATE_ACCOUNT, None);
        let stop = CancellationToken::new();
        stop.cancel();
        writer.run(stop, Duration::from_secs(5)).await;
    }

    #[tokio::test]
    async fn what_is_answered_was_written_and_what_comes_together_is_written_together() {
        let (audit, writer, store) = parts();
        let audit = Arc::new(audit);
        let stop = CancellationToken::new();
        let requests: Vec<_> = (0..BATCH)
            .map(|_| {
                let audit = Arc::clone(&audit);
                tokio::spawn(noted(async move {
                    audit.note(&Actor::shell(), action::READ_JOURNEY, None);
                }))
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(requests.iter().all(|request| !request.is_finished()), "nothing is written yet");
        let task = tokio::spawn(writer.run(stop.clone(), Duration::from_secs(5)));
        for request in requests {
            request.await.unwrap().unwrap();
        }
        assert_eq!(written(&store).await, BATCH);
        let writes = store.audit_writes();
        assert!(writes <= 3, "{writes} writes");
        stop.cancel();
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_written_is_not_answered_and_is_written_later() {
        let (audit, writer, store) = parts();
        store.set_away(true);
        let stop = CancellationToken::new();
        let task = tokio::spawn(writer.run(stop.clone(), Duration::from_secs(5)));
        let look = async || audit.note(&Actor::shell(), action::READ_JOURNEY, None);
        let begun = Instant::now();
        assert!(noted(look()).await.is_err());
        assert!(begun.elapsed() <= PATIENCE + PAUSE);
        store.set_away(false);
        noted(look()).await.unwrap();
        assert_eq!(written(&store).await, 2);
        stop.cancel();
        task.await.unwrap();
    }

    #[tokio::test]
    async fn what_notes_nothing_waits_for_nothing() {
        assert_eq!(noted(async { 7 }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn what_finds_no_room_is_counted_and_nobody_waits() {
        let (audit, _writer, _) = parts();
        for _ in 0..QUEUE + 7 {
            audit.note(&Actor::shell(), action::READ_JOURNEY, None);
        }
        assert_eq!(audit.lost(), 7);
        let refused = noted(async { audit.note(&Actor::shell(), action::READ_JOURNEY, None) });
        assert!(refused.await.is_err());
    }
}
