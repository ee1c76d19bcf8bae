//! `writeKeys`, one document a key, and `writeKeysVersion`, whose one document says
//! whether any has come or gone.

use async_trait::async_trait;
use bson::{DateTime, doc};
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use serde::{Deserialize, Serialize};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::collections::{WRITE_KEYS, WRITE_KEYS_VERSION, collection};
use super::documents::{HashField, date, moment, own_uuid, uuid};
use super::indexes;
use crate::StoreError;
use crate::mongo::connection::Link;
use crate::mongo::errors::{is_duplicate, store_error};
use crate::mongo::store::MongoStore;
use crate::write_keys::{WriteKeyRecord, WriteKeyStore};

/// Ids in one command.
const COMMAND_IDS: usize = 1_000;

/// The `_id` of the one document of `writeKeysVersion`.
const ONLY: &str = "writeKeys";

/// A document of `writeKeys`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteKeyDocument {
    #[serde(rename = "_id")]
    id: bson::Uuid,
    name: String,
    hash: HashField,
    hint: String,
    origins: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by: Option<bson::Uuid>,
    created_at: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_used_at: Option<DateTime>,
}

/// The document of `writeKeysVersion`.
#[derive(Debug, Serialize, Deserialize)]
pub struct VersionDocument {
    #[serde(rename = "_id")]
    id: String,
    version: bson::Uuid,
}

impl VersionDocument {
    pub fn new(version: Uuid) -> Self {
        Self { id: ONLY.to_owned(), version: uuid(version) }
    }
}

impl From<&WriteKeyRecord> for WriteKeyDocument {
    fn from(key: &WriteKeyRecord) -> Self {
        Self {
            id: uuid(key.id),
            name: key.name.clone(),
            hash: HashField(key.hash),
            hint: key.hint.clone(),
            origins: key.origins.clone(),
            created_by: key.created_by.map(uuid),
            created_at: date(key.created_at),
            expires_at: key.expires_at.map(date),
            last_used_at: key.last_used_at.map(date),
        }
    }
}

impl From<WriteKeyDocument> for WriteKeyRecord {
    fn from(document: WriteKeyDocument) -> Self {
        Self {
            id: own_uuid(document.id),
            name: document.name,
            hash: document.hash.0,
            hint: document.hint,
            origins: document.origins,
            created_by: document.created_by.map(own_uuid),
            created_at: moment(document.created_at),
            expires_at: document.expires_at.map(moment),
            last_used_at: document.last_used_at.map(moment),
        }
    }
}

#[async_trait]
impl WriteKeyStore for MongoStore {
    async fn create_write_key(&self, key: &WriteKeyRecord) -> Result<bool, StoreError> {
        self.write(async { create(self.link().await?, key).await }).await
    }

    async fn delete_write_key(&self, id: Uuid) -> Result<Option<WriteKeyRecord>, StoreError> {
        self.write(async { delete(self.link().await?, id).await }).await
    }

    async fn write_keys(&self) -> Result<Vec<WriteKeyRecord>, StoreError> {
        self.read(async { all(self.link().await?).await }).await
    }

    async fn write_keys_version(&self) -> Result<Option<Uuid>, StoreError> {
        self.read(async { version(self.link().await?).await }).await
    }

    async fn touch_write_keys(&self, ids: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
        self.write(async { touch(self.link().await?, ids, now).await }).await
    }
}

fn keys(link: &Link) -> Collection<WriteKeyDocument> {
    collection(link, WRITE_KEYS)
}

fn versions(link: &Link) -> Collection<VersionDocument> {
    collection(link, WRITE_KEYS_VERSION)
}

async fn create(link: &Link, key: &WriteKeyRecord) -> Result<bool, StoreError> {
    // Also at a shell's command, before any instance has prepared the store.
    indexes::make_for_write_keys(link).await?;
    if let Err(error) = keys(link).insert_one(WriteKeyDocument::from(key)).await {
        if !is_duplicate(&error) {
            return Err(store_error(&error));
        }
        let same = doc! { "_id": uuid(key.id), "name": &key.name };
        let found = keys(link).find_one(same).await.map_err(|error| store_error(&error))?;
        if found.is_none() {
            return Ok(false);
        }
    }
    renew_version(link).await?;
    Ok(true)
}

async fn delete(link: &Link, id: Uuid) -> Result<Option<WriteKeyRecord>, StoreError> {
    let deleted = keys(link).find_one_and_delete(doc! { "_id": uuid(id) }).await;
    let deleted = deleted.map_err(|error| store_error(&error))?;
    // Also where there is none: the call that deleted it may have ended before this.
    renew_version(link).await?;
    Ok(deleted.map(WriteKeyRecord::from))
}

/// After the change, so that whoever reads the new version reads what has changed. A random
/// one and not the next number: after a failover that takes a change back, the next change
/// would get the same number.
async fn renew_version(link: &Link) -> Result<(), StoreError> {
    versions(link)
        .replace_one(doc! { "_id": ONLY }, VersionDocument::new(Uuid::new_v4()))
        .upsert(true)
        .await
        .map(|_| ())
        .map_err(|error| store_error(&error))
}

async fn all(link: &Link) -> Result<Vec<WriteKeyRecord>, StoreError> {
    keys(link)
        .find(doc! {})
        .sort(doc! { "createdAt": 1, "_id": 1 })
        .await
        .map_err(|error| store_error(&error))?
        .map_ok(WriteKeyRecord::from)
        .try_collect()
        .await
        .map_err(|error| store_error(&error))
}

async fn version(link: &Link) -> Result<Option<Uuid>, StoreError> {
    versions(link)
        .find_one(doc! { "_id": ONLY })
        .await
        .map(|document| document.map(|document| own_uuid(document.version)))
        .map_err(|error| store_error(&error))
}

/// Instances may come out of order, and the last use stays the last.
async fn touch(link: &Link, ids: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
    for ids in ids.chunks(COMMAND_IDS) {
        let ids: Vec<_> = ids.iter().copied().map(uuid).collect();
        let used = doc! { "$max": { "lastUsedAt": date(now) } };
        let touched = keys(link).update_many(doc! { "_id": { "$in": ids } }, used).await;
        touched.map_err(|error| store_error(&error))?;
    }
    Ok(())
}
