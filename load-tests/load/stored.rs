//! Which events are in a store, read past the service.

use std::path::Path;

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::Client;
use rusqlite::{Connection, OpenFlags};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::check::Identity;

/// All events in the embedded store's file.
pub fn in_file(file: &Path) -> Result<Vec<Identity>, Trouble> {
    let doing = "reading the file";
    let database =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).during(doing)?;
    let mut statement = database.prepare("SELECT user_id, event_id FROM events").during(doing)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).during(doing)?;
    rows.collect::<Result<_, _>>().during(doing)
}

/// All events in a MongoDB.
pub async fn in_mongodb(uri: &str) -> Result<Vec<Identity>, Trouble> {
    let doing = "reading MongoDB";
    let client = Client::with_uri_str(uri).await.during("MongoDB's URI")?;
    let database =
        client.default_database().ok_or_else(|| Trouble("the URI names no database".to_owned()))?;
    let cursor = database
        .collection::<Document>("events")
        .find(doc! {})
        .projection(doc! { "_id": 0, "userId": 1, "eventId": 1 })
        .await
        .during(doing)?;
    let documents: Vec<Document> = cursor.try_collect().await.during(doing)?;
    client.shutdown().await;
    documents
        .iter()
        .map(|document| {
            let text = |name| document.get_str(name).map(str::to_owned).during(doing);
            Ok((text("userId")?, text("eventId")?))
        })
        .collect()
}
