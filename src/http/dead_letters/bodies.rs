//! What is answered about dead letters.

use serde::Serialize;
use serde_json::value::RawValue;
use trailkeep_store::dead_letters::LetterHead;
use utoipa::ToSchema;

use crate::dead_letters::RetriedAll;

/// An event that was refused, without its payload.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
pub struct LetterBody {
    /// The event's `_id` in the database, had it been stored.
    #[schema(format = Uuid)]
    id: String,
    user_id: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymous_id: Option<Box<str>>,
    event_id: Box<str>,
    r#type: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<Box<str>>,
    #[schema(format = DateTime)]
    occurred_at: String,
    #[schema(format = DateTime)]
    received_at: String,
    /// `too_large`, `validation`, `unique_index` or `unknown`.
    reason: &'static str,
    /// The database's own words.
    error: String,
    /// When it was set aside.
    #[schema(format = DateTime)]
    set_aside_at: String,
    /// When it was last tried.
    #[schema(format = DateTime)]
    tried_at: String,
    /// How often it was refused.
    tries: u32,
}

impl From<LetterHead> for LetterBody {
    fn from(head: LetterHead) -> Self {
        Self {
            id: head.id.to_string(),
            user_id: head.user_id,
            event_id: head.event_id,
            r#type: head.kind,
            anonymous_id: head.anonymous_id,
            session_id: head.session_id,
            account_id: head.account_id,
            occurred_at: head.occurred_at.to_string(),
            received_at: head.received_at.to_string(),
            reason: head.refusal.reason.word(),
            error: head.refusal.error,
            set_aside_at: head.set_aside_at.to_string(),
            tried_at: head.tried_at.to_string(),
            tries: head.tries,
        }
    }
}

/// An event that was refused, whole.
#[derive(Serialize, ToSchema)]
#[schema(as = WholeDeadLetter, example = json!({
    "id": "0193c9a0-7b1c-8d9e-8f4a-2b6c1d0e9f88", "userId": "test123", "eventId": "evt_001",
    "type": "page_view", "occurredAt": "2025-12-15T10:30:00.000Z",
    "receivedAt": "2025-12-15T10:30:00.120Z", "reason": "validation",
    "error": "Document failed validation (code 121)",
    "setAsideAt": "2025-12-15T10:30:01.000Z", "triedAt": "2025-12-15T10:30:01.000Z",
    "tries": 1, "payload": {"path": "/pricing"}
}))]
pub struct WholeLetterBody {
    #[serde(flatten)]
    pub(super) head: LetterBody,
    /// What the tracker sent with it.
    #[schema(value_type = Object)]
    pub(super) payload: Box<RawValue>,
}

/// A page of dead letters.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetters, example = json!({
    "deadLetters": [{
        "id": "0193c9a0-7b1c-8d9e-8f4a-2b6c1d0e9f88", "userId": "test123", "eventId": "evt_001",
        "type": "page_view", "occurredAt": "2025-12-15T10:30:00.000Z",
        "receivedAt": "2025-12-15T10:30:00.120Z", "reason": "validation",
        "error": "Document failed validation (code 121)",
        "setAsideAt": "2025-12-15T10:30:01.000Z", "triedAt": "2025-12-15T10:30:01.000Z",
        "tries": 1
    }],
    "nextCursor": null
}))]
pub struct LettersBody {
    /// Newest first, without their payloads.
    pub(super) dead_letters: Vec<LetterBody>,
    /// Hand it back as `cursor` for the next page; null on the last one.
    #[schema(required)]
    pub(super) next_cursor: Option<String>,
}

/// What became of an event that was tried again.
#[derive(Serialize, ToSchema)]
#[schema(as = RetriedDeadLetter, example = json!({"outcome": "stored"}))]
pub struct RetriedBody {
    /// `stored`, or `duplicate`: it had been stored meanwhile.
    pub(super) outcome: &'static str,
}

/// What became of all that were tried again.
#[derive(Serialize, ToSchema)]
#[schema(as = RetriedDeadLetters, example = json!({"stored": 12, "duplicates": 0, "refused": 1}))]
pub struct RetriedAllBody {
    /// Stored.
    stored: u64,
    /// Stored meanwhile by another request.
    duplicates: u64,
    /// Refused again; their letters stay.
    refused: u64,
}

impl From<RetriedAll> for RetriedAllBody {
    fn from(retried: RetriedAll) -> Self {
        let RetriedAll { stored, duplicates, refused } = retried;
        Self { stored, duplicates, refused }
    }
}

/// How many were dropped.
#[derive(Serialize, ToSchema)]
#[schema(as = DroppedDeadLetters, example = json!({"dropped": 13}))]
pub struct DroppedBody {
    pub(super) dropped: u64,
}
