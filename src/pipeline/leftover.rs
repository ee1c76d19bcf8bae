//! Events that could not be stored before the process had to stop.
//!
//! They are written to a file in the data folder and taken in by the next
//! start. One event a line, as JSON; the file is complete and synced before it
//! gets its name, so a file with that name is whole. It is removed only when
//! all of its events have left the buffer: a crash in between takes them in
//! again, and their derived ids make that harmless.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tracing::{error, info};

use crate::event::{Accepted, Arrival, Event, Payload, StoreId, Timestamp};

const PREFIX: &str = "undelivered-";
const SUFFIX: &str = ".ndjson";

/// One line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    arrival: i64,
    user_id: String,
    event_id: String,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    occurred_at: i64,
    received_at: i64,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// Writes events to a new file in the folder, which is made if it is missing.
/// Answers the file's path.
pub fn write(folder: &Path, events: &[Arc<Accepted>], now: Timestamp) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let name = format!("{PREFIX}{}-{}", now.as_millis(), std::process::id());
    let partial = folder.join(format!("{name}.partial"));
    let path = folder.join(format!("{name}{SUFFIX}"));
    // Personal data: for the service's own user only.
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)?;
    let mut out = BufWriter::new(file);
    for accepted in events {
        write_line(&mut out, accepted)?;
    }
    out.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    fs::rename(&partial, &path)?;
    File::open(folder)?.sync_all()?;
    Ok(path)
}

fn write_line(out: &mut impl io::Write, accepted: &Accepted) -> io::Result<()> {
    let event = &accepted.event;
    let payload = RawValue::from_string(event.payload.to_json().into())?;
    let line = Line {
        arrival: accepted.arrival.as_i64(),
        user_id: event.user_id.to_string(),
        event_id: event.event_id.to_string(),
        r#type: event.kind.to_string(),
        session_id: event.session_id.as_deref().map(str::to_owned),
        account_id: event.account_id.as_deref().map(str::to_owned),
        occurred_at: event.occurred_at.as_millis(),
        received_at: event.received_at.as_millis(),
        payload: &payload,
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

fn read_line(line: &[u8]) -> Result<Accepted, String> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let time = |millis: i64| Timestamp::from_millis(millis).ok_or("a time out of range");
    let event = Event {
        id: StoreId::derive(&line.user_id, &line.event_id),
        payload: Payload::from_kept_json(line.payload.get())?,
        occurred_at: time(line.occurred_at)?,
        received_at: time(line.received_at)?,
        user_id: line.user_id.into(),
        event_id: line.event_id.into(),
        kind: line.r#type.into(),
        session_id: line.session_id.map(Into::into),
        account_id: line.account_id.map(Into::into),
    };
    Ok(Accepted {
        event,
        arrival: Arrival::from_i64(line.arrival),
    })
}

/// The files that were read.
#[derive(Debug, Default)]
pub struct Leftover(Vec<ReadFile>);

#[derive(Debug)]
struct ReadFile {
    path: PathBuf,
    is_damaged: bool,
}

/// Reads all files of earlier processes. A line that cannot be read is logged
/// and left in its file, which is then renamed instead of removed.
pub fn read(folder: &Path) -> io::Result<(Vec<Accepted>, Leftover)> {
    let mut events = Vec::new();
    let mut files = Vec::new();
    for path in files_in(folder)? {
        let (mut read, damaged_lines) = read_file(&path)?;
        info!(
            file = %path.display(), events = read.len(), damaged_lines,
            "taking in events that an earlier process could not store"
        );
        events.append(&mut read);
        files.push(ReadFile {
            path,
            is_damaged: damaged_lines > 0,
        });
    }
    Ok((events, Leftover(files)))
}

fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_file(path: &Path) -> io::Result<(Vec<Accepted>, usize)> {
    let mut events = Vec::new();
    let mut damaged = 0;
    for (number, line) in BufReader::new(File::open(path)?).split(b'\n').enumerate() {
        match read_line(&line?) {
            Ok(accepted) => events.push(accepted),
            Err(reason) => {
                damaged += 1;
                let (file, line) = (path.display(), number + 1);
                error!(%file, line, reason, "an event in this file cannot be read");
            }
        }
    }
    Ok((events, damaged))
}

impl Leftover {
    /// Removes the files: their events are stored, or are in a newer file.
    pub fn remove(&self) {
        for ReadFile { path, is_damaged } in &self.0 {
            let removed = if *is_damaged {
                fs::rename(path, path.with_extension("damaged"))
            } else {
                fs::remove_file(path)
            };
            match removed {
                Ok(()) => info!(file = %path.display(), "the events of this file are stored"),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => error!(file = %path.display(), %error, "cannot remove this file"),
            }
        }
    }
}
