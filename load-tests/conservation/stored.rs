//! What lies in the store itself, read past the service.

use std::path::Path;

use bson::{Bson, Document};
use futures_util::TryStreamExt as _;
use mongodb::Client;
use rusqlite::{Connection, OpenFlags, Row};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::calendar::Calendar;
use crate::content::{Content, Hash, hex};
use crate::processors::Id;

/// An event as the store has it.
#[derive(Debug)]
pub struct Stored {
    pub id: Id,
    pub user: String,
    pub event_id: String,
    occurred_at: i64,
    arrival: i64,
    /// In MongoDB: when its period starts.
    period: Option<i64>,
    /// `None` where a part is missing or of another type than was sent.
    content: Option<Content>,
    /// The hash that came with it.
    hash: String,
}

impl Stored {
    /// Its place in its user's journey.
    pub fn place(&self) -> (i64, i64) {
        (self.occurred_at, self.arrival)
    }

    /// Its type.
    pub fn kind(&self) -> Option<&str> {
        Some(&self.content.as_ref()?.kind)
    }

    /// Whether its period is the one of a calendar.
    pub fn is_filed_by(&self, calendar: &Calendar) -> bool {
        self.period == calendar.start_of(self.occurred_at)
    }

    /// The hash of what is there, unless the one that came with it differs.
    pub fn hash(&self) -> Option<Hash> {
        let hash = self.content.as_ref()?.hash();
        (hex(&hash) == self.hash).then_some(hash)
    }
}

#[cfg(test)]
impl Stored {
    /// An event as a store would have it.
    pub fn of(content: Content, arrival: i64) -> Self {
        Self {
            id: id_of_test(&content.user, content.number),
            user: content.user.clone(),
            event_id: content.event_id.clone(),
            occurred_at: content.occurred_at,
            arrival,
            period: None,
            hash: hex(&content.hash()),
            content: Some(content),
        }
    }

    /// Gives it a period.
    pub fn file_under(&mut self, start: Option<i64>) {
        self.period = start;
    }

    /// Changes what is there, and leaves its hash.
    pub fn damage(&mut self) {
        if let Some(content) = &mut self.content {
            content.filler.push('x');
        }
    }
}

/// Another one for each user and number; a store derives it from other things.
#[cfg(test)]
fn id_of_test(user: &str, number: i64) -> Id {
    let mut id = Id::default();
    id[..8].copy_from_slice(&number.to_be_bytes());
    id.iter_mut().skip(8).zip(user.bytes()).for_each(|(byte, of_user)| *byte = of_user);
    id
}

/// All events in the embedded store's file.
pub fn in_file(file: &Path) -> Result<Vec<Stored>, Trouble> {
    let database = open(file)?;
    let mut statement = database
        .prepare(
            "SELECT id, user_id, event_id, type, session_id, anonymous_id, payload, occurred_at, arrival \
             FROM events",
        )
        .during("reading the file")?;
    let rows = statement.query_map([], from_row).during("reading the file")?;
    rows.collect::<Result<_, _>>().during("reading the file")
}

/// How many events are in the embedded store's file.
pub fn count_in_file(file: &Path) -> Result<u64, Trouble> {
    let count: i64 = open(file)?
        .query_row("SELECT count(*) FROM events", [], |row| row.get(0))
        .during("counting in the file")?;
    u64::try_from(count).during("counting in the file")
}

/// Opens the embedded store's file.
pub fn open(file: &Path) -> Result<Connection, Trouble> {
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).during("opening the file")
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let payload: String = row.get("payload")?;
    let payload: serde_json::Value = serde_json::from_str(&payload).unwrap_or_default();
    let text = |name: &str| Some(payload.get(name)?.as_str()?.to_owned());
    let user: String = row.get("user_id")?;
    let event_id: String = row.get("event_id")?;
    let occurred_at = row.get("occurred_at")?;
    let (kind, session) = (row.get("type")?, row.get("session_id")?);
    let device = row.get("anonymous_id")?;
    let content = || {
        Some(Content {
            user: user.clone(),
            event_id: event_id.clone(),
            kind,
            session,
            device,
            number: payload.get("number")?.as_i64()?,
            filler: text("filler")?,
            occurred_at,
        })
    };
    Ok(Stored {
        id: row.get("id")?,
        content: content(),
        hash: text("hash").unwrap_or_default(),
        arrival: row.get("arrival")?,
        period: None,
        occurred_at,
        event_id,
        user,
    })
}

/// The collection of a MongoDB.
pub const EVENTS: &str = "events";

/// The events in a MongoDB that a filter lets through.
pub async fn in_mongodb(uri: &str, filter: Document) -> Result<Vec<Stored>, Trouble> {
    let (client, events) = connect(uri).await?;
    let cursor = events.find(filter).await.during("reading MongoDB")?;
    let stored = cursor
        .map_ok(|document| from_document(&document))
        .try_collect()
        .await
        .during("reading MongoDB")?;
    client.shutdown().await;
    Ok(stored)
}

/// How many events are in a MongoDB.
pub async fn count_in_mongodb(uri: &str) -> Result<u64, Trouble> {
    let (client, events) = connect(uri).await?;
    let count = events.count_documents(Document::new()).await.during("counting in MongoDB")?;
    client.shutdown().await;
    Ok(count)
}

async fn connect(uri: &str) -> Result<(Client, mongodb::Collection<Document>), Trouble> {
    let client = Client::with_uri_str(uri).await.during("MongoDB's URI")?;
    let database =
        client.default_database().ok_or_else(|| Trouble("the URI names no database".to_owned()))?;
    Ok((client, database.collection(EVENTS)))
}

/// The `_id` of an event or an outcome.
pub fn id_of(document: &Document) -> Option<Id> {
    match document.get("_id")? {
        Bson::Binary(id) => id.bytes.as_slice().try_into().ok(),
        _ => None,
    }
}

fn from_document(document: &Document) -> Stored {
    let text = |name: &str| document.get_str(name).map(str::to_owned);
    let occurred_at =
        document.get_datetime("occurredAt").map_or(i64::MIN, |time| time.timestamp_millis());
    let content = || {
        let payload = document.get_document("payload").ok()?;
        let number = payload.get("number")?;
        let number = number.as_i64().or(number.as_i32().map(i64::from));
        Some(Content {
            user: text("userId").ok()?,
            event_id: text("eventId").ok()?,
            kind: text("type").ok()?,
            session: text("sessionId").ok(),
            device: text("anonymousId").ok(),
            number: number?,
            filler: payload.get_str("filler").ok()?.to_owned(),
            occurred_at,
        })
    };
    let hash = document.get_document("payload").and_then(|payload| payload.get_str("hash"));
    Stored {
        id: id_of(document).unwrap_or_default(),
        user: text("userId").unwrap_or_default(),
        event_id: text("eventId").unwrap_or_default(),
        occurred_at,
        arrival: document.get_i64("arrival").unwrap_or(i64::MIN),
        // One that is no date is none that a calendar has.
        period: document
            .get("period")
            .map(|start| start.as_datetime().map_or(i64::MIN, |date| date.timestamp_millis())),
        content: content(),
        hash: hash.unwrap_or_default().to_owned(),
    }
}
