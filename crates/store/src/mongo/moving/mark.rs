//! The collection `moves`: one document, which says what goes over, or went, and up to where.
//!
//! A key of a row may be a user's id, so it goes when all went over.

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use uuid::Uuid;

use crate::StoreError;
use crate::mongo::access::collections::collection;
use crate::mongo::access::documents::uuid;
use crate::mongo::connection::Link;
use crate::mongo::errors::{is_duplicate, store_error};
use crate::moving::{Key, KeyPart, Kind, Reached};

/// The collection.
pub const MOVES: &str = "moves";

/// The `_id` of its one document.
const ONLY: &str = "move";

const MOVING: &str = "moving";
const COMPARED: &str = "compared";
const COMPLETE: &str = "complete";

/// What the document says.
pub struct Mark {
    /// Which move it is.
    pub id: Uuid,
    /// How far it is.
    pub stage: Stage,
}

/// How far a move is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Rows go over.
    Moving(Reached),
    /// All went over, and is the same.
    Compared,
    /// The database is ready for a service.
    Complete,
}

/// The mark that is there.
pub async fn find(link: &Link) -> Result<Option<Mark>, StoreError> {
    let found = collection::<Document>(link, MOVES).find_one(doc! { "_id": ONLY }).await;
    found.map_err(|error| store_error(&error))?.as_ref().map(read).transpose()
}

/// Makes it.
pub async fn make(link: &Link, id: Uuid) -> Result<(), StoreError> {
    let mark = doc! {
        "_id": ONLY,
        "move": uuid(id),
        "stage": MOVING,
        "table": Reached::START.kind.table(),
        "rows": 0_i64,
    };
    match collection(link, MOVES).insert_one(mark).await {
        Err(error) if is_duplicate(&error) => {
            Err(StoreError::Denied("another move has just begun there".to_owned()))
        }
        made => made.map(|_| ()).map_err(|error| store_error(&error)),
    }
}

/// Rows went over up to here.
pub async fn note(link: &Link, id: Uuid, reached: &Reached) -> Result<(), StoreError> {
    let rows = i64::try_from(reached.rows).unwrap_or(i64::MAX);
    let set = doc! {
        "table": reached.kind.table(),
        "after": reached.after.as_ref().map(|key| key.iter().map(value).collect::<Vec<_>>()),
        "rows": rows,
    };
    update(link, id, doc! { "$set": set }).await
}

/// It has come to this stage, where nothing goes over any more.
pub async fn end(link: &Link, id: Uuid, stage: &Stage) -> Result<(), StoreError> {
    let word = if *stage == Stage::Complete { COMPLETE } else { COMPARED };
    let gone = doc! { "table": "", "after": "" };
    update(link, id, doc! { "$set": { "stage": word }, "$unset": gone }).await
}

async fn update(link: &Link, id: Uuid, change: Document) -> Result<(), StoreError> {
    let own = doc! { "_id": ONLY, "move": uuid(id) };
    let updated = collection::<Document>(link, MOVES).update_one(own, change).await;
    match updated.map_err(|error| store_error(&error))?.matched_count {
        0 => Err(StoreError::Denied(format!("the mark of this move has gone from {MOVES}"))),
        _ => Ok(()),
    }
}

fn value(part: &KeyPart) -> Bson {
    match part {
        KeyPart::Integer(number) => Bson::Int64(*number),
        KeyPart::Text(text) => Bson::String(text.clone()),
        KeyPart::Blob(bytes) => {
            Binary { subtype: BinarySubtype::Generic, bytes: bytes.clone() }.into()
        }
    }
}

fn part(value: &Bson) -> Option<KeyPart> {
    match value {
        Bson::Int64(number) => Some(KeyPart::Integer(*number)),
        Bson::String(text) => Some(KeyPart::Text(text.clone())),
        Bson::Binary(binary) => Some(KeyPart::Blob(binary.bytes.clone())),
        _ => None,
    }
}

fn read(document: &Document) -> Result<Mark, StoreError> {
    let read = || {
        let id = match document.get("move")? {
            Bson::Binary(binary) => Uuid::from_slice(&binary.bytes).ok()?,
            _ => return None,
        };
        let stage = match document.get_str("stage").ok()? {
            COMPLETE => Stage::Complete,
            COMPARED => Stage::Compared,
            _ => Stage::Moving(reached(document)?),
        };
        Some(Mark { id, stage })
    };
    read().ok_or_else(|| StoreError::Unreadable(format!("the document {ONLY:?} in {MOVES}")))
}

fn reached(document: &Document) -> Option<Reached> {
    let after: Option<Key> = match document.get("after") {
        None | Some(Bson::Null) => None,
        Some(after) => Some(after.as_array()?.iter().map(part).collect::<Option<_>>()?),
    };
    Some(Reached {
        kind: Kind::of_table(document.get_str("table").ok()?)?,
        after,
        rows: u64::try_from(document.get_i64("rows").ok()?).ok()?,
    })
}
