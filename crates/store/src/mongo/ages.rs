//! How old the events are, by type: for people who want to know what a retention deletes.

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use trailkeep_event::Timestamp;

use super::MongoStore;
use super::connection::EVENTS;
use super::errors::store_error;
use crate::activity::DAY_MS;
use crate::{Aged, StoreError};

impl MongoStore {
    /// Tells of all events. Reads all of them, which takes as long as it takes, and changes
    /// nothing. A document without a `receivedAt` is left out: no index deletes it. One without
    /// a type is one of all others.
    ///
    /// # Errors
    ///
    /// The server does not answer, or refuses us.
    pub async fn ages(&self, now: Timestamp, mut each: impl FnMut(Aged)) -> Result<(), StoreError> {
        let events = self.link().await?.database().collection::<Document>(EVENTS);
        let counted = events.aggregate(pipeline(now)).allow_disk_use(true).await;
        let mut counted = counted.map_err(|error| store_error(&error))?;
        while let Some(group) = counted.try_next().await.map_err(|error| store_error(&error))? {
            each(aged(&group));
        }
        Ok(())
    }
}

fn pipeline(now: Timestamp) -> [Document; 2] {
    let now = bson::DateTime::from_millis(now.as_millis());
    let days = doc! { "$floor": { "$divide": [{ "$subtract": [now, "$receivedAt"] }, DAY_MS] } };
    [
        doc! { "$match": { "receivedAt": { "$type": "date" } } },
        doc! { "$group": {
            "_id": { "type": "$type", "days": { "$toLong": days } },
            "events": { "$sum": 1_i64 },
        } },
    ]
}

fn aged(group: &Document) -> Aged {
    let of = group.get_document("_id").ok();
    let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    Aged {
        kind: of.and_then(|of| of.get_str("type").ok()).unwrap_or_default().into(),
        days: number(of.and_then(|of| of.get_i64("days").ok())).unwrap_or(0),
        events: number(group.get_i64("events").ok()).unwrap_or(0),
    }
}
