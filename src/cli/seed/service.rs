//! Through a running service, as a tracker would send them.
//!
//! HTTP/1.1 over plain TCP, on `hyper`, which serves us anyway: one connection
//! for each request in flight, kept between requests. No TLS: the service
//! itself has none, and sample data is sent to it from nearby.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::delivery::{Destination, Trouble};
use super::tally::Tally;
use crate::seed::Sample;

/// Events that a service takes in one request, unless it is configured
/// otherwise.
pub const USUAL_BATCH: usize = 1_000;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long an answer may take; larger than any that the service gives itself.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Bytes of an answer that are read: the ids of the events, or a problem.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The pause after a 503 or a 429 that names none.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that a service is believed to mean.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Why a service cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("--via-http takes the address of a service, such as http://localhost:3000, not {0:?}")]
    Address(String),
    #[error(
        "--via-http speaks plain HTTP alone, not {0}; run this beside the service, past the proxy \
         that speaks HTTPS"
    )]
    Scheme(String),
    #[error("the write key holds characters that no write key has")]
    WriteKey,
    #[error("{0}")]
    Unreachable(String),
}

impl ServiceError {
    /// Whether another command line would help, and nothing else.
    pub fn is_of_arguments(&self) -> bool {
        !matches!(self, Self::Unreachable(_))
    }
}

type Connection = SendRequest<Full<Bytes>>;

/// A service, reached by its address.
pub struct Service {
    address: Address,
    write_key: Option<HeaderValue>,
    /// Connections without a request.
    idle: Mutex<Vec<Connection>>,
}

/// Where a service listens.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    host: String,
    port: u16,
    /// What the `Host` header says.
    authority: HeaderValue,
    /// The path of the events.
    path: String,
}

impl Address {
    fn parse(url: &str) -> Result<Self, ServiceError> {
        let wrong = || ServiceError::Address(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some(other) => return Err(ServiceError::Scheme(other.to_owned())),
            None => return Err(wrong()),
        }
        let authority = uri.authority().ok_or_else(wrong)?;
        let host = authority.host().trim_matches(['[', ']']);
        if host.is_empty() || authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong());
        }
        let base = uri.path().trim_end_matches('/');
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| wrong())?,
            path: format!("{}/events", base.strip_suffix("/events").unwrap_or(base)),
        })
    }
}

impl Service {
    /// The service at this address.
    ///
    /// # Errors
    ///
    /// If the address or the key is none, or nothing listens there.
    pub async fn reach(url: &str, write_key: Option<&str>) -> Result<Self, ServiceError> {
        let write_key = write_key.map(|key| {
            let mut value = HeaderValue::from_str(key).map_err(|_| ServiceError::WriteKey)?;
            value.set_sensitive(true);
            Ok(value)
        });
        let service = Self {
            address: Address::parse(url)?,
            write_key: write_key.transpose()?,
            idle: Mutex::default(),
        };
        let connection = service.connect().await;
        let connection = connection.map_err(ServiceError::Unreachable)?;
        service.idle.lock().push(connection);
        Ok(service)
    }

    async fn connect(&self) -> Result<Connection, String> {
        let Address { host, port, .. } = &self.address;
        let failed = |reason: String| format!("cannot reach {host} on port {port}: {reason}");
        let connecting = TcpStream::connect((host.as_str(), *port));
        let stream = timeout(CONNECT_LIMIT, connecting)
            .await
            .map_err(|_| failed("no answer".to_owned()))?
            .map_err(|error| failed(error.to_string()))?;
        // A request is one write: there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let (connection, carrier) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(error.to_string()))?;
        // Its end is told to whoever sends the next request.
        tokio::spawn(carrier);
        Ok(connection)
    }

    /// A connection that is open as far as is known.
    async fn connection(&self) -> Result<Connection, String> {
        loop {
            let idle = self.idle.lock().pop();
            let Some(mut connection) = idle else {
                return self.connect().await;
            };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        // A path that was part of a URI is one again.
        *request.uri_mut() = self.address.path.parse().unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(HOST, self.address.authority.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = &self.write_key {
            headers.insert("x-write-key", key.clone());
        }
        request
    }

    async fn post(&self, body: Bytes) -> Result<Answer, String> {
        let mut connection = self.connection().await?;
        let response = connection.send_request(self.request(body));
        let answer = Answer::read(response.await.map_err(|error| broken(&error))?).await?;
        self.idle.lock().push(connection);
        Ok(answer)
    }
}

fn broken(error: &hyper::Error) -> String {
    format!("the connection to the service broke: {error}")
}

/// Events as the body of a request.
pub struct Batch {
    body: Bytes,
    events: usize,
}

#[async_trait]
impl Destination for Service {
    type Batch = Batch;

    fn pack(&self, samples: &[Sample]) -> Batch {
        const USUAL_EVENT_BYTES: usize = 400;
        let mut body = Vec::with_capacity(samples.len() * USUAL_EVENT_BYTES);
        for (position, sample) in samples.iter().enumerate() {
            body.push(if position == 0 { b'[' } else { b',' });
            sample.write_json(&mut body);
        }
        body.push(b']');
        Batch {
            body: body.into(),
            events: samples.len(),
        }
    }

    fn left(batch: &Batch) -> usize {
        batch.events
    }

    async fn write(&self, batch: &mut Batch, tally: &mut Tally) -> Result<(), Trouble> {
        let answer = timeout(ANSWER_LIMIT, self.post(batch.body.clone()))
            .await
            .map_err(|_| {
                let seconds = ANSWER_LIMIT.as_secs();
                Trouble::Outage(format!("the service does not answer within {seconds} s"))
            })?
            .map_err(Trouble::Outage)?;
        answer.verdict()?;
        tally.accepted += batch.events as u64;
        Ok(())
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
    /// Read to the end, so that the connection can be used again.
    async fn read(response: Response<Incoming>) -> Result<Self, String> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES)
            .collect()
            .await
            .map_err(|error| format!("the service's answer broke off: {error}"))?
            .to_bytes();
        Ok(Self {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    fn verdict(&self) -> Result<(), Trouble> {
        match self.status {
            StatusCode::ACCEPTED => Ok(()),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                Err(Trouble::Busy(self.pause()))
            }
            status if status.is_server_error() => {
                Err(Trouble::Outage(format!("the service answers {status}")))
            }
            StatusCode::PAYLOAD_TOO_LARGE => Err(Trouble::Refusal(format!(
                "{}; a smaller --batch may do",
                self.described()
            ))),
            StatusCode::UNAUTHORIZED => Err(Trouble::Refusal(format!(
                "{}; name a write key in {} or with --write-key",
                self.described(),
                super::WRITE_KEY
            ))),
            _ => Err(Trouble::Refusal(self.described())),
        }
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
