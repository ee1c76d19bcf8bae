//! An older copy of the database, put in the place of the one that is there.
//!
//! The copy is made ready in a folder of its own within the data folder, and renamed at the
//! end. A crash leaves the old database or the new one, whole; the next start, and the next
//! restore, remove what else there is.
//!
//! What comes back are events and what was made of them. Who may do what, who did what and who
//! was erased goes on from the database that is replaced, where there is one. Nobody stays
//! signed in.

mod newest;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, Transaction};
use trailkeep_event::Timestamp;

use super::folder::{self, DATABASE, Folder};
use super::schema::{self, MIGRATIONS, Version};
use super::wal::{self, Wal};
use super::{OpenError, copying, moved};
use crate::erasures::ErasureList;
pub use newest::Newest;

/// Tables that go on as they are in the database that is replaced.
const GO_ON: [&str; 6] =
    ["accounts", "tokens", "write_keys", "write_keys_version", "set_up_codes", "team"];

/// The audit trail has what either of the two has. Of an entry that both have, the replaced
/// database may name a hash in the place of who was erased since.
const TRAIL: &str = "INSERT OR REPLACE INTO main.audit_trail SELECT * FROM replaced.audit_trail";

/// A copy on which no service had run has no key of its own.
const KEY: &str = "INSERT OR IGNORE INTO main.installation SELECT * FROM replaced.installation";

/// Which instances there were is of no use: the folder of this one is all there is.
const ENDED: &str = "DELETE FROM sessions; DELETE FROM instances;";

/// Why a backup was not put in its place. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The folder is in use, or cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The folder is another user's, whose service could not open what is made here.
    #[error(
        "{} belongs to another user (uid {owner}), whose service could not open the database that \
         is made here: run it as that user, such as with sudo -u '#{owner}'", .path.display()
    )]
    OtherOwner {
        /// The data folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// There is a database.
    #[error(
        "{} is there. With --replace the backup takes its place, and what was stored since is \
         gone; `trailkeep backup` keeps it before that", .0.display()
    )]
    Occupied(PathBuf),
    /// There is a write-ahead log, and no database.
    #[error("{} lies there without its database: move it away", .0.display())]
    Stray(PathBuf),
    /// What is to be replaced cannot be read.
    #[error(
        "the database that is to be replaced cannot be read, and with it who was erased since the \
         backup: {0}. Move it and its -wal and -shm files away, and restore again, with \
         --erasures where that list was kept"
    )]
    Unreadable(OpenError),
    /// What is to be replaced was made by an older version.
    #[error(
        "the database that is to be replaced has another format ({found}) than this program makes \
         ({known}). Start this version on it once, or move it away"
    )]
    OtherFormat {
        /// That of the database.
        found: usize,
        /// That of this program.
        known: usize,
    },
    /// Another program has the database open.
    #[error("another program has {} open: end it", .0.display())]
    Held(PathBuf),
    /// The backup is damaged.
    #[error("the backup is damaged: {0}. Nothing has changed; take another one")]
    Damaged(String),
    /// A file cannot be written, renamed or removed.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// SQLite cannot work on the copy.
    #[error("cannot make the database ready: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// A data folder in which a database is made ready. Dropped before the end, it leaves
/// everything as it was.
pub struct Restoring {
    data_dir: PathBuf,
    staging: PathBuf,
    has_database: bool,
    /// Last, so that the folder is given up at the end.
    folder: Folder,
}

impl Restoring {
    /// Takes the folder, which nobody else may have, and looks whether a database may come there.
    ///
    /// # Errors
    ///
    /// The folder is another user's or in use, or has a database that is not to be replaced.
    pub fn begin(data_dir: &Path, may_replace: bool) -> Result<Self, RestoreError> {
        refuse_other_owner(data_dir, rustix::process::geteuid().as_raw())?;
        let folder = Folder::claim(data_dir)?;
        moved::refuse_moved(data_dir)?;
        let database = data_dir.join(DATABASE);
        let has_database = database.exists();
        if has_database && !may_replace {
            return Err(RestoreError::Occupied(database));
        }
        let log = Wal::beside(&database).file;
        if !has_database && log.exists() {
            return Err(RestoreError::Stray(log));
        }
        folder.clear_staging()?;
        let staging = folder.staging();
        folder::make_private_folder(&staging).map_err(file_error(&staging))?;
        Ok(Self { data_dir: data_dir.to_owned(), staging, has_database, folder })
    }

    /// The folder in which it is made ready: a data folder of its own.
    pub fn staging(&self) -> &Path {
        &self.staging
    }

    /// Where the backup is to be copied.
    pub fn database(&self) -> PathBuf {
        self.staging.join(DATABASE)
    }

    /// Whether a database is replaced.
    pub fn replaces(&self) -> bool {
        self.has_database
    }

    /// Looks at the copied backup.
    ///
    /// # Errors
    ///
    /// It is damaged, of another program, or of a newer version.
    pub fn check(&self) -> Result<(), RestoreError> {
        let damaged = |error: rusqlite::Error| RestoreError::Damaged(error.to_string());
        let path = self.database();
        let copy = Connection::open(&path).map_err(damaged)?;
        match schema::version(&copy).map_err(damaged)? {
            Version::Numbered(found) if found > MIGRATIONS.len() => {
                return Err(OpenError::Newer { path, found, known: MIGRATIONS.len() }.into());
            }
            Version::Numbered(found) if found > 0 => {}
            _ => return Err(RestoreError::Damaged("it is no database of Trailkeep".to_owned())),
        }
        match copying::damage(&copy).map_err(damaged)? {
            Some(damage) => Err(RestoreError::Damaged(damage)),
            None => Ok(()),
        }
    }

    /// Who was erased, as the database says that is replaced; `None` without one, and where
    /// no service has ever run on it. Leaves it as one file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or another program has it open.
    pub fn erasures(&self, now: Timestamp) -> Result<Option<ErasureList>, RestoreError> {
        if !self.has_database {
            return Ok(None);
        }
        let path = self.data_dir.join(DATABASE);
        let unreadable = |error| RestoreError::Unreadable(OpenError::from_sqlite(&path, error));
        let replaced = Connection::open(&path).map_err(unreadable)?;
        match schema::version(&replaced).map_err(unreadable)? {
            Version::Numbered(found) if found == MIGRATIONS.len() => {}
            Version::Numbered(found) => {
                return Err(RestoreError::OtherFormat { found, known: MIGRATIONS.len() });
            }
            Version::Foreign => {
                return Err(RestoreError::Unreadable(OpenError::Foreign { path }));
            }
        }
        let list = copying::erasures_of(&replaced, now).map_err(unreadable)?;
        if !wal::empty(&replaced).map_err(unreadable)? {
            return Err(RestoreError::Held(path));
        }
        Ok(list)
    }

    /// Brings the copy to the newest format, has staff, keys and the audit trail go on from the
    /// database that is replaced, and ends all sessions.
    ///
    /// # Errors
    ///
    /// The one or the other cannot be read, or there is no room.
    pub fn carry_over(&self) -> Result<(), RestoreError> {
        let mut copy = schema::open_writer(&self.database())?;
        let replaced = self.data_dir.join(DATABASE);
        if self.has_database {
            copy.execute("ATTACH ?1 AS replaced", [replaced.to_string_lossy()])?;
        }
        let transaction = copy.transaction()?;
        if self.has_database && has_run(&transaction)? {
            go_on(&transaction).map_err(|error| match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt) => {
                    RestoreError::Unreadable(OpenError::from_sqlite(&replaced, error))
                }
                _ => error.into(),
            })?;
        }
        transaction.execute_batch(ENDED)?;
        Ok(transaction.commit()?)
    }

    /// At most so many of the events that were written last into the copy.
    ///
    /// # Errors
    ///
    /// The copy cannot be read.
    pub fn newest(&self, most: usize) -> Result<Newest, RestoreError> {
        Ok(Newest::of(&self.database(), most)?)
    }

    /// Puts the database in its place. From here on it is there, whatever comes.
    ///
    /// # Errors
    ///
    /// A file cannot be written or renamed, or another program has the replaced database open.
    pub fn finish(self) -> Result<(), RestoreError> {
        let (new, place) = (self.database(), self.data_dir.join(DATABASE));
        File::open(&new).and_then(|file| file.sync_all()).map_err(file_error(&new))?;
        for database in [&new, &place] {
            let log = Wal::beside(database).file;
            if fs::metadata(log).is_ok_and(|log| log.len() > 0) {
                return Err(RestoreError::Held(database.clone()));
            }
        }
        // They are the replaced database's, and empty.
        remove_if_there(&Wal::beside(&place).file)?;
        remove_if_there(&self.data_dir.join(format!("{DATABASE}-shm")))?;
        fs::rename(&new, &place).map_err(file_error(&place))?;
        let synced = File::open(&self.data_dir).and_then(|folder| folder.sync_all());
        synced.map_err(file_error(&self.data_dir))
    }
}

/// What could not be removed, the next start removes.
impl Drop for Restoring {
    fn drop(&mut self) {
        let _ = self.folder.clear_staging();
    }
}

/// What this user makes in the folder, this user alone can open. A folder that is not there is
/// made, and one that cannot be looked at is refused by whoever claims it.
fn refuse_other_owner(data_dir: &Path, user: u32) -> Result<(), RestoreError> {
    match fs::metadata(data_dir).map(|folder| folder.uid()) {
        Ok(owner) if owner != user => {
            Err(RestoreError::OtherOwner { path: data_dir.to_owned(), owner })
        }
        _ => Ok(()),
    }
}

/// Whether a service has ever run on the attached database. One on which none has, there is
/// nobody who could go on.
fn has_run(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let has_key = "SELECT EXISTS (SELECT 1 FROM replaced.installation)";
    transaction.query_row(has_key, [], |row| row.get(0))
}

/// Takes over from the attached database what goes on from there.
fn go_on(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    for table in GO_ON {
        transaction.execute_batch(&format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM replaced.{table}"
        ))?;
    }
    transaction.execute_batch(TRAIL)?;
    transaction.execute_batch(KEY)
}

fn remove_if_there(path: &Path) -> Result<(), RestoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_error(path)(error)),
        _ => Ok(()),
    }
}

fn file_error(path: &Path) -> impl Fn(io::Error) -> RestoreError {
    let path = path.to_owned();
    move |source| RestoreError::File { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_folder_of_another_user_is_refused_and_one_that_is_not_there_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let owner = fs::metadata(folder.path()).unwrap().uid();
        refuse_other_owner(folder.path(), owner).unwrap();
        refuse_other_owner(&folder.path().join("none"), owner + 1).unwrap();
        let refused = refuse_other_owner(folder.path(), owner + 1).unwrap_err().to_string();
        assert!(refused.contains(&format!("sudo -u '#{owner}'")), "{refused}");
    }

    /// Root alone can give a folder away.
    #[test]
    fn nothing_is_made_in_a_folder_of_another_user() {
        let folder = tempfile::tempdir().unwrap();
        if std::os::unix::fs::chown(folder.path(), Some(12_345), None).is_err() {
            return;
        }
        let refused = Restoring::begin(folder.path(), true).err().unwrap();
        assert!(matches!(refused, RestoreError::OtherOwner { owner: 12_345, .. }), "{refused}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
