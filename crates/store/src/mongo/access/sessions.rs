//! What is asked of the sessions.

use bson::doc;
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::collections::{SESSIONS, collection};
use super::documents::{self, SessionDocument};
use crate::StoreError;
use crate::access::{SecretHash, SessionRecord};
use crate::mongo::connection::Link;
use crate::mongo::errors::{is_duplicate, store_error};

fn sessions(link: &Link) -> Collection<SessionDocument> {
    collection(link, SESSIONS)
}

pub async fn create(link: &Link, session: &SessionRecord) -> Result<bool, StoreError> {
    match sessions(link).insert_one(SessionDocument::from(session)).await {
        Ok(_) => Ok(true),
        Err(error) if is_duplicate(&error) => Ok(false),
        Err(error) => Err(store_error(&error)),
    }
}

/// Never an upsert: that would bring back a session that was ended meanwhile.
pub async fn save(link: &Link, session: &SessionRecord) -> Result<(), StoreError> {
    let filter = doc! { "_id": documents::hash(&session.id_hash) };
    sessions(link)
        .replace_one(filter, SessionDocument::from(session))
        .await
        .map(|_| ())
        .map_err(|error| store_error(&error))
}

/// The time is looked at here: the server removes what has ended only about once a
/// minute, and asked for it as well it has to plan a query, for each request of the staff.
pub async fn find(
    link: &Link,
    id_hash: &SecretHash,
    now: Timestamp,
) -> Result<Option<SessionRecord>, StoreError> {
    let found = sessions(link).find_one(doc! { "_id": documents::hash(id_hash) }).await;
    let found = found.map_err(|error| store_error(&error))?.map(SessionRecord::from);
    Ok(found.filter(|session| session.expires_at > now))
}

pub async fn delete(link: &Link, id_hash: &SecretHash) -> Result<(), StoreError> {
    sessions(link)
        .delete_one(doc! { "_id": documents::hash(id_hash) })
        .await
        .map(|_| ())
        .map_err(|error| store_error(&error))
}

pub async fn of(
    link: &Link,
    account_id: Uuid,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<SessionRecord>, StoreError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let filter = doc! {
        "accountId": documents::uuid(account_id),
        "expiresAt": { "$gt": documents::date(now) },
    };
    sessions(link)
        .find(filter)
        .sort(doc! { "expiresAt": -1, "_id": 1 })
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .await
        .map_err(|error| store_error(&error))?
        .map_ok(SessionRecord::from)
        .try_collect()
        .await
        .map_err(|error| store_error(&error))
}

pub async fn delete_of(
    link: &Link,
    account_id: Uuid,
    kept: Option<&SecretHash>,
) -> Result<(), StoreError> {
    let mut filter = doc! { "accountId": documents::uuid(account_id) };
    if let Some(kept) = kept {
        filter.insert("_id", doc! { "$ne": documents::hash(kept) });
    }
    sessions(link).delete_many(filter).await.map(|_| ()).map_err(|error| store_error(&error))
}
