//! Through a running service: at an address, as a tracker would send them, or by the
//! control socket of its data folder.
//!
//! No TLS: the service itself has none, and sample data is sent to it from
//! nearby.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use indicatif::HumanCount;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::time::timeout;

use super::error::SeedError;
use super::run::{NotTaken, Run, Taker};
use crate::cli::control::Control;
use crate::seed::Sample;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long an answer may take; larger than any that the service gives itself.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Bytes of an answer that are read: the ids of the events, or a problem.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The pause after an answer that names none.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that a service is believed to mean.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// A service, and how it is reached.
pub struct Service {
    way: Way,
    write_key: Option<HeaderValue>,
    accepted: AtomicU64,
    repeated: AtomicU64,
    trouble: Mutex<Option<String>>,
}

enum Way {
    Network { client: Client<HttpConnector, Full<Bytes>>, events: Uri },
    Socket(Control),
}

/// Where the service at an address takes events.
fn events_of(url: &str) -> Result<Uri, SeedError> {
    let wrong = || SeedError::Address(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let authority = uri.authority().ok_or_else(wrong)?;
    let is_plain = uri.scheme_str() == Some("http") && uri.query().is_none();
    if !is_plain || authority.host().is_empty() || authority.as_str().contains('@') {
        return Err(wrong());
    }
    let base = uri.path().trim_end_matches('/');
    let base = base.strip_suffix("/events").unwrap_or(base);
    let events = format!("http://{authority}{base}/events");
    events.parse().map_err(|_| wrong())
}

impl Service {
    /// The service at this address.
    pub fn at(url: &str, write_key: Option<&str>) -> Result<Self, SeedError> {
        let events = events_of(url)?;
        let write_key = write_key.map(HeaderValue::from_str).transpose();
        let mut write_key = write_key.map_err(|_| SeedError::WriteKey)?;
        if let Some(key) = &mut write_key {
            key.set_sensitive(true);
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        // A request is one write: there is nothing to wait for.
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self::by(Way::Network { client, events }, write_key))
    }

    /// The service that has the data folder. No write key is asked for there.
    pub fn of_folder(control: Control) -> Self {
        Self::by(Way::Socket(control), None)
    }

    fn by(way: Way, write_key: Option<HeaderValue>) -> Self {
        Self {
            way,
            write_key,
            accepted: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            trouble: Mutex::new(None),
        }
    }

    /// Sends all events of the run, so many requests at once.
    pub async fn work(&self, run: &Run, in_flight: usize) -> Result<(), String> {
        let senders = (0..in_flight).map(|_| run.feed(self));
        try_join_all(senders).await.map(drop)
    }

    async fn post(&self, body: Bytes) -> Result<Answer, String> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = &self.write_key {
            headers.insert("x-write-key", key.clone());
        }
        let (head, body) = match &self.way {
            Way::Network { client, events } => {
                *request.uri_mut() = events.clone();
                let response = client.request(request).await;
                let response = response.map_err(|error| unreachable(events, &error))?;
                let (head, body) = response.into_parts();
                // Read to the end, so that the connection can be used again.
                let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
                let body =
                    body.map_err(|error| format!("the service's answer broke off: {error}"))?;
                (head, body.to_bytes())
            }
            Way::Socket(control) => {
                *request.uri_mut() = Uri::from_static("/events");
                let response = control.send(request).await;
                response.map_err(|error| error.to_string())?.into_parts()
            }
        };
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// The request is to be sent again, for this reason.
    fn again(&self, reason: String, pause: Duration) -> NotTaken {
        self.repeated.fetch_add(1, Ordering::Relaxed);
        *self.trouble.lock() = Some(reason);
        NotTaken::Now(pause)
    }
}

fn unreachable(events: &Uri, error: &(dyn Error + 'static)) -> String {
    let deepest = std::iter::successors(Some(error), |&error| error.source()).last();
    let deepest = deepest.unwrap_or(error);
    format!("cannot reach {events}: {deepest}")
}

fn body_of(batch: &[Sample]) -> Bytes {
    const USUAL_EVENT_BYTES: usize = 400;
    let mut body = Vec::with_capacity(batch.len() * USUAL_EVENT_BYTES);
    for (position, sample) in batch.iter().enumerate() {
        body.push(if position == 0 { b'[' } else { b',' });
        sample.write_json(&mut body);
    }
    body.push(b']');
    body.into()
}

impl Taker for Service {
    async fn offer(&self, batch: &[Sample]) -> Result<(), NotTaken> {
        let answer = timeout(ANSWER_LIMIT, self.post(body_of(batch))).await;
        let answer = match answer {
            Ok(Ok(answer)) => answer,
            // It may be the wrong address.
            Ok(Err(reason)) if self.settled() == 0 => return Err(NotTaken::Ever(reason)),
            Ok(Err(reason)) => return Err(self.again(reason, USUAL_PAUSE)),
            Err(_) => {
                let reason = "the service does not answer in time".to_owned();
                return Err(self.again(reason, USUAL_PAUSE));
            }
        };
        match answer.verdict() {
            Ok(()) => {
                self.accepted.fetch_add(batch.len() as u64, Ordering::Relaxed);
                *self.trouble.lock() = None;
                Ok(())
            }
            Err(NotTaken::Now(pause)) => Err(self.again(answer.described(), pause)),
            Err(ever) => Err(ever),
        }
    }

    fn settled(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    fn told(&self) -> (String, bool) {
        let mut text = format!("{} accepted", HumanCount(self.settled()));
        let repeated = self.repeated.load(Ordering::Relaxed);
        if repeated > 0 {
            text.push_str(&format!(", {} requests were sent again", HumanCount(repeated)));
        }
        (text, true)
    }
}

/// What the service said.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// What is of interest in a problem.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

impl Answer {
    fn verdict(&self) -> Result<(), NotTaken> {
        let hint = match self.status {
            StatusCode::ACCEPTED => return Ok(()),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(NotTaken::Now(self.pause()));
            }
            StatusCode::PAYLOAD_TOO_LARGE => "; a smaller --batch may do",
            StatusCode::UNAUTHORIZED => {
                "; name a write key in TRAILKEEP_WRITE_KEY or with --write-key"
            }
            _ => "",
        };
        Err(NotTaken::Ever(format!("{}{hint}", self.described())))
    }

    fn pause(&self) -> Duration {
        let named = self.headers.get(RETRY_AFTER);
        named
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map_or(USUAL_PAUSE, Duration::from_secs)
            .min(MAX_PAUSE)
    }

    fn described(&self) -> String {
        let problem = serde_json::from_slice::<Problem>(&self.body);
        let detail = problem.map_or_else(|_| String::new(), |problem| problem.detail);
        let detail = detail.trim_end_matches('.');
        let separator = if detail.is_empty() { "" } else { ": " };
        format!("the service answers {}{separator}{detail}", self.status)
    }
}

#[cfg(test)]
mod tests;
