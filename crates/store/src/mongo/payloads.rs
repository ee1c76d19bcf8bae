//! Events, found by what their payloads have at a few keys: one partial index each.
//!
//! The server builds an index beside all writes, and goes on with it when nobody waits any
//! more. Several instances may ask for the same one. On a replica set it is ready once all
//! members that vote have it, which is the server's default: with fewer, a member that is
//! behind would hold up what it replicates.
//!
//! An index may have what it likes: since 4.2 no value is too long for one, and a list has
//! an entry for each of its items. So no write fails for what stands at a key.

use std::time::Duration;

use async_trait::async_trait;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use mongodb::IndexModel;
use mongodb::error::Error;
use mongodb::options::{Hint, IndexOptions, ReadPreference, SelectionCriteria};

use super::connection::{EVENTS, Link};
use super::documents;
use super::errors::store_error;
use super::indexes::there::name_of;
use super::indexes::{existing, settle};
use super::layout::lacks_index;
use super::store::MongoStore;
use super::takeover::while_building;
use crate::StoreError;
use crate::payloads::{PayloadHit, PayloadKey, PayloadStore, PayloadValue};

/// What the names of our indexes begin with. An index that is not named by a person has a
/// name that begins with `payload.`.
const NAME: &str = "payload_key.";

#[async_trait]
impl PayloadStore for MongoStore {
    async fn index_payloads(&self, keys: &[PayloadKey]) -> Result<(), StoreError> {
        let link = self.link().await?;
        settle(|| drop_others(link, keys)).await?;
        settle(|| make(link, keys)).await
    }

    async fn by_payload(
        &self,
        key: &PayloadKey,
        value: &PayloadValue,
        most: usize,
    ) -> Result<Option<Vec<PayloadHit>>, StoreError> {
        if most == 0 {
            return Ok(Some(Vec::new()));
        }
        self.read(async {
            let found = find(self.link().await?, key, value, most, self.settings.timeouts.read);
            match found.await {
                Ok(found) => Ok(Some(found)),
                Err(error) if lacks_index(&error) => Ok(None),
                Err(error) => Err(store_error(&error)),
            }
        })
        .await
    }
}

/// The key that an index of ours is of.
pub fn key_of(index: &IndexModel) -> Option<&str> {
    let key = name_of(index)?.strip_prefix(NAME)?;
    (index.keys == keys_of(key)).then_some(key)
}

/// An index whose key is in no settings costs each event that has it, for nothing.
async fn drop_others(link: &Link, wanted: &[PayloadKey]) -> Result<(), Error> {
    for index in existing(link, EVENTS).await? {
        let (Some(name), Some(key)) = (name_of(&index), key_of(&index)) else { continue };
        if wanted.iter().all(|wanted| wanted.as_str() != key) {
            link.events::<Document>().drop_index(name).await?;
            tracing::info!(key, "the index of a payload key that no setting names was dropped");
        }
    }
    Ok(())
}

/// What is there already, or is being made, is asked for too: the answer comes when it can
/// be used. Only what a person made under another name cannot be asked for.
async fn make(link: &Link, keys: &[PayloadKey]) -> Result<(), Error> {
    let there = existing(link, EVENTS).await?;
    let is_by_hand = |key: &&PayloadKey| {
        let keys = keys_of(key.as_str());
        there.iter().any(|index| index.keys == keys && key_of(index).is_none())
    };
    let missing: Vec<_> = keys.iter().filter(|key| !is_by_hand(key)).map(index).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let events = link.events::<Document>();
    let building = async { events.create_indexes(missing).await };
    while_building(link, "the indexes of payload keys are being built", building).await.map(|_| ())
}

fn keys_of(key: &str) -> Document {
    doc! { field(key): 1, "occurredAt": -1 }
}

fn field(key: &str) -> String {
    format!("payload.{key}")
}

/// `$exists`, because the server sees that any comparison of the field implies it.
fn index(key: &PayloadKey) -> IndexModel {
    let key = key.as_str();
    let options = IndexOptions::builder()
        .name(format!("{NAME}{key}"))
        .partial_filter_expression(doc! { field(key): { "$exists": true } })
        .build();
    IndexModel::builder().keys(keys_of(key)).options(options).build()
}

/// A text and a number are two scans, which the server merges. It finds what is in a list
/// too: that is read with the others, and left out.
async fn find(
    link: &Link,
    key: &PayloadKey,
    value: &PayloadValue,
    most: usize,
    timeout: Duration,
) -> Result<Vec<PayloadHit>, Error> {
    let field = field(key.as_str());
    let values: Vec<Bson> =
        [Some(value.text().into()), number(value)].into_iter().flatten().collect();
    let steps = [
        doc! { "$match": { &field: { "$in": values } } },
        doc! { "$sort": { "occurredAt": -1 } },
        doc! { "$limit": i64::try_from(most).unwrap_or(i64::MAX) },
        doc! { "$project": {
            "userId": 1, "eventId": 1, "type": 1, "occurredAt": 1, "receivedAt": 1, "arrival": 1,
            "isList": { "$isArray": format!("${field}") },
        } },
    ];
    let events = link.events::<RawDocumentBuf>();
    let mut cursor = events
        .aggregate(steps)
        .hint(Hint::Keys(keys_of(key.as_str())))
        .batch_size(u32::try_from(most).unwrap_or(u32::MAX - 1) + 1)
        // An event that has left the backlog must be found: a member that lags behind may
        // not have it yet.
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .max_time(timeout)
        .await?;
    let mut found = Vec::new();
    while cursor.advance().await? {
        found.extend(hit(RawDocument::from_bytes(cursor.current().as_bytes())?));
    }
    Ok(found)
}

fn number(value: &PayloadValue) -> Option<Bson> {
    let number = value.number()?;
    number.as_i64().map(Bson::from).or_else(|| number.as_f64().map(Bson::from))
}

/// `None` for one that has the value in a list, or no place in a journey.
fn hit(document: &RawDocument) -> Option<PayloadHit> {
    if document.get_bool("isList").ok()? {
        return None;
    }
    let user_id = document.get_str("userId").ok()?;
    let event = documents::read_event(document, user_id).ok()?;
    Some(PayloadHit {
        user_id: event.user_id,
        occurred_at: event.occurred_at,
        received_at: event.received_at,
        arrival: event.arrival,
    })
}
