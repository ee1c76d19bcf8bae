//! Events into the database, with one verdict for each.
//!
//! The `insert` command is built and read here and not by the driver's
//! `insert_many`, for two reasons. That one drops the server's count of what
//! it inserted, so that documents which the server never came to would pass
//! for stored; and it refuses a whole insert for one document that is too
//! large. Besides, it encodes every document three times.
//!
//! A command that the driver does not know to be a write is not retried by the
//! driver. Whoever calls does that, and the unique `_id` makes it harmless.

use std::sync::Arc;

use bson::raw::RawDocumentBuf;
use bson::{Document, doc};
use trailkeep_event::Accepted;

use super::bson_writer::{BsonWriter, Open};
use super::connection::{EVENTS, Link};
use super::documents::{expected_bytes, write_fields};
use super::errors::{
    OBJECT_TOO_LARGE, command_error, describe_entry, int, store_error, write_outcome,
};
use super::periods::{Calendar, Periods};
use crate::{Outcome, Reason, Refusal, StoreError};

/// Bytes that the server takes in one document.
const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of documents in one command, unless it is a single one: a command is
/// itself a document, with 16 KiB of room for what is not payload.
const MAX_COMMAND_BYTES: usize = MAX_DOCUMENT_BYTES;

/// Documents that the server takes in one command.
const MAX_COMMAND_DOCUMENTS: usize = 100_000;

/// Inserts the events, each for itself and with its period.
pub async fn insert(
    link: &Link,
    calendar: &Calendar,
    events: &[Arc<Accepted>],
) -> Result<Vec<Outcome>, StoreError> {
    let times = || events.iter().map(|accepted| accepted.event.occurred_at);
    let Some(latest) = times().max() else { return Ok(Vec::new()) };
    let periods = calendar.up_to(link, latest).await?;
    let outcomes = in_periods(link, &periods, events).await?;
    let stored = times().zip(&outcomes).filter(|(_, outcome)| **outcome == Outcome::Stored);
    calendar.count(link, stored.map(|(time, _)| time)).await;
    Ok(outcomes)
}

/// In as few commands as they fit in.
async fn in_periods(
    link: &Link,
    periods: &Periods,
    events: &[Arc<Accepted>],
) -> Result<Vec<Outcome>, StoreError> {
    let mut outcomes = Vec::with_capacity(events.len());
    while outcomes.len() < events.len() {
        match NextInsert::take(&events[outcomes.len()..], periods, link.write_concern())? {
            NextInsert::Command { command, documents } => {
                let answer = link
                    .database()
                    .run_raw_command(command)
                    .await
                    .map_err(|error| store_error(&error))?;
                outcomes.extend(verdicts(&answer, documents)?);
            }
            NextInsert::TooLarge { bytes } => outcomes.push(too_large(bytes)),
        }
    }
    Ok(outcomes)
}

/// Inserts documents that fit into one command, each for itself, with one verdict
/// for each.
pub async fn insert_documents(
    link: &Link,
    collection: &str,
    documents: Vec<Document>,
) -> Result<Vec<Outcome>, StoreError> {
    let sent = documents.len();
    let command = doc! {
        "insert": collection,
        "ordered": false,
        "writeConcern": link.write_concern(),
        "documents": documents,
    };
    let answer = link.database().run_command(command).await.map_err(|error| store_error(&error))?;
    verdicts(&answer, sent)
}

/// What the next events go out as.
enum NextInsert {
    /// As many of them as fit, in order.
    Command { command: RawDocumentBuf, documents: usize },
    /// Not at all, for the first fits into no command.
    TooLarge { bytes: usize },
}

impl NextInsert {
    fn take(
        events: &[Arc<Accepted>],
        periods: &Periods,
        write_concern: &Document,
    ) -> Result<Self, StoreError> {
        let mut builder = CommandBuilder::new(write_concern, bytes_of(events))?;
        for accepted in events.iter().take(MAX_COMMAND_DOCUMENTS) {
            match builder.push(accepted, periods.start_of(accepted.event.occurred_at)) {
                Push::Taken => {}
                Push::TooLarge { bytes } if builder.documents == 0 => {
                    return Ok(Self::TooLarge { bytes });
                }
                Push::Full | Push::TooLarge { .. } => break,
            }
        }
        Ok(Self::Command { documents: builder.documents, command: builder.finish()? })
    }
}

/// About the bytes of a command with these events, so that it need not grow.
fn bytes_of(events: &[Arc<Accepted>]) -> usize {
    const HEAD: usize = 256;
    let documents = events.iter().map(|accepted| expected_bytes(accepted));
    (HEAD + documents.sum::<usize>()).min(MAX_COMMAND_BYTES)
}

/// What became of an event that was handed to a command.
enum Push {
    Taken,
    /// It goes into the next command.
    Full,
    /// It fits into no command.
    TooLarge {
        bytes: usize,
    },
}

/// An `insert` command under construction, all in one buffer.
struct CommandBuilder {
    out: BsonWriter,
    command: Open,
    array: Open,
    head_bytes: usize,
    documents: usize,
}

impl CommandBuilder {
    fn new(write_concern: &Document, bytes: usize) -> Result<Self, StoreError> {
        let write_concern = RawDocumentBuf::try_from(write_concern)
            .map_err(|error| StoreError::Denied(error.to_string()))?;
        let mut out = BsonWriter::with_capacity(bytes);
        let command = out.open();
        out.string("insert", EVENTS);
        out.bool("ordered", false);
        out.document("writeConcern", write_concern.as_bytes());
        let array = out.open_array("documents");
        Ok(Self { head_bytes: out.len(), out, command, array, documents: 0 })
    }

    fn push(&mut self, accepted: &Accepted, period: Option<i64>) -> Push {
        let before = self.out.len();
        let mut digits = itoa::Buffer::new();
        let document = self.out.open_document(digits.format(self.documents));
        let start = self.out.len();
        write_fields(accepted, &mut self.out);
        if let Some(start) = period {
            self.out.date("period", start);
        }
        self.out.close(document);
        let bytes = self.out.len() - start + size_of::<i32>();
        let pushed = if bytes > MAX_DOCUMENT_BYTES {
            Push::TooLarge { bytes }
        } else if self.documents > 0 && self.out.len() - self.head_bytes > MAX_COMMAND_BYTES {
            Push::Full
        } else {
            self.documents += 1;
            return Push::Taken;
        };
        self.out.truncate(before);
        pushed
    }

    fn finish(mut self) -> Result<RawDocumentBuf, StoreError> {
        self.out.close(self.array);
        self.out.close(self.command);
        RawDocumentBuf::from_bytes(self.out.into_bytes())
            .map_err(|error| StoreError::Unreadable(error.to_string()))
    }
}

/// Reads the server's answer to an unordered insert of so many documents, or to as
/// many updates of which each finds or makes one.
pub fn verdicts(answer: &Document, sent: usize) -> Result<Vec<Outcome>, StoreError> {
    heed_concern(answer)?;
    let mut outcomes = vec![Outcome::Stored; sent];
    let faults = answer.get_array("writeErrors").map_or(&[][..], Vec::as_slice);
    for fault in faults.iter().filter_map(bson::Bson::as_document) {
        let outcome = int(fault, "index")
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| outcomes.get_mut(index))
            .ok_or_else(|| {
                StoreError::Unreadable("an insert's answer names a document never sent".to_owned())
            })?;
        *outcome = write_outcome(fault);
    }
    let inserted = int(answer, "n").and_then(|n| usize::try_from(n).ok());
    if inserted.map(|n| n + faults.len()) != Some(sent) {
        let inserted = inserted.unwrap_or_default();
        return Err(StoreError::Unavailable(format!(
            "the server ended an insert early: of {sent} documents it inserted {inserted} and \
             refused {}",
            faults.len()
        )));
    }
    Ok(outcomes)
}

/// Which of some documents were written, and are not the second under their `_id`.
///
/// # Errors
///
/// Where the server refuses one, or puts it off.
pub fn written(verdicts: Vec<Outcome>, collection: &str) -> Result<Vec<bool>, StoreError> {
    let is_written = |verdict| match verdict {
        Outcome::Stored => Ok(true),
        Outcome::Duplicate => Ok(false),
        Outcome::Refused(refusal) => Err(StoreError::Denied(refusal.to_string())),
        Outcome::Retry | Outcome::Erased => {
            Err(StoreError::Unavailable(format!("a document of {collection} was put off")))
        }
    };
    verdicts.into_iter().map(is_written).collect()
}

/// Reads the server's answer to unordered updates: how many found or made their
/// document. One that a unique index refused did not, which is no error.
pub fn fitted(answer: &Document) -> Result<usize, StoreError> {
    heed_concern(answer)?;
    let faults = answer.get_array("writeErrors").map_or(&[][..], Vec::as_slice);
    for fault in faults.iter().filter_map(bson::Bson::as_document) {
        match write_outcome(fault) {
            Outcome::Stored | Outcome::Duplicate => {}
            Outcome::Refused(refusal) => return Err(StoreError::Denied(refusal.to_string())),
            Outcome::Retry | Outcome::Erased => {
                let code = int(fault, "code").unwrap_or_default();
                return Err(StoreError::Unavailable(describe_entry(fault, code)));
            }
        }
    }
    Ok(int(answer, "n").and_then(|n| usize::try_from(n).ok()).unwrap_or_default())
}

/// What was written and is not safe yet is sent again: it is found to be there, and
/// acknowledged once it is safe.
fn heed_concern(answer: &Document) -> Result<(), StoreError> {
    let Ok(fault) = answer.get_document("writeConcernError") else { return Ok(()) };
    let code = int(fault, "code").unwrap_or_default();
    Err(command_error(code, describe_entry(fault, code)))
}

fn too_large(bytes: usize) -> Outcome {
    let text = format!(
        "as a document it has {bytes} bytes, and MongoDB takes {MAX_DOCUMENT_BYTES} \
         (code {OBJECT_TOO_LARGE}, BSONObjectTooLarge)"
    );
    Outcome::Refused(Refusal::new(Reason::TooLarge, text))
}

#[cfg(test)]
mod tests;
