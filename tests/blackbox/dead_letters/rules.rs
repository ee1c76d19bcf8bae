//! Rules that a person gives the database, and that some events break.

use bson::{Document, doc};
use mongodb::Client;
use serde_json::{Value, json};

use crate::home::Home;

/// The type of events that are refused.
const REFUSED: &str = "purchase";

/// What a rule is for.
#[derive(Clone, Copy)]
pub enum Of {
    Events,
    /// All of them are refused.
    DeadLetters,
}

impl Of {
    /// The collection, the table, and which rows are refused.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Events => ("events", "events", "NEW.type = 'purchase'"),
            Self::DeadLetters => ("deadLetters", "dead_letters", "true"),
        }
    }

    fn validator(self) -> Document {
        match self {
            Self::Events => doc! { "type": { "$ne": REFUSED } },
            Self::DeadLetters => doc! { "_id": { "$exists": false } },
        }
    }
}

/// Events of a user with these ids, of which some will be refused.
pub fn events(user: &str, ids: std::ops::Range<usize>, refused: &[usize]) -> Value {
    ids.map(|id| {
        let kind = if refused.contains(&id) { REFUSED } else { "page_view" };
        json!({
            "userId": user, "eventId": format!("e-{id}"), "type": kind,
            "occurredAt": "2025-12-15T10:30:00Z", "payload": { "$id": id, "a.b": [1.0, "ä"] },
        })
    })
    .collect()
}

/// Has the database refuse some.
pub async fn refuse(home: &Home, of: Of) {
    let (collection, table, condition) = of.names();
    if home.mongodb_uri().is_some() {
        set_validator(home, collection, of.validator()).await;
        return;
    }
    let trigger = format!(
        "CREATE TRIGGER refuse_{table} BEFORE INSERT ON {table} WHEN {condition}
         BEGIN SELECT RAISE(ABORT, 'not wanted here'); END"
    );
    home.sqlite().execute_batch(&trigger).expect("a trigger");
}

/// Has the database take all again.
pub async fn accept(home: &Home, of: Of) {
    let (collection, table, _) = of.names();
    if home.mongodb_uri().is_some() {
        set_validator(home, collection, Document::new()).await;
        return;
    }
    let drop = format!("DROP TRIGGER refuse_{table}");
    home.sqlite().execute_batch(&drop).expect("a trigger");
}

async fn set_validator(home: &Home, collection: &str, validator: Document) {
    let uri = home.mongodb_uri().expect("a MongoDB");
    let client = Client::with_uri_str(uri).await.expect("a URI");
    let database = client.default_database().expect("a database");
    database
        .run_command(doc! { "collMod": collection, "validator": validator })
        .await
        .expect("a validator");
    client.shutdown().await;
}

/// The ids of the events of letters, sorted.
pub fn event_ids(letters: &[Value]) -> Vec<&str> {
    let mut ids: Vec<_> =
        letters.iter().map(|letter| letter["eventId"].as_str().expect("an id")).collect();
    ids.sort_unstable();
    ids
}
