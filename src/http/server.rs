//! Connections: accepted until a stop begins, then finished.
//!
//! Our own loop rather than `axum::serve`, because a client must not be able
//! to hold a connection by sending its head slowly, the number of connections
//! has a limit, and a stop has a deadline.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tower_http::normalize_path::NormalizePath;
use tracing::{debug, info, warn};

use super::guard::Peer;
use super::stall::Stall;

/// Bytes of a connection's buffer, which also limits a request's head: with more,
/// heads that are sent by halves would hold what bodies may not.
pub const BUFFER: usize = 16 << 10;

/// For how long a client may take no byte of what is written to it.
const STALL: Duration = Duration::from_secs(15);

/// Connections that may wait in the kernel to be accepted, if the system allows as
/// many. One for which there is no place is tried again after a second.
const BACKLOG: i32 = 4096;

/// Bytes that wait in the kernel to be sent. A connection can be written to again
/// once half of them are gone, so this also says how little a reader must take in
/// that time; without it, it would be a third of a buffer of some megabytes.
const UNSENT: u32 = 64 << 10;

/// Limits of connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Connections served at once; further ones wait to be accepted.
    pub max_connections: usize,
    /// How long a client may take to send a request's head.
    pub header_timeout: Duration,
    /// How long requests in flight have to finish once a stop has begun.
    pub grace: Duration,
}

/// Serves until `stop` is cancelled, then finishes what is in flight.
pub async fn serve(
    listener: TcpListener,
    router: NormalizePath<Router>,
    limits: ConnectionLimits,
    stop: CancellationToken,
) {
    prepare(&listener);
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.max_connections));
    loop {
        let (stream, peer, permit) = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = stop.cancelled() => break,
        };
        let connection = connection(stream, Peer(peer), router.clone(), limits.header_timeout);
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

/// What connections have from their listener, and how many may wait for it.
fn prepare(listener: &TcpListener) {
    let socket = SockRef::from(listener);
    let prepared = socket.set_tcp_notsent_lowat(UNSENT).and_then(|()| socket.listen(BACKLOG));
    if let Err(error) = prepared {
        debug!(%error, "the listener keeps its defaults");
    }
}

/// The next connection, once there is room for one.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, IpAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let permit = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer.ip(), permit),
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

fn connection(
    stream: TcpStream,
    peer: Peer,
    router: NormalizePath<Router>,
    header_timeout: Duration,
) -> impl GracefulConnection<Error = hyper::Error> {
    // Answers are small and written at once: waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot set TCP_NODELAY");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Stall::new(stream, STALL)), service)
}
