//! Write keys, as a store keeps them.
//!
//! What a key is good for is decided in `access`, which has all of them in memory: no
//! event waits for a store to know its key. So a store only keeps them, and says cheaply
//! whether any has come or gone: [`version`](WriteKeyStore::write_keys_version).

use async_trait::async_trait;
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::StoreError;
use super::access::SecretHash;

/// A key that trackers send with their events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteKeyRecord {
    /// By which it is revoked.
    pub id: Uuid,
    /// By what people know it: unique.
    pub name: String,
    /// The hash of the key.
    pub hash: SecretHash,
    /// Its last characters, for people who have several.
    pub hint: String,
    /// Whose pages may send it; empty for any.
    pub origins: Vec<String>,
    /// The account that made it; `None` where that was the shell.
    pub created_by: Option<Uuid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is not taken, if ever. It is kept all the same.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// Keeps write keys.
///
/// As with [`Store`](super::Store), any call may be made at any time and ends in time,
/// and a database that is away is [`StoreError::Unavailable`].
#[async_trait]
pub trait WriteKeyStore: Send + Sync + 'static {
    /// Keeps a new key; false if another one has its name. The same one again, with its id
    /// and its name, is kept already: the first answer may have been lost.
    async fn create_write_key(&self, key: &WriteKeyRecord) -> Result<bool, StoreError>;

    /// Removes a key for good; answers it, `None` if there is none. What it does, it does
    /// also where an earlier call removed the key and came no further.
    async fn delete_write_key(&self, id: Uuid) -> Result<Option<WriteKeyRecord>, StoreError>;

    /// All keys, oldest first.
    async fn write_keys(&self) -> Result<Vec<WriteKeyRecord>, StoreError>;

    /// Another value after each key that came or went, `None` before the first. Whoever
    /// reads it before the keys has keys that are at least as new. A call that was cut off
    /// may have changed a key and not this.
    async fn write_keys_version(&self) -> Result<Option<Uuid>, StoreError>;

    /// Notes that keys were used, unless they were used later.
    async fn touch_write_keys(&self, ids: &[Uuid], now: Timestamp) -> Result<(), StoreError>;
}
