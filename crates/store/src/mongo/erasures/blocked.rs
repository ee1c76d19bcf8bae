//! The collection `blockedIds`: an id's hash is the `_id` of its document, which has
//! nothing else.

use bson::{doc, rawdoc};

use super::documents::hash;
use super::indexes::BLOCKED;
use crate::StoreError;
use crate::erasures::IdHash;
use crate::mongo::causal::Call;
use crate::mongo::commands::{in_commands, size};
use crate::mongo::errors::store_error;
use crate::mongo::insert::written;
use crate::mongo::processing::fields::{Fields, to_bytes};

pub async fn block(call: &mut Call<'_>, ids: &[IdHash]) -> Result<(), StoreError> {
    let documents = ids.iter().map(|id| Ok(rawdoc! { "_id": hash(id) }));
    for documents in in_commands(documents, size)? {
        let verdicts = call.insert(BLOCKED, documents).await?;
        written(verdicts, BLOCKED)?;
    }
    Ok(())
}

pub async fn unblock(call: &mut Call<'_>, id: IdHash) -> Result<bool, StoreError> {
    let blocked = call.collection(BLOCKED);
    let deleted = blocked.delete_one(doc! { "_id": hash(&id) }).session(call.session()).await;
    deleted.map(|deleted| deleted.deleted_count > 0).map_err(|error| store_error(&error))
}

pub async fn all(call: &mut Call<'_>) -> Result<Vec<IdHash>, StoreError> {
    let mut found = Vec::new();
    let blocked = call.collection(BLOCKED);
    let read = call.each(blocked.find(doc! {}), |document| {
        found.push(Fields::of(document, BLOCKED).get("_id", to_bytes).map(IdHash));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.into_iter().collect()
}
