//! The file of what was sent and what was answered, one JSON line each.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use parking_lot::Mutex;
use serde::Serialize;
use trailkeep_event::Timestamp;

use super::sent::Sent;

/// Where lines go, if anywhere. A line is with the system before the call returns, so
/// whoever has an answer finds it there.
pub struct Record(Option<Mutex<File>>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    /// Milliseconds since the epoch.
    at: i64,
    /// `request` or `answer`.
    what: &'static str,
    webhook_id: Option<&'a str>,
    attempt: Option<u32>,
    user: Option<&'a str>,
    event_id: Option<&'a str>,
    r#type: Option<&'a str>,
    /// Of an answer.
    status: Option<u16>,
    /// Whether the event had been processed before, so that nothing was done for this
    /// answer.
    is_repeated: Option<bool>,
}

impl Record {
    pub fn none() -> Self {
        Self(None)
    }

    pub fn append_to(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(Some(Mutex::new(file))))
    }

    pub fn request(&self, sent: &Sent) -> io::Result<()> {
        self.write(sent, "request", None, None)
    }

    pub fn answer(&self, sent: &Sent, status: u16, is_repeated: bool) -> io::Result<()> {
        self.write(sent, "answer", Some(status), Some(is_repeated))
    }

    fn write(
        &self,
        sent: &Sent,
        what: &'static str,
        status: Option<u16>,
        is_repeated: Option<bool>,
    ) -> io::Result<()> {
        let Some(file) = &self.0 else { return Ok(()) };
        let event = sent.event.as_ref();
        // The time is taken within the lock: lines are in the order of their times.
        let mut file = file.lock();
        let line = Line {
            at: Timestamp::now().as_millis(),
            what,
            webhook_id: sent.id.as_deref(),
            attempt: sent.attempt,
            user: event.map(|event| &*event.user),
            event_id: event.map(|event| &*event.event_id),
            r#type: event.map(|event| &*event.kind),
            status,
            is_repeated,
        };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        file.write_all(&bytes)
    }
}
