//! What is said of a backup beside it: of what and when it is, and how to see that it is whole.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use trailkeep_event::Timestamp;
use trailkeep_store::embedded::{Contents, newest_format};
use trailkeep_store::whole_file::with_ending;
use uuid::Uuid;

use crate::monitoring::version;

/// The form of the manifest. One of a later version is refused.
const FORM: u32 = 1;

/// Bytes that are read at once.
const STEP: usize = 1 << 20;

/// What is said of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Of the manifest itself.
    format: u32,
    /// What has made the backup.
    trailkeep: String,
    /// The version of the tables.
    schema: usize,
    /// The data folder's identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instance: Option<Uuid>,
    /// When it was made, in UTC.
    pub taken_at: String,
    /// How long the file is.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    sha256: String,
    pub events: u64,
    pub ids: u64,
    pub staff: u64,
    pub dead_letters: u64,
    pub erasures: u64,
    /// The highest arrival number of an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_arrival: Option<i64>,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    pub bytes: u64,
    pub sha256: String,
}

/// Why a backup cannot be taken for whole.
#[derive(Debug, thiserror::Error)]
pub enum NotWhole {
    #[error(
        "there is no {}: a backup is two files, and this one says whether the other is whole",
        .0.display()
    )]
    NoManifest(PathBuf),
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is no manifest of a backup, or damaged: {reason}", .path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error(
        "the backup was made by a newer Trailkeep ({found}): run that one, or take an older backup"
    )]
    Newer { found: String },
    #[error(
        "the backup does not match its manifest, which has {expected}: it has {found}. It is damaged, \
         or one of the two files is of another backup"
    )]
    Mismatch { expected: String, found: String },
}

/// The manifest's name.
pub fn beside(backup: &Path) -> PathBuf {
    with_ending(backup, ".manifest.json")
}

impl Manifest {
    /// Of a backup that was just made.
    pub fn of(
        contents: Contents,
        digest: FileDigest,
        taken_at: Timestamp,
        instance: Option<Uuid>,
    ) -> Self {
        Self {
            format: FORM,
            trailkeep: version::FULL.to_owned(),
            schema: contents.format,
            instance,
            taken_at: taken_at.to_string(),
            bytes: digest.bytes,
            sha256: digest.sha256,
            events: contents.events,
            ids: contents.ids,
            staff: contents.staff,
            dead_letters: contents.dead_letters,
            erasures: contents.erasures,
            highest_arrival: contents.highest_arrival,
        }
    }

    /// That of a backup which this program can restore.
    ///
    /// # Errors
    ///
    /// There is none, it cannot be read, or a newer version has made the backup.
    pub fn read(backup: &Path) -> Result<Self, NotWhole> {
        let path = beside(backup);
        let text = fs::read_to_string(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => NotWhole::NoManifest(path.clone()),
            _ => NotWhole::File { path: path.clone(), source },
        })?;
        let manifest: Self = serde_json::from_str(&text).map_err(|fault| NotWhole::Unreadable {
            path: path.clone(),
            reason: fault.to_string(),
        })?;
        if manifest.format > FORM || manifest.schema > newest_format() {
            return Err(NotWhole::Newer { found: manifest.trailkeep });
        }
        if manifest.moment().is_none() {
            let reason = "takenAt is no time".to_owned();
            return Err(NotWhole::Unreadable { path, reason });
        }
        Ok(manifest)
    }

    /// When the backup was made.
    pub fn moment(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(&self.taken_at)
    }

    /// Looks whether a backup has the length that it has to have, before all of it is read.
    ///
    /// # Errors
    ///
    /// It has not, or is not there.
    pub fn check_length(&self, backup: &Path) -> Result<(), NotWhole> {
        let found = fs::metadata(backup)
            .map_err(|source| NotWhole::File { path: backup.to_owned(), source })?
            .len();
        if found == self.bytes {
            return Ok(());
        }
        let (expected, found) = (format!("{} bytes", self.bytes), format!("{found} bytes"));
        Err(NotWhole::Mismatch { expected, found })
    }

    /// Looks whether what was read is the backup.
    ///
    /// # Errors
    ///
    /// It is not.
    pub fn check(&self, found: &FileDigest) -> Result<(), NotWhole> {
        if found.sha256 == self.sha256 {
            return Ok(());
        }
        let (expected, found) = (&self.sha256, &found.sha256);
        let name = |sha256: &str| format!("SHA-256 {sha256}");
        Err(NotWhole::Mismatch { expected: name(expected), found: name(found) })
    }

    /// Writes it, for people as well.
    pub fn write(&self, file: &mut File) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        writeln!(file, "{text}")
    }
}

/// Which side of a copy has failed.
#[derive(Debug)]
pub enum NotCopied {
    /// What is copied cannot be read.
    Read(io::Error),
    /// The copy cannot be written.
    Write(io::Error),
}

/// Reads a file to its end, and tells how many bytes of how many it has read.
pub fn digest_of(file: File, progress: &mut dyn FnMut(u64, u64)) -> io::Result<FileDigest> {
    let copied = copy_of(file, &mut io::sink(), progress);
    copied.map_err(|failed| match failed {
        NotCopied::Read(error) | NotCopied::Write(error) => error,
    })
}

/// Copies a file to its end, and tells how many bytes of how many it has copied.
pub fn copy_of(
    mut file: File,
    to: &mut dyn io::Write,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<FileDigest, NotCopied> {
    let of = file.metadata().map_err(NotCopied::Read)?.len();
    let mut buffer = vec![0; STEP];
    let (mut bytes, mut hash) = (0, Sha256::new());
    loop {
        let read = file.read(&mut buffer).map_err(NotCopied::Read)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read]).map_err(NotCopied::Write)?;
        bytes += read as u64;
        progress(bytes, of);
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(FileDigest { bytes, sha256 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_copy_that_fails_says_on_which_side() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        fs::write(&path, "bytes").unwrap();
        let copied = |from: &Path, to: &mut dyn io::Write| {
            copy_of(File::open(from).unwrap(), to, &mut |_, _| {})
        };
        // A folder can be opened, and not be read as a file.
        assert!(matches!(copied(folder.path(), &mut io::sink()), Err(NotCopied::Read(_))));
        // Nor can what was opened to be read be written.
        let mut closed = File::open(&path).unwrap();
        assert!(matches!(copied(&path, &mut closed), Err(NotCopied::Write(_))));
        assert_eq!(copied(&path, &mut io::sink()).unwrap().bytes, 5);
    }
}
