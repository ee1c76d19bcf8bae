//! What is asked of the set-up codes: a handful of small documents, so that no index is
//! worth its while.

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use trailkeep_event::Timestamp;

use super::collections::{SET_UP, collection};
use super::documents::{self, SetUpDocument};
use crate::StoreError;
use crate::access::{MAX_SET_UP_CODES, SecretHash};
use crate::mongo::connection::Link;
use crate::mongo::errors::{is_duplicate, store_error};

fn codes(link: &Link) -> Collection<SetUpDocument> {
    collection(link, SET_UP)
}

pub async fn add(link: &Link, hash: &SecretHash, now: Timestamp) -> Result<(), StoreError> {
    match codes(link).insert_one(SetUpDocument::new(hash, now)).await {
        Ok(_) => forget_oldest(link).await,
        Err(error) if is_duplicate(&error) => Ok(()),
        Err(error) => Err(store_error(&error)),
    }
}

async fn forget_oldest(link: &Link) -> Result<(), StoreError> {
    let mut old = codes(link)
        .find(doc! {})
        .sort(doc! { "createdAt": -1, "_id": 1 })
        .skip(MAX_SET_UP_CODES as u64)
        .await
        .map_err(|error| store_error(&error))?;
    while let Some(code) = old.try_next().await.map_err(|error| store_error(&error))? {
        let filter = doc! { "_id": documents::hash(&code.hash()) };
        codes(link).delete_one(filter).await.map_err(|error| store_error(&error))?;
    }
    Ok(())
}

pub async fn all(link: &Link) -> Result<Vec<SecretHash>, StoreError> {
    codes(link)
        .find(doc! {})
        .await
        .map_err(|error| store_error(&error))?
        .map_ok(|code| code.hash())
        .try_collect()
        .await
        .map_err(|error| store_error(&error))
}

pub async fn clear(link: &Link) -> Result<(), StoreError> {
    codes(link).delete_many(Document::new()).await.map(|_| ()).map_err(|error| store_error(&error))
}
