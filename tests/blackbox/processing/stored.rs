//! What processing has in the database, read past the service.

use bson::{Document, doc};
use mongodb::{Client, Database};
use rusqlite::{Connection, Row};
use serde_json::Value;

use crate::eventually::{SOON, eventually};
use crate::home::Home;

/// Enough for a few hundred events on a busy machine.
pub const A_WHILE: std::time::Duration = SOON.saturating_mul(3);

/// What became of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub event_id: String,
    pub user: String,
    pub state: String,
    pub run: i64,
    pub attempts: i64,
    pub http_status: Option<i64>,
    pub result: Option<Value>,
    pub error: Option<String>,
}

/// The database of a home, opened.
pub enum Stored {
    Embedded(Connection),
    MongoDb(Database),
}

impl Stored {
    /// Opens a database that a service has made.
    pub async fn of(home: &Home) -> Self {
        let Some(uri) = home.mongodb_uri() else { return Self::Embedded(home.sqlite()) };
        let client = Client::with_uri_str(uri).await.expect("a MongoDB URI");
        let database = client.default_database().expect("the URI names a database");
        Self::MongoDb(database)
    }

    /// The outcomes of a processor, in the order of arrival of their events.
    pub async fn outcomes(&self, processor: &str) -> Vec<Outcome> {
        match self {
            Self::Embedded(file) => {
                let mut select = file
                    .prepare(
                        "SELECT event_id, user_id, state, attempts, http_status, result, error, run
                         FROM processed_events WHERE processor = ?1 ORDER BY arrival",
                    )
                    .expect("a table of outcomes");
                let rows = select.query_map([processor], outcome_of_row).expect("outcomes");
                rows.map(|outcome| outcome.expect("an outcome")).collect()
            }
            Self::MongoDb(database) => {
                let collection = database.collection::<Document>(&outcomes_of(processor));
                let find = collection.find(doc! {}).sort(doc! { "arrival": 1 });
                let mut cursor = find.await.expect("outcomes");
                let mut outcomes = Vec::new();
                while cursor.advance().await.expect("an outcome") {
                    let document = cursor.deserialize_current().expect("an outcome");
                    outcomes.push(outcome_of_document(&document));
                }
                outcomes
            }
        }
    }

    async fn count(&self, table: &str, collection: String, processor: &str) -> u64 {
        match self {
            Self::Embedded(file) => {
                let count = format!("SELECT count(*) FROM {table} WHERE processor = ?1");
                let count: i64 =
                    file.query_row(&count, [processor], |row| row.get(0)).expect("a count");
                u64::try_from(count).expect("a count")
            }
            Self::MongoDb(database) => {
                let collection = database.collection::<Document>(&collection);
                collection.count_documents(doc! {}).await.expect("a count")
            }
        }
    }

    /// Documents in the feed of a processor.
    pub async fn fed(&self, processor: &str) -> u64 {
        self.count("feed", format!("feed.{processor}"), processor).await
    }

    /// Outcomes of a processor.
    pub async fn done(&self, processor: &str) -> usize {
        let count = self.count("processed_events", outcomes_of(processor), processor).await;
        usize::try_from(count).expect("a count")
    }

    /// Users that have a record.
    pub async fn parked(&self, processor: &str) -> u64 {
        self.count("parked", format!("parked.{processor}"), processor).await
    }

    /// Whether the lease of the default processor was handed over.
    pub async fn is_handed_over(&self) -> bool {
        let owner: Vec<u8> = match self {
            Self::Embedded(file) => file
                .query_row("SELECT lease_owner FROM processors WHERE name = 'default'", [], |row| {
                    row.get(0)
                })
                .expect("a lease"),
            Self::MongoDb(database) => {
                let processors = database.collection::<Document>("processors");
                let found = processors.find_one(doc! { "_id": "default" }).await;
                let processor = found.expect("an answer").expect("the processor");
                let lease = processor.get_document("lease").expect("a lease");
                lease.get_binary_generic("owner").expect("an owner").clone()
            }
        };
        owner.iter().all(|byte| *byte == 0)
    }

    /// Waits until a processor has so many outcomes.
    pub async fn wait_for(&self, processor: &str, outcomes: usize) -> Vec<Outcome> {
        let what = format!("{processor} has {outcomes} outcomes");
        eventually(&what, A_WHILE, || async {
            (self.done(processor).await >= outcomes).then_some(())
        })
        .await;
        self.outcomes(processor).await
    }

    /// Waits until this holds of the outcomes of the default processor.
    pub async fn wait_until(&self, what: &str, is: impl Fn(&[Outcome]) -> bool) -> Vec<Outcome> {
        eventually(what, A_WHILE, || async {
            let found = self.outcomes("default").await;
            is(&found).then_some(found)
        })
        .await
    }

    /// Waits until nothing is pending for the default processor.
    pub async fn wait_until_done(&self) {
        eventually("the feed is empty", A_WHILE, || async {
            (self.fed("default").await == 0).then_some(())
        })
        .await;
        eventually("nobody is parked", A_WHILE, || async {
            (self.parked("default").await == 0).then_some(())
        })
        .await;
    }
}

fn outcomes_of(processor: &str) -> String {
    match processor {
        "default" => "processedEvents".to_owned(),
        other => format!("processedEvents.{other}"),
    }
}

fn outcome_of_row(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    let result: Option<String> = row.get(5)?;
    Ok(Outcome {
        event_id: row.get(0)?,
        user: row.get(1)?,
        state: row.get(2)?,
        attempts: row.get(3)?,
        http_status: row.get(4)?,
        result: result.map(|result| serde_json::from_str(&result).expect("JSON")),
        error: row.get(6)?,
        run: row.get(7)?,
    })
}

fn outcome_of_document(document: &Document) -> Outcome {
    let json = serde_json::to_value(document).expect("JSON");
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    Outcome {
        event_id: text("eventId").expect("the event's id"),
        user: text("userId").expect("a user"),
        state: text("state").expect("a state"),
        run: json["run"].as_i64().expect("a run"),
        attempts: json["attempts"].as_i64().expect("attempts"),
        http_status: json["httpStatus"].as_i64(),
        result: json.get("result").cloned(),
        error: text("error"),
    }
}

/// The ids of a user's outcomes in this state, in the order of arrival.
pub fn ids_in(outcomes: &[Outcome], user: &str, state: &str) -> Vec<String> {
    let of_user = outcomes.iter().filter(|one| one.user == user && one.state == state);
    of_user.map(|outcome| outcome.event_id.clone()).collect()
}
