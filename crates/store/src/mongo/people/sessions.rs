//! The collection `userSessions`: whose the sessions of trackers are.
//!
//! A session's id is the `_id`. `receivedAt` is when its first event was received, as its
//! arrival tells, for the index that deletes it.

use std::collections::HashMap;

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{deserialize_from_slice, doc, rawdoc};
use serde::Deserialize;
use trailkeep_event::Arrival;

use super::documents::date;
use super::indexes::SESSIONS;
use crate::StoreError;
use crate::mongo::causal::Call;
use crate::mongo::errors::store_error;
use crate::mongo::insert::written;
use crate::people::SessionUser;

/// New sessions are inserted, as nearly all are: that costs the server a tenth of an
/// upsert. Those that are there are read, which costs as little, and one of them gives way
/// to one that comes before it by an upsert that finds what comes after it: where that finds
/// none, somebody was faster, and what is there comes first.
pub async fn note(call: &mut Call<'_>, sessions: &[SessionUser]) -> Result<(), StoreError> {
    let documents = sessions.iter().map(document).collect();
    let verdicts = call.insert(SESSIONS, documents).await?;
    let is_new = written(verdicts, SESSIONS)?;
    let known: Vec<&SessionUser> = sessions
        .iter()
        .zip(is_new)
        .filter_map(|(session, is_new)| (!is_new).then_some(session))
        .collect();
    if known.is_empty() {
        return Ok(());
    }
    let kept = read(call, &known).await?;
    let comes_first = |session: &&SessionUser| {
        let rank = |session: &SessionUser| (session.since, session.user_id.clone());
        kept.get(&session.session_id).is_none_or(|kept| rank(session) < rank(kept))
    };
    let first = known.into_iter().filter(comes_first);
    let statements: Vec<RawDocumentBuf> = first.map(statement).collect();
    if statements.is_empty() {
        return Ok(());
    }
    let verdicts = call.upsert(SESSIONS, statements).await?;
    written(verdicts, SESSIONS).map(drop)
}

/// Those that are kept under these ids.
async fn read(
    call: &mut Call<'_>,
    sessions: &[&SessionUser],
) -> Result<HashMap<Box<str>, SessionUser>, StoreError> {
    let ids: Vec<&str> = sessions.iter().map(|session| &*session.session_id).collect();
    let collection = call.collection(SESSIONS);
    let find = collection.find(doc! { "_id": { "$in": ids } });
    let mut found = Vec::with_capacity(sessions.len());
    let read = call.each(find, |document| {
        found.push(decode(document));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    let by_id = |session: SessionUser| (session.session_id.clone(), session);
    found.into_iter().map(|session| session.map(by_id)).collect()
}

pub fn document(session: &SessionUser) -> RawDocumentBuf {
    rawdoc! {
        "_id": &*session.session_id,
        "userId": &*session.user_id,
        "arrival": session.since.as_i64(),
        "receivedAt": date(session.since.moment()),
    }
}

fn statement(session: &SessionUser) -> RawDocumentBuf {
    let since = session.since.as_i64();
    let later = rawdoc! {
        "_id": &*session.session_id,
        "$or": [
            { "arrival": { "$gt": since } },
            { "arrival": since, "userId": { "$gt": &*session.user_id } },
        ],
    };
    rawdoc! { "q": later, "u": document(session), "upsert": true }
}

pub async fn find(
    call: &mut Call<'_>,
    session_id: &str,
) -> Result<Option<SessionUser>, StoreError> {
    let mut found = None;
    let sessions = call.collection(SESSIONS);
    let find = sessions.find(doc! { "_id": session_id }).limit(1);
    let read = call.each(find, |document| {
        found = Some(decode(document));
        false
    });
    read.await.map_err(|error| store_error(&error))?;
    found.transpose()
}

/// What of a document is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionDocument {
    #[serde(rename = "_id")]
    id: Box<str>,
    user_id: Box<str>,
    arrival: i64,
}

pub fn decode(document: &RawDocument) -> Result<SessionUser, StoreError> {
    let document: SessionDocument = deserialize_from_slice(document.as_bytes())
        .map_err(|fault| StoreError::Unreadable(format!("a document in {SESSIONS}: {fault}")))?;
    Ok(SessionUser {
        session_id: document.id,
        since: Arrival::from_i64(document.arrival),
        user_id: document.user_id,
    })
}

/// Removes sessions where they are this user's; how many there were.
pub async fn remove(
    call: &mut Call<'_>,
    sessions: &[&str],
    user_id: &str,
) -> Result<u64, StoreError> {
    call.delete(SESSIONS, doc! { "_id": { "$in": sessions }, "userId": user_id }).await
}
