//! A database as an older version leaves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bson::raw::{RawArrayBuf, RawDocumentBuf};
use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, doc, rawdoc};
use mongodb::options::IndexOptions;
use mongodb::{Database, IndexModel};
use sha2::{Digest as _, Sha256};
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::{OldEvent, OldEvents, name_of};
use crate::stored::EVENTS;

/// In one command.
const PIECE: u64 = 10_000;
/// Commands on their way at once: while the server works on one, another is made.
const AT_ONCE: u64 = 3;
/// Between two lines on how far it is.
const TOLD: u64 = 500_000;

/// Puts the events there, without a period, and the indexes of an older version. The
/// indexes come last: so they cost less, and are the same.
pub async fn fill(database: &Database, old: OldEvents) -> Result<(), Trouble> {
    let began = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| tokio::spawn(insert(database.clone(), old, Arc::clone(&next))))
        .collect();
    for task in tasks {
        task.await.during("filling")??;
    }
    let count = database.collection::<Document>(EVENTS).count_documents(doc! {}).await;
    let count = count.during("counting old events")?;
    if count != old.count {
        return Err(Trouble(format!("{count} old events were put there, and not {}", old.count)));
    }
    make_indexes(database).await?;
    let seconds = began.elapsed().as_secs_f32();
    eprintln!("{count} events of an older version lie in the database ({seconds:.1} s)");
    Ok(())
}

async fn insert(database: Database, old: OldEvents, next: Arc<AtomicU64>) -> Result<(), Trouble> {
    loop {
        let first = next.fetch_add(PIECE, Ordering::Relaxed);
        if first >= old.count {
            return Ok(());
        }
        let last = old.count.min(first + PIECE);
        let mut documents = RawArrayBuf::new();
        for number in first..last {
            documents.push(document(&old.event(number)));
        }
        let command = rawdoc! {
            "insert": EVENTS,
            "ordered": false,
            "writeConcern": { "w": 1, "j": false },
            "documents": documents,
        };
        let answer = database.run_raw_command(command).await.during("filling")?;
        if answer.contains_key("writeErrors") {
            return Err(Trouble(format!("an old event was refused: {answer:.500}")));
        }
        if last / TOLD > first / TOLD {
            eprintln!("filling: {last} of {}", old.count);
        }
    }
}

fn document(event: &OldEvent) -> RawDocumentBuf {
    let occurred_at = DateTime::from_millis(event.occurred_at);
    let number = event.number as i64;
    rawdoc! {
        "_id": Binary { subtype: BinarySubtype::Uuid, bytes: identity(event) },
        "userId": name_of(event.user),
        "eventId": event.id(),
        "type": "page_view",
        "sessionId": format!("s-{}", event.number % 100),
        "payload": { "number": number, "filler": "a page that somebody has seen once" },
        "occurredAt": occurred_at,
        "receivedAt": occurred_at,
        "arrival": number + 1,
    }
}

/// Sixteen bytes in order of time, as those of the service.
fn identity(event: &OldEvent) -> Vec<u8> {
    let hash = Sha256::digest(event.number.to_le_bytes());
    let mut bytes = event.occurred_at.to_be_bytes()[2..].to_vec();
    bytes.extend_from_slice(&hash[..10]);
    bytes
}

async fn make_indexes(database: &Database) -> Result<(), Trouble> {
    let index = |name: &str, keys: Document, only: Option<Document>| {
        let options = IndexOptions::builder().name(name.to_owned());
        let options = options.partial_filter_expression(only).build();
        IndexModel::builder().keys(keys).options(options).build()
    };
    let with_account = doc! { "accountId": { "$exists": true } };
    let account = doc! { "accountId": 1, "occurredAt": 1, "type": 1, "userId": 1 };
    let indexes = [
        index("journey", doc! { "userId": 1, "occurredAt": 1, "arrival": 1 }, None),
        index("account", account, Some(with_account)),
    ];
    let events = database.collection::<Document>(EVENTS);
    events.create_indexes(indexes).await.during("the indexes of an older version")?;
    Ok(())
}
