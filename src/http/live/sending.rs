//! A stream on its way to its reader: what it says, heartbeats, and its end.
//!
//! Nothing runs for a stream but the connection that it is sent on, which asks for the next
//! frame when the one before is on its way: so a reader that takes nothing holds one frame
//! and a position in the ring, until `stall` ends its connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::time::{Instant, sleep_until};

use super::super::state::Service;
use super::door::{Door, Standing};
use super::frames::{self, End};
use crate::live::instance::InstanceStream;
use crate::live::resume::ResumeId;
use crate::live::user::UserStream;
use crate::live::{Place, Said};

/// From one heartbeat to the next: proxies cut connections that are silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Heartbeats at which nobody could say whether the caller still may; then it is over.
const UNKNOWN_AT_MOST: u32 = 4;

/// Where a stream's events come from.
pub enum Source {
    /// The events of a user.
    User(Box<UserStream>),
    /// The events of this instance.
    Instance(InstanceStream),
}

impl Source {
    async fn next(&mut self) -> Vec<Said> {
        match self {
            Self::User(stream) => stream.next().await,
            Self::Instance(stream) => stream.next().await,
        }
    }

    fn id(&self) -> ResumeId {
        match self {
            Self::User(stream) => stream.id(),
            Self::Instance(stream) => stream.id(),
        }
    }

    fn beat(&mut self) {
        if let Self::User(stream) = self {
            stream.beat();
        }
    }
}

/// A stream and its caller.
pub struct Sending {
    service: Arc<Service>,
    source: Source,
    door: Door,
    hello: Option<Vec<u8>>,
    beat_at: Instant,
    unknown: u32,
    is_over: bool,
}

impl Sending {
    /// A stream that begins with `hello`.
    pub fn new(service: Arc<Service>, source: Source, door: Door, hello: Vec<u8>) -> Self {
        let beat_at = Instant::now() + HEARTBEAT;
        Self { service, source, door, hello: Some(hello), beat_at, unknown: 0, is_over: false }
    }

    /// Its frames, for as long as it has its place.
    pub fn frames(self, place: Place) -> impl Stream<Item = Result<Vec<u8>, Infallible>> {
        unfold((self, place), |(mut sending, place)| async move {
            let frame = sending.next().await?;
            Some((Ok(frame), (sending, place)))
        })
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        if self.is_over {
            return None;
        }
        if let Some(hello) = self.hello.take() {
            return Some(hello);
        }
        let service = Arc::clone(&self.service);
        Some(tokio::select! {
            biased;
            () = service.live.stopped() => self.end(End::Stopping),
            frame = self.frame() => frame,
        })
    }

    async fn frame(&mut self) -> Vec<u8> {
        let said = tokio::select! {
            biased;
            () = sleep_until(self.beat_at) => None,
            said = self.source.next() => Some(said),
        };
        let Some(said) = said else { return self.beat().await };
        let mut out = Vec::new();
        said.iter().for_each(|said| frames::say(said, &mut out));
        out
    }

    async fn beat(&mut self) -> Vec<u8> {
        let standing = self.door.standing(&self.service).await;
        self.beat_at = Instant::now() + HEARTBEAT;
        match standing {
            Standing::Good => self.unknown = 0,
            Standing::Over(end) => return self.end(end),
            Standing::Unknown => self.unknown += 1,
        }
        if self.unknown >= UNKNOWN_AT_MOST {
            return self.end(End::Unverified);
        }
        self.source.beat();
        frames::heartbeat(self.source.id())
    }

    fn end(&mut self, end: End) -> Vec<u8> {
        self.is_over = true;
        frames::end(end)
    }
}
