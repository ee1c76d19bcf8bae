//! Who did what to whom, when and from where.
//!
//! What is done does not wait for its entry to be written: entries go into a
//! queue, and a task writes them in batches. What is done now and then is
//! written at once; what is done often is written together, and waits up to a
//! tenth of a second and the write before it: a write of each would cost as much
//! as reading a journey. While the database is away entries wait; what finds the
//! queue full is counted and told in the log. At a stop the queue is written out.
//! A process that is killed loses what is not written yet: while the database
//! answers, what was noted in about a tenth of a second and two writes.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
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
/// After a write, unless a whole batch waits by then.
const PACE: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_secs(1);

/// What was done, as it stands in the trail.
pub mod action {
    /// An account was made by the person itself.
    pub const SIGN_UP: &str = "account.sign-up";
    /// Somebody tried to make the first account with a wrong set-up code.
    pub const SET_UP_FAILED: &str = "account.set-up-failed";
    /// Somebody signed in.
    pub const SIGN_IN: &str = "session.sign-in";
    /// Somebody tried to sign in with the wrong address or password.
    pub const SIGN_IN_FAILED: &str = "session.sign-in-failed";
    /// Somebody signed out.
    pub const SIGN_OUT: &str = "session.sign-out";
    /// Somebody ended a session of theirs.
    pub const END_SESSION: &str = "session.end";
    /// Somebody ended all sessions of theirs but the one they had at hand.
    pub const END_OTHER_SESSIONS: &str = "session.end-others";
    /// Somebody set another password for themselves.
    pub const CHANGE_PASSWORD: &str = "account.change-password";
    /// A password was set for somebody.
    pub const RESET_PASSWORD: &str = "account.reset-password";
    /// An account was made for somebody.
    pub const CREATE_ACCOUNT: &str = "account.create";
    /// An account may not sign in any more.
    pub const DISABLE_ACCOUNT: &str = "account.disable";
    /// An account may sign in again.
    pub const ENABLE_ACCOUNT: &str = "account.enable";
    /// An account became an administrator's.
    pub const MAKE_ADMIN: &str = "account.make-admin";
    /// An account became one of the staff.
    pub const MAKE_STAFF: &str = "account.make-staff";
    /// An account became one that may look and not export.
    pub const MAKE_SUPPORT: &str = "account.make-support";
    /// A token was made.
    pub const CREATE_TOKEN: &str = "token.create";
    /// A token was revoked.
    pub const REVOKE_TOKEN: &str = "token.revoke";
    /// A write key was made.
    pub const CREATE_WRITE_KEY: &str = "write-key.create";
    /// A write key was revoked.
    pub const REVOKE_WRITE_KEY: &str = "write-key.revoke";
    /// Somebody looked at a journey.
    pub const READ_JOURNEY: &str = "journey.read";
    /// Somebody looked at what is known of a user.
    pub const READ_USER: &str = "user.read";
    /// Somebody joined an id to a user; there is an entry about each of the two.
    pub const JOIN_USERS: &str = "link.join";
    /// Somebody separated an id from a user; there is an entry about each of the two.
    pub const SEPARATE_USERS: &str = "link.separate";
    /// Somebody searched; the subject is what was typed.
    pub const SEARCH: &str = "search";
    /// Somebody looked at the events of a business account, which is the subject.
    pub const READ_ACCOUNT_EVENTS: &str = "account-events.read";
    /// Somebody looked at the list of dead letters.
    pub const LIST_DEAD_LETTERS: &str = "dead-letter.list";
    /// Somebody looked at a dead letter of a user.
    pub const READ_DEAD_LETTER: &str = "dead-letter.read";
    /// Somebody had a dead letter, or all of them, tried again.
    pub const RETRY_DEAD_LETTER: &str = "dead-letter.retry";
    /// Somebody looked at the users who are stuck at a processor.
    pub const LIST_STUCK_USERS: &str = "processor.users";
    /// Somebody had a user's event sent again.
    pub const RETRY_USER: &str = "processor.retry";
    /// Somebody had a user's event skipped.
    pub const SKIP_USER: &str = "processor.skip";
    /// Somebody let a user go on behind an event.
    pub const RELEASE_USER: &str = "processor.release";
    /// Somebody paused a processor.
    pub const PAUSE_PROCESSOR: &str = "processor.pause";
    /// Somebody let a processor go on.
    pub const RESUME_PROCESSOR: &str = "processor.resume";
    /// Somebody had events sent again.
    pub const REPLAY: &str = "processor.replay";
    /// Somebody looked for events that are neither done nor pending.
    pub const CHECK_PROCESSING: &str = "processor.check";
    /// Somebody removed a processor.
    pub const REMOVE_PROCESSOR: &str = "processor.remove";
    /// Somebody dropped a dead letter, or all of them.
    pub const DROP_DEAD_LETTER: &str = "dead-letter.drop";
}

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// An account's address, a token's name, `shell`, or `anonymous`.
    pub name: String,
    /// The account or token, where there is one.
    pub id: Option<Uuid>,
    /// From where, where there is a network between.
    pub client: Option<IpAddr>,
}

impl Actor {
    /// Somebody who is not signed in.
    pub fn anonymous(client: Option<IpAddr>) -> Self {
        Self { name: "anonymous".to_owned(), id: None, client }
    }

    /// Whoever may run commands on the machine.
    pub fn shell() -> Self {
        Self { name: "shell".to_owned(), id: None, client: None }
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
            reason: None,
        }
    }
}

/// The way into the trail, and back.
pub struct Audit {
    queue: mpsc::Sender<AuditEntry>,
    store: Arc<dyn AccessStore>,
    clock: Arc<dyn Clock>,
    lost: AtomicU64,
}

/// The task that writes the trail.
pub struct AuditWriter {
    queue: mpsc::Receiver<AuditEntry>,
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
    /// Notes that somebody did something. Never waits.
    pub fn note(&self, actor: &Actor, action: &'static str, subject: Option<&str>) {
        let entry = actor.did(action, subject, &*self.clock);
        if self.queue.try_send(entry).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            // One line for each power of two: the log must not flood as well.
            if lost.is_power_of_two() {
                warn!(lost, action, "the audit trail is full; entries are lost");
            }
        }
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
                () = self.write_and_rest(&mut batch) => {}
                () = stop.cancelled() => break,
            }
        }
        let deadline = Instant::now() + grace;
        if timeout_at(deadline, self.write_rest(&mut batch)).await.is_err() {
            let lost = batch.len() + self.queue.len();
            error!(lost, "entries of the audit trail could not be written before the stop");
        }
    }

    async fn write_and_rest(&self, batch: &mut Vec<AuditEntry>) {
        write(&*self.store, batch).await;
        if self.queue.len() < BATCH {
            sleep(PACE).await;
        }
    }

    async fn write_rest(&mut self, batch: &mut Vec<AuditEntry>) {
        loop {
            write(&*self.store, batch).await;
            while batch.len() < BATCH
                && let Ok(entry) = self.queue.try_recv()
            {
                batch.push(entry);
            }
            if batch.is_empty() {
                return;
            }
        }
    }
}

/// Writes a batch, however often that has to be tried, and empties it. An
/// entry that is written twice is there once, by its id.
async fn write(store: &dyn AccessStore, batch: &mut Vec<AuditEntry>) {
    while !batch.is_empty() {
        match store.record(batch).await {
            Ok(()) => batch.clear(),
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

    #[tokio::test(start_paused = true)]
    async fn what_is_done_often_is_written_together() {
        let (audit, writer, store) = parts();
        let stop = CancellationToken::new();
        let task = tokio::spawn(writer.run(stop.clone(), Duration::from_secs(5)));
        for _ in 0..BATCH {
            audit.note(&Actor::shell(), action::READ_JOURNEY, None);
            sleep(Duration::from_millis(1)).await;
        }
        sleep(PACE).await;
        assert_eq!(written(&store).await, BATCH);
        let writes = store.audit_writes();
        assert!(writes <= 3, "{writes} writes");
        stop.cancel();
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_now_and_then_is_written_at_once() {
        let (audit, writer, store) = parts();
        let stop = CancellationToken::new();
        let task = tokio::spawn(writer.run(stop.clone(), Duration::from_secs(5)));
        for number in 1..=3 {
            sleep(2 * PACE).await;
            audit.note(&Actor::shell(), action::READ_JOURNEY, None);
            sleep(Duration::from_millis(1)).await;
            assert_eq!(written(&store).await, number);
        }
        stop.cancel();
        task.await.unwrap();
    }

    #[tokio::test]
    async fn what_finds_no_room_is_counted_and_nobody_waits() {
        let (audit, _writer, _) = parts();
        for _ in 0..QUEUE + 7 {
            audit.note(&Actor::shell(), action::READ_JOURNEY, None);
        }
        assert_eq!(audit.lost(), 7);
    }
}
