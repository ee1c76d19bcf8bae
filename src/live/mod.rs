//! Accepted events as they come: of one user, or of this instance.
//!
//! A stream reads the [ring](crate::ingest::recent) of the events that were accepted last,
//! at its own pace and from a position of its own: nothing is queued for it. What it has
//! missed it is told of as a [gap](What::Gap); whoever hears that reads the journey again.
//!
//! **Never a hole untold.** Every event that comes into the ring while a stream of its
//! user runs is shown once, in the order of arrival, or a gap is told.
//!
//! - [`user`]: the events of a user and of the ids that are linked to it, also those that
//!   came in elsewhere, once they are stored.
//! - [`instance`]: all events that this instance accepts, 50 a second at the most.
//! - [`resume`]: where a stream goes on that broke.
//!
//! How a stream is sent, and who may have one, is `http`'s to say.

pub mod instance;
pub mod resume;
mod seen;
pub mod user;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prometheus::IntGauge;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use trailkeep_event::time::Clock;
use trailkeep_store::{MAX_READ_BYTES, Store, StoredEvent};

use crate::ingest::Ingest;
use crate::ingest::recent::{FOR_A_PLACE, Found, MOST};
use crate::ingest::room::Amount;
use crate::journeys::linked::Links;
use crate::monitoring::statistics::Statistics;
use resume::ResumeId;

/// From one look at the ring to the next, where events come all the time: sooner than
/// people see, and rare enough that many streams cost little.
const PACE: Duration = Duration::from_millis(100);

/// What a stream takes out of the ring at once.
const AT_ONCE: Amount = Amount { events: 200, bytes: 32 << 10 };

/// Streams that ask the store at one time; the others wait.
const ASKING_AT_ONCE: usize = 4;

/// Bytes that a stream takes, beside a payload of the largest: what it took out of the ring
/// or of the store, as events and as text, whose events it has, and which it has shown.
const FOR_A_STREAM: usize = 448 << 10;

/// How often a payload is held on its way: as it is stored, as text, and in a frame.
const COPIES: usize = 4;

/// Bytes that so many streams take, payloads being that large: the ring included.
pub fn bound(max_streams: usize, max_payload_bytes: usize) -> usize {
    if max_streams == 0 {
        return 0;
    }
    let ring = MOST.bytes + MOST.events * FOR_A_PLACE;
    let asking = ASKING_AT_ONCE.min(max_streams) * MAX_READ_BYTES;
    ring + asking + max_streams * (FOR_A_STREAM + COPIES * max_payload_bytes)
}

/// What streams are made of.
pub struct Parts {
    /// Whose events come.
    pub ingest: Arc<Ingest>,
    /// Where events are that came in elsewhere.
    pub store: Arc<dyn Store>,
    /// Whose ids are whose.
    pub links: Links,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where streams are counted.
    pub statistics: Arc<Statistics>,
    /// Ends all of them.
    pub stop: CancellationToken,
}

/// All streams of an instance.
pub struct Live {
    ingest: Arc<Ingest>,
    store: Arc<dyn Store>,
    links: Links,
    clock: Arc<dyn Clock>,
    open: Arc<Open>,
    asking: Arc<Semaphore>,
    /// Tells the positions of processes apart.
    process: u64,
    stop: CancellationToken,
}

/// Why there is no place for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// Others have all of them.
    Taken {
        /// How many there are.
        max_streams: usize,
    },
    /// There are none.
    SwitchedOff,
}

/// Streams that are open, counted.
struct Open {
    count: AtomicUsize,
    /// The same for whoever watches the instance.
    told: IntGauge,
}

/// A place among the streams, given back when it is dropped.
pub struct Place(Arc<Open>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
        self.0.told.dec();
    }
}

impl Live {
    /// No stream yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { ingest, store, links, clock, statistics, stop } = parts;
        Arc::new(Self {
            ingest,
            store,
            links,
            clock,
            open: Arc::new(Open { count: AtomicUsize::new(0), told: statistics.streams.clone() }),
            asking: Arc::new(Semaphore::new(ASKING_AT_ONCE)),
            process: resume::new_process(),
            stop,
        })
    }

    /// A place for one more stream, where so many may be open at once; none for 0.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn place(&self, max_streams: usize) -> Result<Place, NoPlace> {
        if max_streams == 0 {
            return Err(NoPlace::SwitchedOff);
        }
        let one_more = |open| (open < max_streams).then_some(open + 1);
        match self.open.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => {
                self.open.told.inc();
                Ok(Place(Arc::clone(&self.open)))
            }
            Err(_) => Err(NoPlace::Taken { max_streams }),
        }
    }

    /// Streams that are open.
    pub fn open(&self) -> usize {
        self.open.count.load(Ordering::Relaxed)
    }

    /// Returns when all streams are to end.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// The name of the process, as the ids of its streams begin.
    pub fn process(&self) -> String {
        format!("{:016x}", self.process)
    }

    fn resume_id(&self, position: u64) -> ResumeId {
        ResumeId { process: self.process, position, at: self.clock.now() }
    }

    /// Says what was found in the ring, each with the position behind it.
    fn shows(&self, found: &[Found]) -> Vec<Said> {
        let said = found.iter().map(|(position, accepted)| Said {
            id: self.resume_id(*position),
            what: What::Event(Box::new(StoredEvent::from(&**accepted))),
        });
        said.collect()
    }
}

/// What a stream says, and where one goes on who has heard it.
#[derive(Debug)]
pub struct Said {
    /// Where to go on.
    pub id: ResumeId,
    /// What it says.
    pub what: What,
}

/// What a stream says.
#[derive(Debug)]
pub enum What {
    /// An event.
    Event(Box<StoredEvent>),
    /// Events may be missing.
    Gap(Gap),
    /// So many events are not shown.
    Skipped(u64),
}

/// Why events may be missing: whoever hears it reads the journey again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// The reader is slower than events come, or came back too late.
    Behind,
    /// The id to go on from is of another process, or was never given.
    UnknownId,
    /// Events may have come in by other instances meanwhile.
    Elsewhere,
    /// Other ids are linked to the user now.
    Linked,
}

impl Gap {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::UnknownId => "unknown-id",
            Self::Elsewhere => "elsewhere",
            Self::Linked => "linked",
        }
    }
}

#[cfg(test)]
mod tests;
