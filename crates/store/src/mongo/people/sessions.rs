//! The collection `userSessions`: whose the sessions of trackers are.
//!
//! A session's id is the `_id`. `receivedAt` is when its first event was received, as its
//! arrival tells, for the index that deletes it.

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{deserialize_from_slice, doc, rawdoc};
use serde::Deserialize;
use trailkeep_event::Arrival;

use super::documents::date;
use super::indexes::SESSIONS;
use crate::mongo::causal::Call;
use crate::mongo::errors::store_error;
use crate::people::SessionUser;
use crate::{Outcome, StoreError};

/// Each is an upsert that finds what comes after it. Where it does not, and there is one,
/// that comes before it, or came at the same moment: so it is tried once more.
pub async fn note(call: &mut Call<'_>, sessions: &[SessionUser]) -> Result<(), StoreError> {
    let mut left: Vec<&SessionUser> = sessions.iter().collect();
    for _ in 0..2 {
        if left.is_empty() {
            break;
        }
        let statements = left.iter().copied().map(statement).collect();
        let verdicts = call.upsert(SESSIONS, statements).await?;
        let mut tried = left.iter();
        let mut others = Vec::new();
        for verdict in verdicts {
            let session = tried.next();
            match verdict {
                Outcome::Stored => {}
                Outcome::Duplicate => others.extend(session),
                Outcome::Refused(refusal) => return Err(StoreError::Denied(refusal.to_string())),
                Outcome::Retry => {
                    let fault = "a session was not noted this time".to_owned();
                    return Err(StoreError::Unavailable(fault));
                }
            }
        }
        left = others;
    }
    Ok(())
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
    let document = rawdoc! {
        "_id": &*session.session_id,
        "userId": &*session.user_id,
        "arrival": since,
        "receivedAt": date(session.since.moment()),
    };
    rawdoc! { "q": later, "u": document, "upsert": true }
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

fn decode(document: &RawDocument) -> Result<SessionUser, StoreError> {
    let document: SessionDocument = deserialize_from_slice(document.as_bytes())
        .map_err(|fault| StoreError::Unreadable(format!("a document in {SESSIONS}: {fault}")))?;
    Ok(SessionUser {
        session_id: document.id,
        since: Arrival::from_i64(document.arrival),
        user_id: document.user_id,
    })
}
