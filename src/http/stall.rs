//! Ends connections of clients that have stopped to read.
//!
//! An export may run for hours, as long as its reader takes it. Of one that has
//! gone, or that only holds on, no byte is taken any more, and then its
//! connection, with all that waits to be written to it, would stay for good.
//!
//! A stop waits for answers that are on their way. A [stream](OfAStream) that nobody reads
//! is on its way nowhere, and is cut a moment after a stop has begun.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long the reader of a stream may take to take its end.
const AT_STOP: Duration = Duration::from_secs(1);

/// Put into an answer that only ends with the service or with its reader.
#[derive(Debug, Clone, Copy)]
pub struct OfAStream;

/// Notes that a stream is sent on a connection.
#[derive(Debug, Clone)]
pub struct Mark(Arc<AtomicBool>);

impl Mark {
    /// It is, from now on.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How long the reader of a connection may take nothing.
#[derive(Debug, Clone)]
pub struct Patience {
    limit: Duration,
    /// Whether a stream is sent on the connection.
    is_stream: Arc<AtomicBool>,
    /// After which a stream's reader has little time.
    stop: CancellationToken,
}

impl Patience {
    /// With a reader that may take nothing for so long.
    pub fn new(limit: Duration, stop: CancellationToken) -> Self {
        Self { limit, is_stream: Arc::default(), stop }
    }

    /// What notes that a stream is sent.
    pub fn mark(&self) -> Mark {
        Mark(Arc::clone(&self.is_stream))
    }

    /// Returns when it has come to its end.
    async fn end(self) {
        let limit = sleep(self.limit);
        if !self.is_stream.load(Ordering::Relaxed) {
            return limit.await;
        }
        let stopped = async {
            self.stop.cancelled().await;
            sleep(AT_STOP).await;
        };
        tokio::select! {
            () = limit => {}
            () = stopped => {}
        }
    }
}

/// A stream on which a write fails once the other side has taken nothing for a
/// while.
pub struct Stall<S> {
    stream: S,
    patience: Patience,
    /// Runs while something waits to be written.
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<S> Stall<S> {
    /// The stream, with the time for which its reader may take nothing.
    pub fn new(stream: S, patience: Patience) -> Self {
        Self { stream, patience, waiting: None }
    }

    /// What has become of a write: one that is taken stops the clock.
    fn watch(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = &self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(patience.clone().end()));
        match waiting.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                let reason = "the client has stopped to read";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, reason)))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stall<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stall<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watch(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, bytes);
        this.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
