//! What a processor is sent for one event: its body and its headers.
//!
//! Pure: the same event, run, attempt and time give the same bytes.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use trailkeep_event::{StoreId, Timestamp};
use trailkeep_store::{JsonKeys, StoredEvent, WrongName};

use super::signature::{self, Secret};

/// The event's identity: the same at each attempt, and what a processor remembers.
pub const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
/// When this attempt was made, in seconds since the epoch.
pub const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// One signature for each secret; absent without secrets.
pub const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// The identity once more, by the name under which frameworks look for it.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Which attempt of this run it is, from 1.
pub const ATTEMPT: HeaderName = HeaderName::from_static("trailkeep-attempt");

const AGENT: &str = concat!("trailkeep/", env!("CARGO_PKG_VERSION"));

/// Headers that are ours, or say how a request lies in its connection: no setting may
/// have them.
const OURS: [&str; 17] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "trailkeep-attempt",
    "transfer-encoding",
    "upgrade",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// What of a processor's requests is for its owner to say. Not `Debug`: headers hold keys.
#[derive(Clone)]
pub struct FormSettings {
    /// What the field is called that has the user's id.
    pub user_field: String,
    /// What the field is called that has the payload.
    pub payload_field: String,
    /// What the field is called that has the time at which the event happened.
    pub time_field: String,
    /// Headers that each request has besides ours.
    pub headers: Vec<(String, String)>,
    /// Secrets that requests are signed with.
    pub secrets: Vec<Secret>,
}

impl Default for FormSettings {
    /// An event as a journey shows it, not signed.
    fn default() -> Self {
        Self {
            user_field: "userId".to_owned(),
            payload_field: "payload".to_owned(),
            time_field: "occurredAt".to_owned(),
            headers: Vec::new(),
            secrets: Vec::new(),
        }
    }
}

/// Why requests cannot have the form that was asked for. No value of a header is
/// repeated: many are keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A field's name cannot be used.
    #[error("the field name {0:?} {1}")]
    Field(String, WrongName),
    /// A header has no name of a header.
    #[error("{0:?} is no name of a header")]
    HeaderName(String),
    /// A header's value has characters that none has.
    #[error("the value of the header {0:?} has characters that no header may have")]
    HeaderValue(String),
    /// A header is one of ours.
    #[error("the header {0:?} is set by the service itself")]
    OurHeader(String),
    /// A header is there twice.
    #[error("the header {0:?} is given twice")]
    Repeated(String),
}

/// How events become requests for one processor.
#[derive(Debug)]
pub struct Form {
    keys: JsonKeys,
    /// What is the same in each request.
    headers: HeaderMap,
    secrets: Vec<Secret>,
}

/// One attempt at one event.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// All but those that the connection needs.
    pub headers: HeaderMap,
    /// The event as JSON.
    pub body: Bytes,
}

impl Form {
    /// Checks what was asked for.
    pub fn new(settings: &FormSettings) -> Result<Self, FormError> {
        let FormSettings { user_field, payload_field, time_field, headers, secrets } = settings;
        let keys = JsonKeys::named(user_field, payload_field, time_field)
            .map_err(|(name, why)| FormError::Field(name.to_owned(), why))?;
        Ok(Self { keys, headers: fixed_headers(headers)?, secrets: secrets.clone() })
    }

    /// The request of an event. `run` is how often the event was asked for again after
    /// it was done, as its outcome has it: 0 at first. Attempts are counted from 1 in
    /// each run.
    pub fn delivery(
        &self,
        event: &StoredEvent,
        run: u32,
        attempt: u32,
        now: Timestamp,
    ) -> Delivery {
        let mut body = Vec::with_capacity(event.bytes());
        event.write_json(&self.keys, &mut body);
        let id = webhook_id(event.id, run);
        let seconds = now.as_millis().div_euclid(1_000);
        let mut headers = self.headers.clone();
        if let Some(signature) = signature::sign(&self.secrets, &id, seconds, &body) {
            headers.insert(WEBHOOK_SIGNATURE, value(&signature));
        }
        headers.insert(IDEMPOTENCY_KEY, value(&id));
        headers.insert(WEBHOOK_ID, value(&id));
        headers.insert(WEBHOOK_TIMESTAMP, seconds.into());
        headers.insert(ATTEMPT, attempt.into());
        Delivery { headers, body: body.into() }
    }
}

/// A processor that remembers ids would not act on an event that it has had, and a
/// replay is meant to be acted on: from the second run on the id tells which it is.
fn webhook_id(id: StoreId, run: u32) -> String {
    match run {
        0 => id.to_string(),
        _ => format!("{id}.{}", u64::from(run) + 1),
    }
}

fn fixed_headers(configured: &[(String, String)]) -> Result<HeaderMap, FormError> {
    let mut headers = HeaderMap::new();
    for (name, text) in configured {
        let lower =
            HeaderName::try_from(name.as_str()).map_err(|_| FormError::HeaderName(name.clone()))?;
        if OURS.contains(&lower.as_str()) {
            return Err(FormError::OurHeader(name.clone()));
        }
        let mut value = HeaderValue::try_from(text.as_str())
            .map_err(|_| FormError::HeaderValue(name.clone()))?;
        value.set_sensitive(true);
        if headers.insert(lower, value).is_some() {
            return Err(FormError::Repeated(name.clone()));
        }
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
    Ok(headers)
}

/// An id or a signature: both are letters that any header takes.
fn value(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests;
