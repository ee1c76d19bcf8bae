//! What a processor answered, and what follows it.
//!
//! Pure. Whatever comes back, there is a verdict; an answer comes from the outside, so
//! nothing in it can fail.

mod retry_after;
mod text;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use trailkeep_event::json_writer::write_string;
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Payload, Timestamp};

/// Bytes of an answer's body that are looked at. A longer one is cut by the client to
/// one byte more, so that it is seen to be longer.
pub const MAX_BODY_BYTES: usize = 16 << 10;

/// How long an answer that names no time is taken to mean, and the least that one can
/// ask for: what costs no attempt must not be tried again at once for ever.
pub const LEAST_WAIT: Duration = Duration::from_secs(1);

/// The longest that an answer can ask for.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// The value of `webhook-delivery` by which a processor gives an event up.
const ABORT: &str = "abort-message";

/// What is kept of a success that says nothing.
const SUCCESS: &str = "Event processed successfully";

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The processor answered.
    Response(Response),
    /// It did not, or not to the end.
    Fault(Fault),
}

/// What is of interest in a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<Box<str>>,
    /// The header `webhook-delivery`.
    pub delivery: Option<Box<str>>,
    /// The body, or its first [`MAX_BODY_BYTES`] and one more.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing listens at the address.
    #[error("the connection was refused")]
    Refused,
    /// The host's name has no address.
    #[error("the name cannot be resolved: {0}")]
    Dns(Box<str>),
    /// The host cannot be reached.
    #[error("cannot connect: {0}")]
    Connect(Box<str>),
    /// There is no trusted, encrypted connection.
    #[error("no TLS connection: {0}")]
    Tls(Box<str>),
    /// The time was over before there was a connection.
    #[error("no connection within {}", text::seconds(*.0))]
    ConnectTimeout(Duration),
    /// The time was over before the answer was complete. The processor may be at work
    /// on the event still.
    #[error("no answer within {}", text::seconds(*.0))]
    Timeout(Duration),
    /// The connection ended before the answer was complete.
    #[error("the connection broke before the answer was complete: {0}")]
    Reset(Box<str>),
    /// What came is no answer of HTTP.
    #[error("the answer cannot be read: {0}")]
    Unreadable(Box<str>),
}

/// What follows an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The processor took the event.
    Done {
        /// What it answered.
        result: Payload,
    },
    /// The processor will never take the event.
    GiveUp {
        /// What it answered.
        error: Box<str>,
    },
    /// The processor wants no event of this user before that.
    UserWaits {
        /// The moment.
        until: Timestamp,
        /// What it answered.
        error: Box<str>,
    },
    /// The processor wants no event at all before that. No attempt.
    ProcessorWaits {
        /// The moment.
        until: Timestamp,
        /// What it answered.
        error: Box<str>,
    },
    /// An attempt that failed; there may be another.
    Failed {
        /// What it answered, or why it did not.
        error: Box<str>,
        /// Whose fault it may be.
        class: Class,
    },
}

impl Verdict {
    /// What the processor answered, or why it did not, where the event is not taken.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Done { .. } => None,
            Self::GiveUp { error }
            | Self::UserWaits { error, .. }
            | Self::ProcessorWaits { error, .. }
            | Self::Failed { error, .. } => Some(error),
        }
    }
}

/// What kind of failure it is: who counts attempts, and who decides that a processor is
/// away, tell these apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// 401, 403, 404, 405, 410 or a redirect: a wrong address or a wrong key, and not
    /// this event.
    Refused,
    /// There was no connection: refused, no such name, no TLS. Nothing was sent, so it
    /// cannot be this event.
    Unreachable,
    /// The connection broke: an event that kills its processor looks like this, and so
    /// do the events beside it.
    Reset,
    /// All else: errors, timeouts, answers that are none.
    Other,
}

impl Answer {
    /// The status, where there is one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Response(response) => Some(response.status),
            Self::Fault(_) => None,
        }
    }
}

/// What follows an answer that came at this moment.
pub fn classify(answer: &Answer, now: Timestamp) -> Verdict {
    let response = match answer {
        Answer::Response(response) => response,
        Answer::Fault(fault) => {
            let error = text::tidy(&fault.to_string());
            return Verdict::Failed { error, class: fault.class() };
        }
    };
    if matches!(response.status, 200..300) {
        return Verdict::Done { result: response.result() };
    }
    let error = text::tidy(&response.to_string());
    match response.status {
        _ if response.is_abort() => Verdict::GiveUp { error },
        400 | 413 | 415 | 422 => Verdict::GiveUp { error },
        429 => {
            let wait = response.wait(now).unwrap_or(LEAST_WAIT);
            Verdict::UserWaits { until: later(now, wait), error }
        }
        503 if let Some(wait) = response.wait(now) => {
            Verdict::ProcessorWaits { until: later(now, wait), error }
        }
        300..400 | 401 | 403 | 404 | 405 | 410 => Verdict::Failed { error, class: Class::Refused },
        _ => Verdict::Failed { error, class: Class::Other },
    }
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.plus_millis(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

impl Response {
    fn is_abort(&self) -> bool {
        self.delivery.as_deref().is_some_and(|value| value.trim().eq_ignore_ascii_case(ABORT))
    }

    /// How long it asks to wait, within what we do; `None` where it does not.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        let wait = retry_after::read(self.retry_after.as_deref()?, now)?;
        Some(wait.clamp(LEAST_WAIT, LONGEST_WAIT))
    }

    /// What is kept of a success: the object that it answered, else its text in one.
    fn result(&self) -> Payload {
        let whole = Some(&self.body).filter(|body| body.len() <= MAX_BODY_BYTES);
        let object = whole.and_then(|body| Payload::from_json(body, LIMITS).ok());
        object.unwrap_or_else(|| {
            let text = text::of_body(&self.body);
            message(if text.is_empty() { SUCCESS } else { &text })
        })
    }
}

const LIMITS: PayloadLimits =
    PayloadLimits { max_bytes: MAX_BODY_BYTES, max_depth: PayloadLimits::MAX_DEPTH };

fn message(text: &str) -> Payload {
    let mut object = br#"{"status":"success","message":"#.to_vec();
    write_string(text, &mut object);
    object.push(b'}');
    Payload::from_json(&object, LIMITS).unwrap_or_else(|_| Payload::empty())
}

/// `answered 500 Internal Server Error: what its body says`.
impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answered {}", self.status)?;
        let status = StatusCode::from_u16(self.status).ok();
        if let Some(reason) = status.and_then(|status| status.canonical_reason()) {
            write!(f, " {reason}")?;
        }
        match text::of_body(&self.body) {
            text if text.is_empty() => Ok(()),
            text => write!(f, ": {text}"),
        }
    }
}

impl Fault {
    /// Whose fault it may be.
    pub fn class(&self) -> Class {
        match self {
            Self::Refused
            | Self::Dns(_)
            | Self::Connect(_)
            | Self::Tls(_)
            | Self::ConnectTimeout(_) => Class::Unreachable,
            Self::Reset(_) => Class::Reset,
            Self::Timeout(_) | Self::Unreadable(_) => Class::Other,
        }
    }
}

#[cfg(test)]
mod tests;
