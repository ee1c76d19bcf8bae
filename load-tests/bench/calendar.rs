//! Periods in a collection that was made without the service, as the service
//! would have made them.

use bson::raw::RawDocumentBuf;
use bson::{DateTime, Document, doc};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::database::Database;

/// Whether the service that made the indexes puts events into periods; older ones
/// do not.
pub async fn has_periods(database: &Database) -> Result<bool, Trouble> {
    let names = database.events().list_index_names().await.during("looking at indexes")?;
    Ok(names.iter().any(|name| name == "journey_by_period"))
}

/// A document with room for its period.
pub fn with_period(document: &RawDocumentBuf) -> RawDocumentBuf {
    let mut document = document.clone();
    document.append(bson::raw::cstr!("period"), DateTime::from_millis(0));
    document
}

/// Writes down where periods start, what the newest one has, and that no event is
/// later than this.
pub async fn write(
    database: &Database,
    starts: impl IntoIterator<Item = i64>,
    events: u64,
    newest: i64,
) -> Result<(), Trouble> {
    let starts: Vec<DateTime> = starts.into_iter().map(DateTime::from_millis).collect();
    let calendar = doc! {
        "starts": starts,
        "events": i64::try_from(events).unwrap_or(i64::MAX),
        "horizon": DateTime::from_millis(newest + 1),
    };
    let collection = database.handle().collection::<Document>("periods");
    let filter = doc! { "_id": "journeys" };
    let written = collection.update_one(filter, doc! { "$set": calendar }).upsert(true).await;
    written.during("writing the calendar").map(drop)
}
