//! Keys that trackers send with their events. A key is no secret that protects
//! reading: it is in every page that posts. It keeps others' data out.
//!
//! Some are in the settings ([`of_settings`]), the others in the store, where administrators
//! make and revoke them. Which of the settings count, a request says: a reload may change
//! them. No event waits for the store: each instance has all keys in memory
//! ([`known`]), and looks every two seconds whether any has come or gone. So a key is in
//! force, or is not any more, at once on the instance that did it and within five seconds on
//! the others. When one ends by its time, the clock of the instance says.
//!
//! - *Once there are keys, one has to be sent*, also where all of them have ended by their
//!   time: a site must not become open to all because a date has passed. It does when the
//!   last key is revoked.
//! - *A start without the database takes what the last one took.* The hashes lie in the data
//!   folder too ([`file`]), written before a new key is told, and before it is said that one
//!   is revoked. Where that file is missing, and the settings have no key either, nobody
//!   knows whether one has to be sent: nothing is taken until the store has answered once.
//! - *Bounded*: [`MAX_KEYS`] keys of at most [`MAX_ORIGINS`] origins each, [`MAX_ORIGINS_OF_ALL`]
//!   together. They are counted as this instance knows them: several that make keys in the
//!   same moment may go past that by as many.
//! - *What is begun is done to its end*: whoever makes or revokes a key must not drop the
//!   call half-way, where its client is gone for instance.

mod error;
pub mod file;
mod known;
mod new;
mod of_settings;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::{info, warn};
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::write_keys::{WriteKeyRecord, WriteKeyStore};
use uuid::Uuid;

use super::secrets::{hash_secret, random_secret};
pub use error::WriteKeyError;
use file::KeyFile;
use known::{Key, Known};
pub use known::{MOST_BYTES, Rule};
pub use new::{MAX_KEYS, MAX_ORIGINS, MAX_ORIGINS_OF_ALL, NewWriteKey};
pub use of_settings::KeysOfSettings;

/// How every key of the store begins, so that people, and scanners for leaked secrets,
/// know what they see.
pub const PREFIX: &str = "wk_";

/// Characters of a key that are kept for people.
const HINT: usize = 4;

/// How long a look may wait for the store: the next one is not to come late.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// Looks after which all keys are read again, whatever the version says: a call that was
/// cut off may have changed a key and not the version.
const READ_ALL_EVERY: u32 = 30;

/// How exactly the last use is known.
const TOUCH_EVERY_MS: i64 = 60_000;

/// Why a key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// There is none of this text, or not any more.
    Unknown,
    /// The page that sent it is of an origin that the key is not for.
    OtherOrigin,
    /// It may be one of the store, whose keys are not known yet.
    NotKnownYet,
}

/// The keys of the store that are taken.
pub struct WriteKeys {
    /// The [`Rule`] that they come to, for those who need no more than that.
    rule: AtomicU8,
    known: RwLock<Arc<Known>>,
    store: Arc<dyn WriteKeyStore>,
    clock: Arc<dyn Clock>,
    /// Held while keys change, so that what was read earlier does not come later.
    change: Mutex<Change>,
    /// The rule that the log was told last.
    told: parking_lot::Mutex<Rule>,
}

/// What is known of the store's keys.
struct Change {
    /// With which the keys were read; `None` where that is not known.
    version: Option<Option<Uuid>>,
    looks: u32,
    file: Option<KeyFile>,
    /// Whether the file has what is known.
    is_kept: bool,
    /// Whether the log has been told that the file cannot be written.
    is_told: bool,
}

impl WriteKeys {
    /// Those that the file in this folder has. Without a folder none is kept beside the
    /// store.
    pub fn new(
        store: Arc<dyn WriteKeyStore>,
        clock: Arc<dyn Clock>,
        folder: Option<PathBuf>,
    ) -> Self {
        let file = folder.map(KeyFile::of_folder);
        let kept = file.as_ref().and_then(KeyFile::read);
        let is_kept = kept.is_some();
        let kept = kept.map(|kept| Known::new(kept.into_iter().map(Arc::new).collect()));
        let known = kept.unwrap_or_default();
        Self {
            rule: AtomicU8::new(known.rule() as u8),
            known: RwLock::new(Arc::new(known)),
            store,
            clock,
            change: Mutex::new(Change { version: None, looks: 0, file, is_kept, is_told: false }),
            told: parking_lot::Mutex::new(Rule::Unknown),
        }
    }

    /// Whether a key has to be sent, with these of the settings.
    pub fn rule(&self, of_settings: &KeysOfSettings) -> Rule {
        const OPEN: u8 = Rule::Open as u8;
        const REQUIRED: u8 = Rule::Required as u8;
        if !of_settings.names().is_empty() {
            return Rule::Required;
        }
        match self.rule.load(Ordering::Acquire) {
            OPEN => Rule::Open,
            REQUIRED => Rule::Required,
            _ => Rule::Unknown,
        }
    }

    /// Tells in the log that a key has to be sent from now on, or none any more. Called
    /// wherever that may be news.
    pub fn tell_rule(&self, of_settings: &KeysOfSettings) {
        let mut told = self.told.lock();
        let rule = self.rule(of_settings);
        match (std::mem::replace(&mut *told, rule), rule) {
            (Rule::Open, Rule::Required) => info!("there are write keys; events need one"),
            (Rule::Required, Rule::Open) => {
                warn!("the last write key is gone; anybody may post events");
            }
            _ => {}
        }
    }

    /// How many keys of the store are known.
    pub fn count(&self) -> usize {
        self.known.read().len()
    }

    /// The name of a key that a page of this origin may send, or a server, which has none.
    ///
    /// It is found in a table by its SHA-256 hash. What the time could tell of that is how
    /// far two hashes agree, and not how far two texts do: the bytes of a hash cannot be
    /// chosen one after the other, and the table mixes them with a random key of its own.
    pub fn admit(
        &self,
        of_settings: &KeysOfSettings,
        sent: &str,
        origin: Option<&[u8]>,
    ) -> Result<Arc<str>, NotTaken> {
        let hash = hash_secret(sent);
        if let Some(name) = of_settings.by_hash(&hash) {
            return Ok(Arc::clone(name));
        }
        let known = self.known.read();
        let Some(key) = known.by_hash(&hash) else {
            return Err(if known.is_whole() { NotTaken::Unknown } else { NotTaken::NotKnownYet });
        };
        if key.expires_at.is_some_and(|end| end <= self.clock.now()) {
            return Err(NotTaken::Unknown);
        }
        // What is no page sends no origin, or whichever it likes.
        if origin.is_some_and(|origin| !key.is_for(origin)) {
            return Err(NotTaken::OtherOrigin);
        }
        key.note_use();
        Ok(Arc::clone(&key.name))
    }

    /// Whether some key is for pages of this origin, and not for all.
    pub fn names_origin(&self, origin: &[u8]) -> bool {
        self.known.read().names_origin(origin)
    }

    /// The keys of the store, those that have ended included, oldest first.
    pub async fn list(&self) -> Result<Vec<WriteKeyRecord>, StoreError> {
        self.store.write_keys().await
    }

    /// Makes a key, for an account or for the shell: the key, which is never seen again, and
    /// what is kept. It is taken here from then on, and after any start. No key of the
    /// settings may have its name.
    pub async fn create(
        &self,
        of_settings: &KeysOfSettings,
        new: NewWriteKey,
        made_by: Option<Uuid>,
    ) -> Result<(String, WriteKeyRecord), WriteKeyError> {
        let now = self.clock.now();
        let new = new.checked(now).map_err(WriteKeyError::Invalid)?;
        let mut change = self.change.lock().await;
        self.look_at(&mut change).await?;
        let known = self.known();
        if of_settings.names().iter().any(|name| **name == *new.name) {
            return Err(WriteKeyError::NameTaken);
        }
        known.has_room_for(&new)?;
        let secret = format!("{PREFIX}{}", random_secret());
        let record = WriteKeyRecord {
            id: Uuid::now_v7(),
            name: new.name,
            hash: hash_secret(&secret),
            hint: secret[secret.len() - HINT..].to_owned(),
            origins: new.origins,
            created_by: made_by,
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
        };
        match self.store.create_write_key(&record).await {
            Ok(true) => {}
            Ok(false) => return Err(WriteKeyError::NameTaken),
            Err(error) => {
                self.take_back(record.id).await;
                return Err(error.into());
            }
        }
        let stored = known.stored().iter().cloned();
        let stored: Vec<_> = stored.chain([Arc::new(Key::of(&record))]).collect();
        if let Err(error) = self.keep(&mut change, &stored).await {
            self.take_back(record.id).await;
            return Err(WriteKeyError::NotKept(error));
        }
        self.put(Known::new(stored));
        Ok((secret, record))
    }

    /// Removes a key whose text nobody has seen, if it is there. Where this fails too, an
    /// administrator finds it by its name.
    async fn take_back(&self, id: Uuid) {
        if let Err(error) = self.store.delete_write_key(id).await {
            warn!(%error, %id, "a write key that was not told may be in the database; revoke it");
        }
    }

    /// Ends a key of the store for good.
    pub async fn revoke(&self, id: Uuid) -> Result<WriteKeyRecord, WriteKeyError> {
        let mut change = self.change.lock().await;
        self.look_at(&mut change).await?;
        let revoked = self.store.delete_write_key(id).await?;
        let known = self.known();
        let stored: Vec<_> = known.stored().iter().filter(|key| key.id != id).cloned().collect();
        let is_kept = change.is_kept && stored.len() == known.stored().len();
        self.put(Known::new(stored.clone()));
        if !is_kept {
            self.keep(&mut change, &stored).await.map_err(WriteKeyError::NotKept)?;
        }
        revoked.ok_or(WriteKeyError::NoSuchKey)
    }

    /// Looks whether keys have come or gone. Called every two seconds.
    pub async fn look(&self) -> Result<(), StoreError> {
        let mut change = self.change.lock().await;
        self.look_at(&mut change).await?;
        if !change.is_kept {
            let stored = self.known().stored().to_vec();
            // The log has been told why not.
            let _ = self.keep(&mut change, &stored).await;
        }
        Ok(())
    }

    async fn look_at(&self, change: &mut Change) -> Result<(), StoreError> {
        let version = timeout(LOOK_LIMIT, self.store.write_keys_version()).await;
        let version = version.unwrap_or_else(|_| Err(too_late()))?;
        change.looks += 1;
        if change.version == Some(version) && change.looks < READ_ALL_EVERY {
            return Ok(());
        }
        let read = self.store.write_keys().await?;
        (change.version, change.looks) = (Some(version), 0);
        let known = self.known();
        let stored = known.renewed(&read);
        if !known.is_whole() || !known.has_the_same(&stored) {
            change.is_kept = false;
            self.put(Known::new(stored));
        }
        Ok(())
    }

    /// Puts the keys of the store into the file.
    async fn keep(&self, change: &mut Change, stored: &[Arc<Key>]) -> io::Result<()> {
        change.is_kept = false;
        if let Some(file) = &change.file
            && let Err(error) = file.write(stored).await
        {
            if !std::mem::replace(&mut change.is_told, true) {
                let file = file.path().display();
                warn!(
                    %error, %file,
                    "the write keys cannot be written there; until they are, a start without the \
                     database takes those of before"
                );
            }
            return Err(error);
        }
        change.is_told = false;
        change.is_kept = true;
        Ok(())
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read())
    }

    /// These are the keys from now on.
    fn put(&self, known: Known) {
        let rule = known.rule();
        *self.known.write() = Arc::new(known);
        self.rule.store(rule as u8, Ordering::Release);
    }

    /// Notes in the store which keys were used, each at most once a minute.
    pub async fn note_uses(&self) {
        let now = self.clock.now();
        let known = self.known();
        let used: Vec<_> =
            known.stored().iter().filter(|key| key.is_to_be_noted(now, TOUCH_EVERY_MS)).collect();
        let ids: Vec<_> = used.iter().map(|key| key.id).collect();
        if ids.is_empty() {
            return;
        }
        match self.store.touch_write_keys(&ids, now).await {
            Ok(()) => used.iter().for_each(|key| key.noted(now)),
            Err(error) => warn!(%error, "the last use of write keys cannot be noted"),
        }
    }
}

fn too_late() -> StoreError {
    StoreError::Unavailable("it did not answer in time".to_owned())
}

#[cfg(test)]
mod tests;
