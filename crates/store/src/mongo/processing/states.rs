//! The collection `processorStates`: what is known of a processor where it is delivered
//! for. A document for each.

use bson::{Document, doc};
use trailkeep_event::Timestamp;

use super::fields::{self, Fields, to_moment, to_text};
use crate::StoreError;
use crate::mongo::causal::Call;
use crate::mongo::errors::store_error;

pub const STATES: &str = "processorStates";

/// Two that make the document at once do not collide: of an upsert that asks for one
/// `_id` alone, the server tries again by itself.
pub async fn publish(
    call: &mut Call<'_>,
    name: &str,
    at: Timestamp,
    state: &str,
) -> Result<(), StoreError> {
    let change = doc! { "$set": { "at": fields::date(at), "state": state } };
    let states = call.collection(STATES);
    let updated =
        states.update_one(doc! { "_id": name }, change).upsert(true).session(call.session()).await;
    updated.map(|_| ()).map_err(|error| store_error(&error))
}

pub fn document(name: &str, at: Timestamp, state: &str) -> Document {
    doc! { "_id": name, "at": fields::date(at), "state": state }
}

pub async fn published(
    call: &mut Call<'_>,
    name: &str,
) -> Result<Option<(Timestamp, Box<str>)>, StoreError> {
    let mut found = None;
    let states = call.collection(STATES);
    let read = call.each(states.find(doc! { "_id": name }), |document| {
        let fields = Fields::of(document, STATES);
        let read = || Ok((fields.get("at", to_moment)?, fields.get("state", to_text)?));
        found = Some(read());
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.transpose()
}

pub async fn remove(call: &mut Call<'_>, name: &str) -> Result<(), StoreError> {
    let states = call.collection(STATES);
    let deleted = states.delete_one(doc! { "_id": name }).session(call.session()).await;
    deleted.map(|_| ()).map_err(|error| store_error(&error))
}
