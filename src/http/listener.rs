//! Where connections come in: at an address of a network, and at the control socket.

use std::io;

use axum::http::{HeaderName, HeaderValue};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tracing::debug;

use super::peer::Peer;

/// Connections that may wait in the kernel to be accepted, if the system allows as
/// many. One for which there is no place is tried again after a second.
const BACKLOG: i32 = 4096;

/// Bytes that wait in the kernel to be sent. A connection can be written to again
/// once half of them are gone, so this also says how little a reader must take in
/// that time; without it, it would be a third of a buffer of some megabytes.
const UNSENT: u32 = 64 << 10;

/// Says, by the control socket alone, where the service keeps its data: so a command
/// whose settings name another database does nothing to this one.
pub const STORE: HeaderName = HeaderName::from_static("x-trailkeep-store");

/// Accepts connections, and knows who is at their other end.
pub trait Listener: Send + Sync + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Sets what its connections have from it.
    fn prepare(&self);

    /// The next connection.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;

    /// What [`STORE`] says in its answers.
    fn store(&self) -> Option<HeaderValue> {
        None
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    fn prepare(&self) {
        let socket = SockRef::from(self);
        let prepared = socket.set_tcp_notsent_lowat(UNSENT).and_then(|()| socket.listen(BACKLOG));
        if let Err(error) = prepared {
            debug!(%error, "the listener keeps its defaults");
        }
    }

    async fn next(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, peer) = self.accept().await?;
        // Answers are small and written at once: waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "cannot set TCP_NODELAY");
        }
        Ok((stream, Peer::At(peer.ip())))
    }
}

/// The control socket.
pub struct ControlListener {
    /// Which only the user that runs the service can open.
    pub socket: UnixListener,
    /// Where the service keeps its data.
    pub store: Option<HeaderValue>,
}

impl Listener for ControlListener {
    type Stream = UnixStream;

    fn prepare(&self) {}

    async fn next(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = self.socket.accept().await?;
        Ok((stream, Peer::Shell))
    }

    fn store(&self) -> Option<HeaderValue> {
        self.store.clone()
    }
}
