//! What the writing thread does.

use std::sync::mpsc::{Receiver, RecvTimeoutError};

use rusqlite::{Connection, params};
use tokio::sync::oneshot;
use trailkeep_event::Accepted;

use super::command::{Command, Insert};
use super::file::{File, in_transaction};
use crate::Outcome;
use crate::embedded::retention::Sweeper;
use crate::embedded::{fault, schema};

/// Events after which a commit takes no further inserts along: it would keep
/// the first one waiting, and a failure would hit all of them.
const GROUP_EVENTS: usize = 2_000;

/// What the thread owns.
pub(super) struct Task {
    pub(super) file: File,
    pub(super) sweeper: Sweeper,
}

impl Task {
    /// Serves until it is told to stop, or nobody is left who could.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        if let Some(done) = self.serve(commands) {
            self.file.finish();
            let _ = done.send(());
        }
    }

    /// Serves commands until it is told to stop.
    fn serve(&mut self, commands: &Receiver<Command>) -> Option<oneshot::Sender<()>> {
        let mut next = None;
        loop {
            let command = match next.take() {
                Some(command) => Ok(command),
                None => commands.recv_timeout(self.sweeper.wait()),
            };
            match command {
                Ok(Command::Insert(first)) => {
                    let (group, after) = gather(first, commands);
                    next = after;
                    self.commit(group);
                    self.file.wal.keep_within_limit(&self.file.connection);
                }
                Ok(Command::Change(change)) => {
                    change(&mut self.file);
                    self.file.wal.keep_within_limit(&self.file.connection);
                }
                Ok(Command::Ping(answer)) => {
                    let _ = answer.send(self.file.files_in_place());
                }
                Ok(Command::BeginRetention) => self.sweeper.begin(),
                Ok(Command::Stop(done)) => return Some(done),
                #[cfg(test)]
                Ok(Command::Run(job)) => job(&self.file.connection),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            self.sweeper.step_if_due(&self.file.connection);
        }
    }

    fn commit(&mut self, group: Vec<Insert>) {
        let written = write(&mut self.file.connection, &group)
            .map_err(|error| fault::insert_error(&error))
            .and_then(|outcomes| self.file.files_in_place().map(|()| outcomes));
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
