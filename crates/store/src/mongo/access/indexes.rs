//! The indexes of the collections.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::error::Error;
use mongodb::options::IndexOptions;

use super::collections::{ACCOUNTS, AUDIT, SESSIONS, TOKENS, WRITE_KEYS};
use crate::StoreError;
use crate::mongo::connection::Link;
use crate::mongo::indexes::{existing, settle};

/// The index of the entries of the audit trail that have an address.
pub const ADDRESSES: &str = "address";

/// Makes all indexes that are missing. Several instances may do it at once.
pub async fn make(link: &Link) -> Result<(), StoreError> {
    make_for_accounts(link).await?;
    ensure(link, SESSIONS, &of_sessions()).await?;
    ensure(link, TOKENS, &of_tokens()).await?;
    ensure(link, AUDIT, &of_the_audit_trail()).await?;
    make_for_write_keys(link).await
}

/// Makes those without which there could be two accounts with one address,
/// or two first ones.
pub async fn make_for_accounts(link: &Link) -> Result<(), StoreError> {
    ensure(link, ACCOUNTS, &of_accounts()).await
}

/// Makes that without which there could be two write keys with one name.
pub async fn make_for_write_keys(link: &Link) -> Result<(), StoreError> {
    ensure(link, WRITE_KEYS, &of_write_keys()).await
}

/// All indexes, by collection.
pub fn wanted() -> [(&'static str, Vec<IndexModel>); 5] {
    [
        (ACCOUNTS, of_accounts().into()),
        (SESSIONS, of_sessions().into()),
        (TOKENS, of_tokens().into()),
        (AUDIT, of_the_audit_trail().into()),
        (WRITE_KEYS, of_write_keys().into()),
    ]
}

async fn ensure(link: &Link, collection: &str, wanted: &[IndexModel]) -> Result<(), StoreError> {
    settle(|| add_missing(link, collection, wanted)).await
}

async fn add_missing(link: &Link, collection: &str, wanted: &[IndexModel]) -> Result<(), Error> {
    let existing = existing(link, collection).await?;
    let missing: Vec<_> = wanted
        .iter()
        .filter(|index| !existing.iter().any(|other| does_the_same(other, index)))
        .cloned()
        .collect();
    if !missing.is_empty() {
        link.database().collection::<Document>(collection).create_indexes(missing).await?;
    }
    Ok(())
}

/// Whether two indexes do the same, whatever they are called.
pub fn does_the_same(left: &IndexModel, right: &IndexModel) -> bool {
    let essence = |index: &IndexModel| {
        let options = index.options.clone().unwrap_or_default();
        (
            index.keys.clone(),
            options.unique == Some(true),
            options.sparse == Some(true),
            options.hidden == Some(true),
            options.expire_after,
            options.partial_filter_expression,
            options.collation.is_some(),
        )
    };
    essence(left) == essence(right)
}

fn of_accounts() -> [IndexModel; 2] {
    [
        index("email", doc! { "email": 1 }, |options| {
            options.unique = Some(true);
        }),
        index("first", doc! { "first": 1 }, |options| {
            options.unique = Some(true);
            options.partial_filter_expression = Some(doc! { "first": true });
        }),
    ]
}

fn of_sessions() -> [IndexModel; 2] {
    [
        // Nobody looks for the sessions of nobody.
        index("account", doc! { "accountId": 1 }, |options| {
            options.sparse = Some(true);
        }),
        index("expiry", doc! { "expiresAt": 1 }, |options| {
            options.expire_after = Some(Duration::ZERO);
        }),
    ]
}

fn of_tokens() -> [IndexModel; 2] {
    [
        index("hash", doc! { "hash": 1 }, |options| {
            options.unique = Some(true);
        }),
        index("expiry", doc! { "expiresAt": 1 }, |options| {
            options.expire_after = Some(Duration::ZERO);
            // Most tokens never end.
            options.sparse = Some(true);
        }),
    ]
}

/// That of `_id` gives the trail as a whole: its ids are in order of time.
fn of_the_audit_trail() -> [IndexModel; 4] {
    [
        index("actor", doc! { "actor": 1, "_id": -1 }, |_| {}),
        index("subject", doc! { "subject": 1, "_id": -1 }, |options| {
            options.partial_filter_expression = Some(doc! { "subject": { "$exists": true } });
        }),
        // What the retention removes.
        index("age", doc! { "at": 1 }, |_| {}),
        // Addresses go before their entries do.
        index(ADDRESSES, doc! { "at": 1 }, |options| {
            options.partial_filter_expression = Some(doc! { "client": { "$exists": true } });
        }),
    ]
}

/// No key is looked for by its hash: who takes events has all of them in memory.
fn of_write_keys() -> [IndexModel; 1] {
    [index("name", doc! { "name": 1 }, |options| {
        options.unique = Some(true);
    })]
}

fn index(name: &str, keys: Document, refine: impl FnOnce(&mut IndexOptions)) -> IndexModel {
    let mut options = IndexOptions::builder().name(name.to_owned()).build();
    refine(&mut options);
    IndexModel::builder().keys(keys).options(options).build()
}
