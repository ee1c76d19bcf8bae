//! The collection `installation`: one document, which has the key.

use bson::{Document, doc};

use super::indexes::INSTALLATION;
use crate::StoreError;
use crate::erasures::ErasureKey;
use crate::mongo::causal::Call;
use crate::mongo::errors::store_error;
use crate::mongo::processing::fields::{self, Fields, to_bytes};

/// The `_id` of the document.
const ID: &str = "installation";

const KEY: &str = "erasureKey";

/// The key that is there, which is this one where there was none: two that make the document
/// at once both read the one that was made.
pub async fn key(call: &mut Call<'_>, drawn: ErasureKey) -> Result<ErasureKey, StoreError> {
    if let Some(key) = find(call).await? {
        return Ok(key);
    }
    let change = doc! { "$setOnInsert": { KEY: fields::bytes(&drawn.0) } };
    let installation = call.collection(INSTALLATION);
    let by_id = doc! { "_id": ID };
    let made = installation.update_one(by_id, change).upsert(true).session(call.session()).await;
    made.map_err(|error| store_error(&error))?;
    let lost = || StoreError::Unavailable(format!("the document of {INSTALLATION} has gone"));
    find(call).await?.ok_or_else(lost)
}

/// The document that has this key.
pub fn document(key: ErasureKey) -> Document {
    doc! { "_id": ID, KEY: fields::bytes(&key.0) }
}

async fn find(call: &mut Call<'_>) -> Result<Option<ErasureKey>, StoreError> {
    let mut found = None;
    let installation = call.collection(INSTALLATION);
    let read = call.each(installation.find(doc! { "_id": ID }), |document| {
        found = Some(Fields::of(document, INSTALLATION).get(KEY, to_bytes).map(ErasureKey));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.transpose()
}
