//! What is asked of the collection `people`.

use bson::raw::RawDocumentBuf;
use bson::{Document, doc, rawdoc};
use mongodb::action::Find;
use trailkeep_event::Timestamp;

use super::documents::{date, decode, encode};
use super::indexes::PEOPLE;
use crate::StoreError;
use crate::mongo::causal::Call;
use crate::mongo::commands::{in_commands, size};
use crate::mongo::errors::store_error;
use crate::mongo::insert::written;
use crate::people::{MAX_PEOPLE, Matching, Person, Range, Row};

pub async fn of(call: &mut Call<'_>, ids: &[&str]) -> Result<Vec<Row>, StoreError> {
    let people = call.collection(PEOPLE);
    let find = people.find(doc! { "_id": { "$in": ids } }).batch_size(batch_of(ids.len()));
    found(call, find).await
}

/// New rows are inserted, as most are while users come: that costs the server a tenth of an
/// upsert. Each kind goes out as one command, unless the rows are large.
pub async fn keep(call: &mut Call<'_>, rows: &[Row]) -> Result<usize, StoreError> {
    let (new, known): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.rev == 0);
    let mut fitted = 0;
    for documents in in_commands(new.into_iter().map(document), size)? {
        let verdicts = call.insert(PEOPLE, documents).await?;
        fitted += written(verdicts, PEOPLE)?.into_iter().filter(|is_new| *is_new).count();
    }
    for statements in in_commands(known.into_iter().map(statement), size)? {
        fitted += call.update(PEOPLE, statements).await?;
    }
    Ok(rows.len().saturating_sub(fitted))
}

fn document(row: &Row) -> Result<RawDocumentBuf, StoreError> {
    encode(&row.person, row.rev.saturating_add(1))
}

/// In the place of the row that was read. What was read and is gone is not made again as
/// it was.
fn statement(row: &Row) -> Result<RawDocumentBuf, StoreError> {
    let as_read = rawdoc! { "_id": &*row.person.id, "rev": row.rev };
    Ok(rawdoc! { "q": as_read, "u": document(row)?, "upsert": false })
}

/// By the index in its order: links, newest first, then the user's own row. Where that one
/// is not there (it is another's, or too many links are before it) it is asked for, as what
/// else is wanted.
pub async fn linked_to(
    call: &mut Call<'_>,
    user_id: &str,
    others: &[&str],
    most: usize,
) -> Result<Vec<Person>, StoreError> {
    let people = call.collection(PEOPLE);
    let find = people.find(doc! { "owner": user_id }).sort(doc! { "owner": 1, "since": -1 });
    let mut found = first(call, find, most + 1).await?;
    if found.get(most).is_some_and(|last| *last.id != *user_id) {
        found.truncate(most);
    }
    let is_missing = |id: &&str| !found.iter().any(|person| *person.id == **id);
    let missing: Vec<&str> =
        std::iter::once(user_id).chain(others.iter().copied()).filter(is_missing).collect();
    if !missing.is_empty() {
        let people = of(call, &missing).await?.into_iter().map(|row| row.person);
        found.extend(people.filter(|person| !person.is_linked_to(user_id)));
    }
    Ok(found)
}

/// `$elemMatch`, so that both ends of the range are about one term: the server then reads
/// what lies between them and nothing else.
pub async fn by_term(
    call: &mut Call<'_>,
    range: &Range,
    matching: Matching,
    most: usize,
) -> Result<Vec<Person>, StoreError> {
    let filter = match matching {
        Matching::Whole => doc! { "terms": &range.from },
        Matching::Prefix => {
            doc! { "terms": { "$elemMatch": { "$gte": &range.from, "$lt": &range.to } } }
        }
    };
    let people = call.collection(PEOPLE);
    first(call, people.find(filter), most).await
}

async fn first(
    call: &mut Call<'_>,
    find: Find<'_, RawDocumentBuf>,
    most: usize,
) -> Result<Vec<Person>, StoreError> {
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = found(call, find.limit(limit).batch_size(batch_of(most))).await?;
    Ok(rows.into_iter().map(|row| row.person).collect())
}

async fn found(
    call: &mut Call<'_>,
    find: Find<'_, RawDocumentBuf>,
) -> Result<Vec<Row>, StoreError> {
    let mut found = Vec::new();
    let read = call.each(find, |document| {
        found.push(decode(document));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.into_iter().collect()
}

/// Rows that stay with a user, and have none any more. One that is seen or decided about
/// again meanwhile stays.
pub async fn sweep(call: &mut Call<'_>, horizon: Timestamp) -> Result<(), StoreError> {
    let over = doc! { "$lt": date(horizon) };
    loop {
        let ids = alone(call, &over).await.map_err(|error| store_error(&error))?;
        let swept = ids.len();
        if swept > 0 {
            let gone = doc! { "_id": { "$in": ids }, "staysWithUser": &over };
            let people = call.collection(PEOPLE);
            let deleted = people.delete_many(gone).session(call.session()).await;
            deleted.map_err(|error| store_error(&error))?;
        }
        if swept < MAX_PEOPLE {
            return Ok(());
        }
    }
}

async fn alone(call: &mut Call<'_>, over: &Document) -> mongodb::error::Result<Vec<String>> {
    let steps = [
        doc! { "$match": { "staysWithUser": over } },
        doc! { "$lookup": {
            "from": PEOPLE, "localField": "owner", "foreignField": "_id", "as": "users",
        } },
        doc! { "$match": { "users": [] } },
        doc! { "$limit": MAX_PEOPLE as i64 },
        doc! { "$project": { "_id": 1 } },
    ];
    let people = call.collection(PEOPLE);
    let mut cursor = people.aggregate(steps).session(call.session()).await?;
    let mut ids = Vec::new();
    while cursor.advance(call.session()).await? {
        ids.extend(cursor.current().get_str("_id").map(str::to_owned));
    }
    Ok(ids)
}

/// One answer of the server, with which it closes the cursor.
fn batch_of(documents: usize) -> u32 {
    u32::try_from(documents).unwrap_or(u32::MAX).min(i32::MAX as u32 - 1) + 1
}

/// Removes the rows of these ids; how many there were.
pub async fn remove(call: &mut Call<'_>, ids: &[&str]) -> Result<u64, StoreError> {
    call.delete(PEOPLE, doc! { "_id": { "$in": ids } }).await
}
