//! Connections, of whichever [listener](super::listener): accepted until a stop begins,
//! then finished.
//!
//! Our own loop rather than `axum::serve`, because a client must not be able
//! to hold a connection by sending its head slowly, the number of connections
//! has a limit, and a stop has a deadline.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::HeaderValue;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tower_http::normalize_path::NormalizePath;
use tracing::{debug, info, warn};

use super::listener::{Listener, STORE};
use super::peer::Peer;
use super::stall::{OfAStream, Patience, Stall};
use super::terms::InForce;

/// Bytes of a connection's buffer, which also limits a request's head: with more,
/// heads that are sent by halves would hold what bodies may not.
pub const BUFFER: usize = 16 << 10;

/// For how long a client may take no byte of what is written to it.
const STALL: Duration = Duration::from_secs(15);

/// Limits of connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Connections served at once; further ones wait to be accepted.
    pub max_connections: usize,
    /// How long requests in flight have to finish once a stop has begun.
    pub grace: Duration,
}

/// Serves until `stop` is cancelled, then finishes what is in flight. Each request is given
/// the terms that are in force as its head is there.
pub async fn serve<L: Listener>(
    listener: L,
    router: NormalizePath<Router>,
    limits: ConnectionLimits,
    in_force: Arc<InForce>,
    stop: CancellationToken,
) {
    listener.prepare();
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.max_connections));
    loop {
        let (stream, peer, permit) = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = stop.cancelled() => break,
        };
        let patience = Patience::new(STALL, stop.clone());
        let of_all = OfAll { peer, store: listener.store(), in_force: Arc::clone(&in_force) };
        let connection = connection(stream, of_all, router.clone(), patience);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    info!(connections = graceful.count(), "no new connections; finishing requests in flight");
    if timeout(limits.grace, graceful.shutdown()).await.is_err() {
        warn!("some requests did not finish in time; their connections are cut");
    }
}

/// The next connection, once there is room for one.
async fn accept<L: Listener>(
    listener: &L,
    room: &Arc<Semaphore>,
) -> (L::Stream, Peer, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let permit = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match listener.next().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) => refused(&error).await,
        }
    }
}

/// A client that went away again is nothing; running out of file descriptors
/// passes, and until then trying without a pause would only burn CPU.
async fn refused(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        warn!(%error, "cannot accept a connection");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What all requests of a connection are given, and their answers.
struct OfAll {
    peer: Peer,
    store: Option<HeaderValue>,
    in_force: Arc<InForce>,
}

fn connection<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: S,
    of_all: OfAll,
    router: NormalizePath<Router>,
    patience: Patience,
) -> impl GracefulConnection<Error = hyper::Error> {
    let OfAll { peer, store, in_force } = of_all;
    let mark = patience.mark();
    let header_timeout = in_force.terms().receive_timeout;
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(in_force.terms());
        let answer = router.clone().oneshot(request);
        let (store, mark) = (store.clone(), mark.clone());
        async move {
            let mut answer = answer.await?;
            if answer.extensions().get::<OfAStream>().is_some() {
                mark.set();
            }
            if let Some(store) = store {
                answer.headers_mut().insert(STORE, store);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Stall::new(stream, patience)), service)
}
