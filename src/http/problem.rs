//! Errors as they are answered: RFC 9457 problem details.
//!
//! `type` names the kind of problem and is made to be switched on; `detail` is
//! for the person who reads it. A 5xx says nothing of what is inside. All kinds are
//! in one table, `kinds`.

pub mod answers;
mod kinds;
mod live;
mod people;
mod processors;
mod refusals;
pub mod sdks;
mod settings;
mod shares;
mod summaries;
mod write_keys;

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use trailkeep_event::fault::MAX_LISTED;
use trailkeep_event::wire::Refusal;
use trailkeep_event::{Fault, Faults};
use trailkeep_store::StoreError;
use utoipa::ToSchema;

use crate::ingest::room::Amount;
use kinds::Kind;

/// The media type of every error.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error, with the status under which it is answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:trailkeep:problem:invalid-events",
    "title": "Invalid events",
    "status": 400,
    "detail": "1 fault in the events of this request; none of them was taken.",
    "errors": [{"index": 0, "field": "userId", "message": "is missing"}]
}))]
pub struct Problem {
    /// Names the kind of problem.
    #[serde(rename = "type", serialize_with = "as_urn")]
    #[schema(value_type = String)]
    kind: &'static str,
    /// The kind of problem in words.
    title: &'static str,
    /// The HTTP status.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// What happened this time.
    detail: Cow<'static, str>,
    /// What is wrong with the input: the first 100 faults.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FaultBody>, required = false)]
    errors: Box<[FaultBody]>,
    /// The ids of events that were accepted all the same.
    #[serde(rename = "eventIds", skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    event_ids: Box<[Box<str>]>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One thing that is wrong with the input.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaultBody {
    /// Which event of the request, from 0; left out where it is none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// The field or parameter; empty where the whole value is at fault.
    field: String,
    /// What is wrong and what would be right.
    message: Cow<'static, str>,
}

fn as_urn<S: serde::Serializer>(kind: &&'static str, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&format_args!("urn:trailkeep:problem:{kind}"))
}

fn as_number<S: serde::Serializer>(status: &StatusCode, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u16(status.as_u16())
}

impl Problem {
    /// The end of the `type` under which faults of events are told.
    pub const KIND_OF_EVENTS: &'static str = kinds::INVALID_EVENTS.name;

    fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        let headers = kind.headers.iter();
        let headers = headers
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Self {
            kind: kind.name,
            title: kind.title,
            status: kind.status,
            detail: detail.into(),
            errors: Box::default(),
            event_ids: Box::default(),
            headers: headers.collect(),
        }
    }

    /// Names what is wrong with the input.
    fn with_errors(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.errors = faults.into_iter().take(MAX_LISTED).map(FaultBody::from).collect();
        self
    }

    /// The end of its `type`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The status under which it is answered.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What happened this time.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong with the input: fields and messages.
    pub fn faults(&self) -> impl Iterator<Item = (&str, &Cow<'static, str>)> {
        self.errors.iter().map(|fault| (fault.field.as_str(), &fault.message))
    }

    /// Where a body that is not JSON stops being it.
    pub fn syntax_error(&self) -> Option<&str> {
        let is_syntax = self.kind == kinds::INVALID_JSON.name;
        let (_, place) = self.detail.rsplit_once(" at ").filter(|_| is_syntax)?;
        Some(place.trim_end_matches('.'))
    }

    /// Also ends the connection: the rest of the request is not read.
    pub fn closing(mut self) -> Self {
        self.headers.push((header::CONNECTION, HeaderValue::from_static("close")));
        self
    }

    /// 404: no such route.
    pub fn not_found() -> Self {
        let detail = "There is no such route; /api-docs lists all of them.";
        Self::new(kinds::NOT_FOUND, detail)
    }

    /// 404: a journey was asked for around an event that it does not have.
    pub fn unknown_event() -> Self {
        let detail = "No event of this journey has the eventId that \"around\" names. One that \
                      was just accepted may lie in the journal alone, beyond the backlog's head.";
        Self::new(kinds::UNKNOWN_EVENT, detail)
    }

    /// 405: the route has other methods. The router adds `Allow`.
    pub fn method_not_allowed() -> Self {
        let detail = "This route does not take this method; the Allow header lists what it takes.";
        Self::new(kinds::METHOD_NOT_ALLOWED, detail)
    }

    /// 408: the body did not come to its end in time.
    pub fn body_timeout() -> Self {
        let detail = "The body did not arrive in time; nothing of it was taken.";
        Self::new(kinds::BODY_TIMEOUT, detail)
    }

    /// 400: the body broke off, or its encoding is damaged.
    pub fn broken_body(reason: &str) -> Self {
        let detail = format!("The body cannot be read to its end: {reason}.");
        Self::new(kinds::BROKEN_BODY, detail)
    }

    /// 413: too many bytes after decompression.
    pub fn body_too_large(limit: usize) -> Self {
        let detail = format!("The body is larger than {limit} bytes; send it in parts.");
        Self::new(kinds::TOO_LARGE, detail)
    }

    /// 415: a media type that is not taken.
    pub fn unsupported_media_type() -> Self {
        let detail = "Send application/json, text/plain with JSON, or application/x-ndjson.";
        Self::new(kinds::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 415: an encoding that is not taken.
    pub fn unsupported_encoding() -> Self {
        let detail = "Send the body as it is, or encoded once with gzip, deflate, br or zstd.";
        Self::new(kinds::UNSUPPORTED_ENCODING, detail)
    }

    /// 503: others hold the memory that bodies may take.
    pub fn too_many_bodies() -> Self {
        let detail = "Too many bodies are being read; nothing of this request was taken. Send it \
                      again later.";
        Self::new(kinds::TOO_MANY_BODIES, detail)
    }

    /// 503: the backlog has no room for the batch.
    pub fn buffer_full() -> Self {
        let detail = "Too many events wait for the database; nothing of this request was taken. \
                      Send it again later.";
        Self::new(kinds::BUFFER_FULL, detail)
    }

    /// 413: the batch alone is larger than the backlog.
    pub fn batch_too_large(limit: Amount) -> Self {
        let detail = format!(
            "This request has more than the {} events or {} bytes that may wait for the database in \
             all; send it in parts.",
            limit.events, limit.bytes
        );
        Self::new(kinds::TOO_LARGE, detail)
    }

    /// 503: the journal cannot be written.
    pub fn not_written() -> Self {
        let detail = "Events cannot be written to disk at the moment, so nothing of this request \
                      was taken. Send it again later.";
        Self::new(kinds::NOT_WRITTEN, detail)
    }

    /// 504: accepted, and not stored within the time that clients may wait.
    pub fn not_stored_in_time(event_ids: Vec<Box<str>>) -> Self {
        let detail = "The events are accepted and will be stored; the database takes longer than \
                      this request may wait.";
        Self { event_ids: event_ids.into(), ..Self::new(kinds::NOT_STORED_IN_TIME, detail) }
    }

    /// 504: accepted, and damaged on the disk.
    pub fn lost(event_ids: Vec<Box<str>>) -> Self {
        let detail = "The events were accepted, but the disk has damaged them before they were \
                      stored. Send them again.";
        Self { event_ids: event_ids.into(), ..Self::new(kinds::NOT_ALL_STORED, detail) }
    }

    /// 504: accepted, and refused by the database.
    pub fn not_all_stored(refused: usize, event_ids: Vec<Box<str>>) -> Self {
        let detail = format!(
            "The events were accepted, but the database refuses {refused} of them for good. They \
             are kept as dead letters, from which an administrator can have them stored."
        );
        Self { event_ids: event_ids.into(), ..Self::new(kinds::NOT_ALL_STORED, detail) }
    }

    /// 400: parameters of a query or a path are out of their rules.
    pub fn invalid_parameters(faults: Vec<Fault>) -> Self {
        let detail = "One or more parameters are out of their rules.";
        Self::new(kinds::INVALID_PARAMETERS, detail).with_errors(faults)
    }

    /// 500: a defect of ours.
    pub fn internal() -> Self {
        let detail = "This is a defect of the service; its log has it under this request's id.";
        Self::new(kinds::INTERNAL, detail)
    }

    fn invalid_events(faults: &Faults) -> Self {
        let total = faults.total();
        let noun = if total == 1 { "fault" } else { "faults" };
        let mut detail =
            format!("{total} {noun} in the events of this request; none of them was taken.");
        if total > faults.listed().len() {
            detail.push_str(" The first 100 are listed.");
        }
        let faults = faults.listed().iter().cloned();
        Self::new(kinds::INVALID_EVENTS, detail).with_errors(faults)
    }
}

impl From<Fault> for FaultBody {
    fn from(fault: Fault) -> Self {
        Self { index: fault.index, field: fault.field, message: fault.message }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Syntax { message, line, column } => Self::new(
                kinds::INVALID_JSON,
                format!("The body is not JSON: {message} at line {line}, column {column}."),
            ),
            Refusal::TooMany { limit } => Self::new(
                kinds::TOO_MANY_EVENTS,
                format!("A request may hold at most {limit} events; send them in parts."),
            ),
            Refusal::Faulty { faults, .. } => Self::invalid_events(&faults),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Denied(_) => {
                tracing::warn!(%error, "a read failed");
                let detail = "The database cannot be reached at the moment; try again.";
                Self::new(kinds::DATABASE_UNAVAILABLE, detail)
            }
            StoreError::Unreadable(_) | StoreError::Refused(_) => {
                tracing::error!(%error, "a read failed");
                Self::internal()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let headers = std::mem::take(&mut self.headers);
        let mut response = (self.status, Json(self)).into_response();
        let media_type = HeaderValue::from_static(MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response.headers_mut().extend(headers);
        response
    }
}
