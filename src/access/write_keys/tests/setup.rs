//! Processes that share a store, each with keys of its settings.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use trailkeep_event::Timestamp;
use trailkeep_event::time::Clock as _;
use trailkeep_store::write_keys::WriteKeyRecord;
use uuid::Uuid;

use super::memory_keys::MemoryKeys;
use crate::access::memory_store::TestClock;
use crate::access::write_keys::{
    KeysOfSettings, NewWriteKey, NotTaken, Rule, WriteKeyError, WriteKeys,
};

/// What several instances share, and one folder.
pub struct Setup {
    pub store: Arc<MemoryKeys>,
    pub clock: Arc<TestClock>,
    pub folder: TempDir,
}

impl Setup {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: Arc::default(), clock: Arc::default(), folder }
    }

    /// A process that has just started on the folder.
    pub fn started(&self, of_settings: &[(&str, &str)]) -> Process {
        self.started_in(self.folder.path(), of_settings)
    }

    pub fn started_in(&self, folder: &Path, of_settings: &[(&str, &str)]) -> Process {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        Process {
            keys: WriteKeys::new(store, clock, Some(folder.to_owned())),
            of_settings: KeysOfSettings::new(of_settings.iter().copied()),
        }
    }

    pub async fn looked(&self, of_settings: &[(&str, &str)]) -> Process {
        let keys = self.started(of_settings);
        keys.look().await.unwrap();
        keys
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The keys of the store as one process knows them, and those of its settings.
pub struct Process {
    keys: WriteKeys,
    pub of_settings: KeysOfSettings,
}

impl Process {
    pub fn rule(&self) -> Rule {
        self.keys.rule(&self.of_settings)
    }

    pub fn admit(&self, sent: &str, origin: Option<&[u8]>) -> Result<Arc<str>, NotTaken> {
        self.keys.admit(&self.of_settings, sent, origin)
    }

    pub async fn create(
        &self,
        new: NewWriteKey,
        made_by: Option<Uuid>,
    ) -> Result<(String, WriteKeyRecord), WriteKeyError> {
        self.keys.create(&self.of_settings, new, made_by).await
    }
}

impl Deref for Process {
    type Target = WriteKeys;

    fn deref(&self) -> &WriteKeys {
        &self.keys
    }
}
