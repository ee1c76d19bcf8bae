//! One connection: a request at a time, and what is read of its answer.

use std::error::Error as _;
use std::future::{self, Future};
use std::io;
use std::iter::successors;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::RETRY_AFTER;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout, timeout_at};

use super::socket::Socket;
use crate::processing::answer::{Fault, MAX_BODY_BYTES, Response};

/// Bytes of a connection's buffer, which also limits an answer's head.
const BUFFER: usize = 16 << 10;

/// How long a connection may take after an answer until it is ready for another
/// request. Nearly always it is at once; not where a processor answers before it has
/// read the request, and such a connection is not worth waiting for.
const SETTLING: Duration = Duration::from_millis(50);

/// When an attempt ends, and how long it had.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    pub deadline: Instant,
    pub whole: Duration,
}

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection between two requests.
pub struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// Reads and writes, while somebody polls it.
    driver: Driver,
    socket: Socket,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// No byte of the request left: it can be sent over another connection.
    Unsent,
    Fault(Fault),
}

/// A connection that takes another request, and for how long the other side says that
/// it keeps it.
pub type Kept = (Connection, Option<Duration>);

impl Connection {
    /// Speaks HTTP over a stream that ends in this socket.
    pub async fn start(
        socket: Socket,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Self, Fault> {
        let started = Builder::new().max_buf_size(BUFFER).handshake(TokioIo::new(stream)).await;
        let (requests, driver) = started.map_err(|error| Fault::Connect(told(&error)))?;
        Ok(Self { requests, driver: Box::pin(driver), socket })
    }

    /// Whether nothing came since the last answer, its end included.
    pub fn is_quiet(&self) -> bool {
        !self.requests.is_closed() && self.socket.is_quiet()
    }

    /// Sends a request, reads its answer, and gives the connection back where it can be
    /// used again.
    pub async fn exchange(
        mut self,
        request: Request<Full<Bytes>>,
        limit: Limit,
    ) -> Result<(Response, Option<Kept>), Failure> {
        let requests = &mut self.requests;
        let work = async {
            let answered = timeout_at(limit.deadline, answer(requests, request)).await;
            let late = |_| Failure::Fault(Fault::Timeout(limit.whole));
            let (response, keep) = answered.map_err(late)??;
            let is_whole = response.body.len() <= MAX_BODY_BYTES;
            let is_ready =
                is_whole && matches!(timeout(SETTLING, requests.ready()).await, Ok(Ok(())));
            Ok::<_, Failure>((response, keep, is_ready))
        };
        let (response, keep, is_ready) = driven(&mut self.driver, work).await?;
        Ok((response, is_ready.then_some((self, keep))))
    }

    #[cfg(test)]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }
}

/// Does the work while the connection is driven, which may end before the work has
/// taken all that came.
async fn driven<T>(driver: &mut Driver, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        // What ended it is told to whoever waits for the answer; the rest, when it is
        // dropped.
        _ = &mut *driver => *driver = Box::pin(future::ready(Ok(()))),
    }
    work.await
}

async fn answer(
    requests: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(Response, Option<Duration>), Failure> {
    let answered = requests.try_send_request(request).await;
    let (head, body) = answered
        .map_err(|mut error| match error.take_message() {
            Some(_) => Failure::Unsent,
            None => Failure::Fault(fault(&error.into_error())),
        })?
        .into_parts();
    let text = |name: &str| head.headers.get(name)?.to_str().ok().map(Box::from);
    let response = Response {
        status: head.status.as_u16(),
        retry_after: text(RETRY_AFTER.as_str()),
        delivery: text("webhook-delivery"),
        body: start_of(body).await.map_err(|error| Failure::Fault(fault(&error)))?,
    };
    Ok((response, keep_alive(&head.headers)))
}

/// The body; of a long one what is looked at, and a byte more.
async fn start_of(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let mut start = BytesMut::new();
    while start.len() <= MAX_BODY_BYTES
        && let Some(frame) = body.frame().await
    {
        if let Ok(data) = frame?.into_data() {
            let room = MAX_BODY_BYTES + 1 - start.len();
            start.extend_from_slice(&data[..data.len().min(room)]);
        }
    }
    Ok(start.freeze())
}

/// How long the other side keeps the connection, by the header `Keep-Alive`.
fn keep_alive(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("keep-alive")?.to_str().ok()?;
    let mut parameters = value.split(',').filter_map(|parameter| parameter.trim().split_once('='));
    let (_, seconds) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("timeout"))?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

fn fault(error: &hyper::Error) -> Fault {
    let mut causes = successors(error.source(), |&cause| cause.source());
    let io = causes.find_map(|cause| cause.downcast_ref::<io::Error>());
    if io.and_then(io::Error::get_ref).is_some_and(|inner| inner.is::<rustls::Error>()) {
        return Fault::Tls(told(error));
    }
    // Bodies in chunks that are none.
    let is_garbage = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
    };
    if error.is_parse() || io.is_some_and(is_garbage) {
        return Fault::Unreadable(told(error));
    }
    Fault::Reset(told(error))
}

/// What is at the bottom of an error.
fn told(error: &hyper::Error) -> Box<str> {
    let causes = successors(error.source(), |&cause| cause.source());
    causes.last().map_or_else(|| error.to_string(), ToString::to_string).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_server_may_say_how_long_it_keeps_a_connection() {
        for (value, seconds) in [
            ("timeout=5", Some(5)),
            ("Timeout=72, max=100", Some(72)),
            ("max=5,timeout = 9", None),
            ("max=5, timeout=9", Some(9)),
            ("timeout", None),
            ("timeout=soon", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("keep-alive", value.parse().unwrap());
            assert_eq!(keep_alive(&headers), seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(keep_alive(&HeaderMap::new()), None);
    }
}
