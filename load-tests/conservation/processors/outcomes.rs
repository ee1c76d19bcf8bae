//! What became of each event, and what is pending still, read past the service.

use std::path::Path;

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::Database;
use rusqlite::Row;
use serde_json::Value;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::Id;
use crate::stored;

/// The collections of the processor without a name of its own.
pub const PROCESSED: &str = "processedEvents";
const FEED: &str = "feed.default";
const PARKED: &str = "parked.default";
const PROCESSORS: &str = "processors";

/// An outcome as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub id: Id,
    pub user: Option<String>,
    pub event_id: Option<String>,
    pub kind: Option<String>,
    pub occurred_at: Option<i64>,
    pub arrival: i64,
    pub state: String,
    pub http_status: Option<i64>,
    pub result: Option<Value>,
    pub error: Option<String>,
}

/// How many outcomes there are, and how many documents of the feed and records of users
/// are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub outcomes: u64,
    pub left: u64,
}

/// All outcomes in the embedded store's file.
pub fn in_file(file: &Path) -> Result<Vec<Outcome>, Trouble> {
    let database = stored::open(file)?;
    let doing = "reading outcomes";
    let mut statement = database
        .prepare(
            "SELECT id, user_id, event_id, type, occurred_at, arrival, state, http_status, \
             result, error FROM processed_events",
        )
        .during(doing)?;
    let rows = statement.query_map([], from_row).during(doing)?;
    rows.collect::<Result<_, _>>().during(doing)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    let result: Option<String> = row.get("result")?;
    Ok(Outcome {
        id: row.get("id")?,
        user: row.get("user_id")?,
        event_id: row.get("event_id")?,
        kind: row.get("type")?,
        occurred_at: row.get("occurred_at")?,
        arrival: row.get("arrival")?,
        state: row.get("state")?,
        http_status: row.get("http_status")?,
        result: result.map(|text| serde_json::from_str(&text).unwrap_or_default()),
        error: row.get("error")?,
    })
}

/// The counts of the embedded store's file.
pub fn count_in_file(file: &Path) -> Result<Counts, Trouble> {
    let database = stored::open(file)?;
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        let count: i64 = database.query_row(&sql, [], |row| row.get(0)).during("counting")?;
        u64::try_from(count).during("counting")
    };
    let left = count("feed")? + count("parked")?;
    Ok(Counts { outcomes: count("processed_events")?, left })
}

/// Deletes an outcome from the embedded store's file.
pub fn delete_in_file(file: &Path, id: &Id) -> Result<(), Trouble> {
    let sql = "DELETE FROM processed_events WHERE id = ?1";
    stored::open(file)?.execute(sql, [&id[..]]).during("deleting an outcome")?;
    Ok(())
}

/// All outcomes in a MongoDB.
pub async fn in_mongodb(database: &Database) -> Result<Vec<Outcome>, Trouble> {
    let doing = "reading outcomes";
    let outcomes = database.collection::<Document>(PROCESSED);
    let documents = outcomes.find(doc! {}).await.during(doing)?;
    let documents: Vec<Document> = documents.try_collect().await.during(doing)?;
    let read = documents.iter().map(from_document).collect::<Option<_>>();
    read.ok_or_else(|| Trouble("an outcome cannot be read".to_owned()))
}

fn from_document(document: &Document) -> Option<Outcome> {
    let text = |name: &str| document.get_str(name).ok().map(str::to_owned);
    let number = |name: &str| {
        let number = document.get(name)?;
        number.as_i64().or_else(|| number.as_i32().map(i64::from))
    };
    Some(Outcome {
        id: stored::id_of(document)?,
        user: text("userId"),
        event_id: text("eventId"),
        kind: text("type"),
        occurred_at: document.get_datetime("occurredAt").ok().map(|date| date.timestamp_millis()),
        arrival: number("arrival")?,
        state: text("state")?,
        http_status: number("httpStatus"),
        result: document.get_document("result").ok().map(texts),
        error: text("error"),
    })
}

/// An object of texts, which is all that the example answers.
fn texts(object: &Document) -> Value {
    object.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
}

/// The counts of a MongoDB.
pub async fn count_in_mongodb(database: &Database) -> Result<Counts, Trouble> {
    let count = async |name: &str| {
        let count = database.collection::<Document>(name).count_documents(doc! {}).await;
        count.during("counting in MongoDB")
    };
    let left = count(FEED).await? + count(PARKED).await?;
    Ok(Counts { outcomes: count(PROCESSED).await?, left })
}

/// Deletes an outcome from a MongoDB.
pub async fn delete_in_mongodb(database: &Database, id: &Id) -> Result<(), Trouble> {
    let outcomes = database.collection::<Document>(PROCESSED);
    let id = bson::Binary { subtype: bson::spec::BinarySubtype::Uuid, bytes: id.to_vec() };
    outcomes.delete_one(doc! { "_id": id }).await.during("deleting an outcome")?;
    Ok(())
}

/// Makes the lease of a service that was killed nobody's, as a stop does: nobody has to
/// wait then until it is known to be dead.
pub async fn free_lease(database: &Database) -> Result<(), Trouble> {
    let nobody = bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![0; 8] };
    let processors = database.collection::<Document>(PROCESSORS);
    let free = doc! { "$set": { "lease.owner": nobody }, "$inc": { "lease.beat": 1_i64 } };
    let held = doc! { "lease.owner": { "$exists": true } };
    processors.update_many(held, free).await.during("freeing a lease")?;
    Ok(())
}
