//! What is asked of the tokens.

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::collections::{TOKENS, collection};
use super::documents::{self, TokenDocument};
use crate::StoreError;
use crate::access::{SecretHash, TokenRecord, token_is_taken};
use crate::mongo::connection::Link;
use crate::mongo::errors::{is_duplicate, store_error};

fn tokens(link: &Link) -> Collection<TokenDocument> {
    collection(link, TOKENS)
}

/// A token that is there already was made by a call whose answer was lost.
pub async fn create(link: &Link, token: &TokenRecord) -> Result<(), StoreError> {
    let Err(error) = tokens(link).insert_one(TokenDocument::from(token)).await else {
        return Ok(());
    };
    if !is_duplicate(&error) {
        return Err(store_error(&error));
    }
    let same = doc! { "_id": documents::uuid(token.id), "hash": documents::hash(&token.hash) };
    match find_one(link, same).await? {
        Some(_) => Ok(()),
        None => Err(token_is_taken()),
    }
}

pub async fn by_hash(link: &Link, hash: &SecretHash) -> Result<Option<TokenRecord>, StoreError> {
    find_one(link, doc! { "hash": documents::hash(hash) }).await
}

async fn find_one(link: &Link, filter: Document) -> Result<Option<TokenRecord>, StoreError> {
    tokens(link)
        .find_one(filter)
        .await
        .map(|document| document.map(TokenRecord::from))
        .map_err(|error| store_error(&error))
}

pub async fn all(link: &Link) -> Result<Vec<TokenRecord>, StoreError> {
    tokens(link)
        .find(doc! {})
        .sort(doc! { "createdAt": 1, "_id": 1 })
        .await
        .map_err(|error| store_error(&error))?
        .map_ok(TokenRecord::from)
        .try_collect()
        .await
        .map_err(|error| store_error(&error))
}

pub async fn delete(link: &Link, id: Uuid) -> Result<Option<TokenRecord>, StoreError> {
    tokens(link)
        .find_one_and_delete(doc! { "_id": documents::uuid(id) })
        .await
        .map(|document| document.map(TokenRecord::from))
        .map_err(|error| store_error(&error))
}

/// Instances may come out of order, and the last use stays the last.
pub async fn touch(link: &Link, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let filter = doc! { "_id": documents::uuid(id) };
    let used = doc! { "$max": { "lastUsedAt": documents::date(now) } };
    tokens(link).update_one(filter, used).await.map(|_| ()).map_err(|error| store_error(&error))
}
