//! What is asked of the accounts.

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use mongodb::error::Error;
use mongodb::options::ReturnDocument;
use uuid::Uuid;

use super::collections::{ACCOUNTS, collection};
use super::documents::{self, StaffDocument};
use super::indexes;
use crate::StoreError;
use crate::access::{Admission, Created, MAX_PLACES, SecretHash, StaffAccount, StaffChange};
use crate::mongo::connection::Link;
use crate::mongo::errors::{is_duplicate, store_error};

fn accounts(link: &Link) -> Collection<StaffDocument> {
    collection(link, ACCOUNTS)
}

/// Makes an account. The one that is made when there is none gets the mark of
/// the first, whoever is let in, and the mark's unique index lets no two have
/// it: so the look at whether there are accounts may come too early.
pub async fn create(
    link: &Link,
    account: &StaffAccount,
    admission: Admission,
) -> Result<Created, StoreError> {
    // Also at a shell's command, before any instance has prepared the store.
    indexes::make_for_accounts(link).await?;
    let is_first =
        accounts(link).find_one(doc! {}).await.map_err(|error| store_error(&error))?.is_none();
    if admission == Admission::First && !is_first {
        return not_made(link, account, Created::NotFirst).await;
    }
    if insert(link, account, is_first).await? {
        return Ok(Created::Created);
    }
    match admission {
        Admission::First => not_made(link, account, Created::NotFirst).await,
        // Another one got the mark, or has the address.
        Admission::Any if is_first && insert(link, account, false).await? => Ok(Created::Created),
        Admission::Any => not_made(link, account, Created::EmailTaken).await,
    }
}

/// False if a unique index has one of its values.
async fn insert(link: &Link, account: &StaffAccount, is_first: bool) -> Result<bool, StoreError> {
    let document = StaffDocument::new(account, is_first);
    match accounts(link).insert_one(document).await {
        Ok(_) => Ok(true),
        Err(error) if is_duplicate(&error) => Ok(false),
        Err(error) => Err(store_error(&error)),
    }
}

/// Why it was not made; unless it was, by a call whose answer was lost.
async fn not_made(
    link: &Link,
    account: &StaffAccount,
    why: Created,
) -> Result<Created, StoreError> {
    let same = doc! { "_id": documents::uuid(account.id), "email": &account.email };
    let was_made = find_one(link, same).await?.is_some();
    Ok(if was_made { Created::Created } else { why })
}

pub async fn by_email(link: &Link, email: &str) -> Result<Option<StaffAccount>, StoreError> {
    find_one(link, doc! { "email": email }).await
}

pub async fn by_id(link: &Link, id: Uuid) -> Result<Option<StaffAccount>, StoreError> {
    find_one(link, doc! { "_id": documents::uuid(id) }).await
}

async fn find_one(link: &Link, filter: Document) -> Result<Option<StaffAccount>, StoreError> {
    read(accounts(link).find_one(filter).await)
}

pub async fn change(
    link: &Link,
    id: Uuid,
    change: &StaffChange,
) -> Result<Option<StaffAccount>, StoreError> {
    let mut set = Document::new();
    if let Some(password_hash) = &change.password_hash {
        set.insert("passwordHash", password_hash);
    }
    if let Some(role) = change.role {
        set.insert("role", documents::role(role));
    }
    if let Some(is_disabled) = change.is_disabled {
        set.insert("isDisabled", is_disabled);
    }
    let mut update = Document::new();
    if !set.is_empty() {
        update.insert("$set", set);
    }
    if change.ends_sessions {
        // Where there is none yet, it becomes 1.
        update.insert("$inc", doc! { "sessionEpoch": 1_i64 });
    }
    if update.is_empty() {
        return by_id(link, id).await;
    }
    let filter = doc! { "_id": documents::uuid(id) };
    let changed = accounts(link)
        .find_one_and_update(filter, update)
        .return_document(ReturnDocument::After)
        .await;
    read(changed)
}

pub async fn renew_hash(
    link: &Link,
    id: Uuid,
    verified: &str,
    renewed: &str,
) -> Result<bool, StoreError> {
    let filter = doc! { "_id": documents::uuid(id), "passwordHash": verified };
    let update = doc! { "$set": { "passwordHash": renewed } };
    accounts(link)
        .update_one(filter, update)
        .await
        .map(|done| done.matched_count == 1)
        .map_err(|error| store_error(&error))
}

/// One update, so that of two sign-ins at once both places stay.
pub async fn note_place(link: &Link, id: Uuid, place: &SecretHash) -> Result<(), StoreError> {
    let place = documents::hash(place);
    let others = doc! { "$filter": {
        "input": { "$ifNull": ["$places", []] },
        "cond": { "$ne": ["$$this", &place] },
    } };
    let places = doc! { "$slice": [
        { "$concatArrays": [others, [&place]] },
        -i32::try_from(MAX_PLACES).unwrap_or(i32::MAX),
    ] };
    accounts(link)
        .update_one(
            doc! { "_id": documents::uuid(id) },
            vec![doc! { "$set": { "places": places } }],
        )
        .await
        .map(|_| ())
        .map_err(|error| store_error(&error))
}

fn read(found: Result<Option<StaffDocument>, Error>) -> Result<Option<StaffAccount>, StoreError> {
    found.map(|document| document.map(StaffAccount::from)).map_err(|error| store_error(&error))
}

pub async fn page(
    link: &Link,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<StaffAccount>, StoreError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let filter = after.map_or_else(Document::new, |after| doc! { "email": { "$gt": after } });
    accounts(link)
        .find(filter)
        .sort(doc! { "email": 1 })
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .await
        .map_err(|error| store_error(&error))?
        .map_ok(StaffAccount::from)
        .try_collect()
        .await
        .map_err(|error| store_error(&error))
}
