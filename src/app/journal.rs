//! The journal of a service, in its data folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::warn;
use trailkeep_journal::{Journal, Opened, Rules};

use super::error::StartError;
use crate::config::Settings;
use crate::ingest::backlog::HEAD;
use crate::monitoring::disk::{Disk as _, DiskOf};
use crate::monitoring::health::Health;

/// What an older version called files with events that it could not store.
const UNDELIVERED: &str = "undelivered-";

/// Where it is in a data folder.
pub fn folder_in(data_dir: &Path) -> PathBuf {
    data_dir.join("journal")
}

/// Opens it. What an older version left elsewhere is not lost sight of.
pub fn open(settings: &Settings, health: &Arc<Health>) -> Result<Opened, StartError> {
    let data_dir = &settings.store.data_dir;
    if let Some(file) = undelivered(data_dir) {
        return Err(StartError::Undelivered { file });
    }
    let folder = folder_in(data_dir);
    let rules = Rules {
        max_bytes: settings.journal.max_bytes,
        is_synced: settings.journal.is_synced,
        max_age: Rules::MAX_AGE,
    };
    let health = Arc::clone(health);
    let on_stuck = Box::new(move |is_stuck| health.journal_stuck(is_stuck));
    let opened = Journal::open(&folder, rules, on_stuck)
        .map_err(|source| StartError::Journal { folder: folder.display().to_string(), source })?;
    check_disk(settings, &folder)?;
    Ok(opened)
}

/// A file with events. One that such a version was killed in the middle of, or
/// could not read, is told: nobody takes it in any more.
fn undelivered(data_dir: &Path) -> Option<String> {
    let mut found = None;
    for entry in fs::read_dir(data_dir).ok()?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = entry.path().display().to_string();
        if !name.starts_with(UNDELIVERED) {
            continue;
        }
        if name.ends_with(".ndjson") {
            found = Some(file);
        } else {
            warn!(file, "an older version left this file; look at it, and remove it");
        }
    }
    found
}

/// A backlog that is larger than memory's part of it has to fit onto the disk.
fn check_disk(settings: &Settings, folder: &Path) -> Result<(), StartError> {
    let limit = settings.backlog.max_bytes;
    if limit <= HEAD.bytes {
        return Ok(());
    }
    let limit = limit as u64;
    match room_in(folder) {
        Ok(free) if free < limit => {
            Err(StartError::SmallDisk { limit, free, folder: folder.display().to_string() })
        }
        // What cannot be told is found out when the disk is full.
        _ => Ok(()),
    }
}

/// Bytes that are free on the disk of a folder, or taken by its files already.
fn room_in(folder: &Path) -> std::io::Result<u64> {
    let mut room = DiskOf::folder(folder).free()?;
    for entry in fs::read_dir(folder)? {
        room += entry?.metadata()?.len();
    }
    Ok(room)
}
