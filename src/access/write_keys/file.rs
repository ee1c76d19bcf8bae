//! The keys of the store in the data folder, for a start without the database.
//!
//! The first line says what it is, in which version, and the SHA-256 of all that follows:
//! `trailkeep write-keys 1 <base64>`. Each line after it is a key as JSON, without its
//! hint. A file with the first line alone says that there is no key. It is written aside,
//! synced, and renamed: there is the old one or the new one, whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tracing::warn;
use trailkeep_event::Timestamp;
use trailkeep_store::whole_file;
use uuid::Uuid;

use super::known::Key;
use crate::access::hash_secret;

/// Its name.
pub const NAME: &str = "write-keys";

const HEAD: &str = "trailkeep write-keys 1 ";

/// The file of one data folder.
pub struct KeyFile {
    path: PathBuf,
}

/// A line of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    id: Uuid,
    name: String,
    hash: String,
    origins: Vec<String>,
    expires_at: Option<String>,
}

impl KeyFile {
    pub(super) fn of_folder(folder: PathBuf) -> Self {
        Self { path: folder.join(NAME) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What it has; `None` where it is missing, or damaged, which the log is told.
    pub(super) fn read(&self) -> Option<Vec<Key>> {
        let trouble = match fs::read(&self.path).map(|bytes| decode(&bytes)) {
            Ok(Some(keys)) => return Some(keys),
            Ok(None) => "it is damaged".to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => error.to_string(),
        };
        let file = self.path.display();
        warn!(
            trouble, %file,
            "the write keys cannot be read there; those of the database count once it answers, \
             and are written there then"
        );
        None
    }

    /// Has these keys and no others from then on, also after a crash of the machine.
    pub(super) async fn write(&self, keys: &[Arc<Key>]) -> io::Result<()> {
        let (path, keys) = (self.path.clone(), keys.to_vec());
        let written = spawn_blocking(move || whole_file::write(&path, &encode(&keys)));
        written.await.map_err(io::Error::other)?
    }
}

fn encode(keys: &[Arc<Key>]) -> Vec<u8> {
    let lines = keys.iter().filter_map(|key| {
        let line = Line {
            id: key.id,
            name: key.name.as_ref().to_owned(),
            hash: URL_SAFE_NO_PAD.encode(key.hash),
            origins: key.origins.iter().map(|origin| origin.as_ref().to_owned()).collect(),
            expires_at: key.expires_at.map(|end| end.to_string()),
        };
        Some(serde_json::to_string(&line).ok()? + "\n")
    });
    let lines: String = lines.collect();
    format!("{HEAD}{}\n{lines}", checksum(&lines)).into_bytes()
}

fn decode(bytes: &[u8]) -> Option<Vec<Key>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, lines) = text.split_once('\n')?;
    if head.strip_prefix(HEAD)? != checksum(lines) {
        return None;
    }
    lines.lines().map(key).collect()
}

fn key(line: &str) -> Option<Key> {
    let Line { id, name, hash, origins, expires_at } = serde_json::from_str(line).ok()?;
    let hash = URL_SAFE_NO_PAD.decode(hash).ok()?.try_into().ok()?;
    let expires_at = match expires_at {
        Some(end) => Some(Timestamp::parse_rfc3339(&end)?),
        None => None,
    };
    Some(Key::new(id, &name, hash, &origins, expires_at))
}

fn checksum(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(hash_secret(text))
}

#[cfg(test)]
mod tests;
