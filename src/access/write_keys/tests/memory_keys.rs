//! A store of write keys in memory.

use async_trait::async_trait;
use parking_lot::Mutex;
use trailkeep_event::Timestamp;
use trailkeep_store::StoreError;
use trailkeep_store::write_keys::{WriteKeyRecord, WriteKeyStore};
use uuid::Uuid;

#[derive(Default)]
pub struct MemoryKeys(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    is_away: bool,
    loses_answers: bool,
    keys: Vec<WriteKeyRecord>,
    version: Option<Uuid>,
    reads: usize,
    touches: Vec<usize>,
}

impl MemoryKeys {
    /// From now on nothing can be reached, or everything again.
    pub fn set_away(&self, is_away: bool) {
        self.0.lock().is_away = is_away;
    }

    /// From now on keys are kept, and whoever made them is told that they are not.
    pub fn lose_answers(&self) {
        self.0.lock().loses_answers = true;
    }

    /// As somebody would leave it who was killed before the version was renewed.
    pub fn remove_silently(&self, id: Uuid) {
        self.0.lock().keys.retain(|key| key.id != id);
    }

    pub fn put(&self, keys: Vec<WriteKeyRecord>) {
        let mut kept = self.0.lock();
        (kept.keys, kept.version) = (keys, Some(Uuid::new_v4()));
    }

    pub fn keys(&self) -> Vec<WriteKeyRecord> {
        self.0.lock().keys.clone()
    }

    /// How often all keys were read.
    pub fn reads(&self) -> usize {
        self.0.lock().reads
    }

    /// Of how many keys the use was noted, time by time.
    pub fn touches(&self) -> Vec<usize> {
        self.0.lock().touches.clone()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> Result<T, StoreError> {
        let mut kept = self.0.lock();
        if kept.is_away {
            return Err(StoreError::Unavailable("away".to_owned()));
        }
        Ok(work(&mut kept))
    }
}

#[async_trait]
impl WriteKeyStore for MemoryKeys {
    async fn create_write_key(&self, key: &WriteKeyRecord) -> Result<bool, StoreError> {
        self.with(|kept| {
            let is_free = kept.keys.iter().all(|other| other.name != key.name);
            if is_free {
                kept.keys.push(key.clone());
                kept.version = Some(Uuid::new_v4());
            }
            if kept.loses_answers {
                return Err(StoreError::Unavailable("the answer is lost".to_owned()));
            }
            Ok(is_free)
        })?
    }

    async fn delete_write_key(&self, id: Uuid) -> Result<Option<WriteKeyRecord>, StoreError> {
        self.with(|kept| {
            kept.version = Some(Uuid::new_v4());
            let place = kept.keys.iter().position(|key| key.id == id)?;
            Some(kept.keys.remove(place))
        })
    }

    async fn write_keys(&self) -> Result<Vec<WriteKeyRecord>, StoreError> {
        self.with(|kept| {
            kept.reads += 1;
            kept.keys.clone()
        })
    }

    async fn write_keys_version(&self) -> Result<Option<Uuid>, StoreError> {
        self.with(|kept| kept.version)
    }

    async fn touch_write_keys(&self, ids: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
        self.with(|kept| {
            kept.touches.push(ids.len());
            let used = kept.keys.iter_mut().filter(|key| ids.contains(&key.id));
            used.for_each(|key| key.last_used_at = Some(now));
        })
    }
}
