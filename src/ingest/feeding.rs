//! What is stored, told to the processors: the step between the store's answer and the
//! journal's forgetting.
//!
//! - **Kept.** The journal forgets an event only once the feed of every processor that
//!   wants it has it. The feed is written after the event is stored, whatever way it
//!   came there, and before its low watermark goes on.
//! - *In order.* Events are handed over before their outcome reaches the queue, so
//!   those of a user come in the order of that queue; and the documents of this process
//!   are written one after the other (`trailkeep_delivery::feed`).
//!
//! Who is fed for is what the collection `processors` says, which every instance reads,
//! whether its own settings have processors or not. So a flush reads it first, and what
//! was stored before that read is fed for every name in it; only then does the journal
//! forget. While nobody is fed for, that happens once a second.

mod registry;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use trailkeep_delivery::feed::{self, Outlet};
use trailkeep_delivery::{Entry, Process};
use trailkeep_event::StoreId;
use trailkeep_journal::Mark;
use trailkeep_store::processing::{FeedDocument, ProcessingStore, Processor};
use trailkeep_store::{Store, StoreError};

use super::Ingest;
use super::feeder::{Fed, Handed};
use crate::backoff::Backoff;
pub use registry::{Before, OwnProcessor, Registry};

/// How long the journal remembers what is stored while nobody is fed for.
const UNFED_PACE: Duration = Duration::from_secs(1);

/// Unless so many events wait.
const UNFED_EVENTS: usize = 4_000;

/// After how many failures, one after the other, the log says so again.
const TELL_EVERY: u32 = 32;

/// What is told after events were fed: whose they are, to have them delivered soon.
pub type Listener = Box<dyn Fn(&[Fed]) + Send + Sync>;

/// What is fed, and who hears of it.
pub struct Feeding {
    /// The processors of this instance's settings.
    pub registry: Registry,
    /// Told when all instances know them.
    pub registered: CancellationToken,
    /// Told of what was fed.
    pub listener: Option<Listener>,
}

impl Feeding {
    /// Of an instance that has no processors of its own.
    pub fn of_others(ingest: &Ingest) -> Self {
        let now = ingest.clock.now();
        let registry = Registry { own: Vec::new(), since: ingest.next_arrival(), now };
        Self { registry, registered: CancellationToken::new(), listener: None }
    }
}

/// What one flush feeds.
#[derive(Default)]
struct Flush {
    /// As they were handed over: what is not moved together costs no copy.
    writes: Vec<Vec<Fed>>,
    /// How many they are.
    events: usize,
    room: Vec<OwnedSemaphorePermit>,
    settled: Option<Mark>,
    /// Whether its entries are in the outlets.
    is_spread: bool,
    is_last: bool,
}

impl Flush {
    fn add(&mut self, handed: Handed) {
        match handed {
            Handed::Events(events, room) => {
                self.events += events.len();
                self.writes.push(events);
                self.room.push(room);
            }
            Handed::Settled(mark) => {
                self.settled = Some(self.settled.map_or(mark, |settled| settled.later(mark)));
            }
            Handed::End => self.is_last = true,
        }
    }

    fn is_urgent(&self) -> bool {
        self.is_last || self.events >= UNFED_EVENTS
    }
}

/// Writes the feed.
pub struct FeedTask {
    ingest: Arc<Ingest>,
    handed: mpsc::UnboundedReceiver<Handed>,
    feeds: Arc<dyn ProcessingStore>,
    events: Arc<dyn Store>,
    listener: Option<Listener>,
    process: Process,
    outlets: HashMap<Box<str>, Outlet>,
    /// Whom it fed for last.
    names: Vec<Box<str>>,
    backoff: Backoff,
}

impl FeedTask {
    /// The one task that may write what is handed over. `None` where there is one.
    pub(super) fn new(
        ingest: &Arc<Ingest>,
        feeds: Arc<dyn ProcessingStore>,
        events: Arc<dyn Store>,
        listener: Option<Listener>,
    ) -> Option<Self> {
        let handed = ingest.feeder.receive()?;
        Some(Self {
            ingest: Arc::clone(ingest),
            handed,
            feeds,
            events,
            listener,
            process: Process(rand::random()),
            outlets: HashMap::new(),
            names: Vec::new(),
            backoff: Backoff::new(ingest.rules.backoff_min, ingest.rules.backoff_max),
        })
    }

    /// Feeds until the end is handed over. `registry` is added first, which is told by
    /// `registered`: the journal may forget nothing that its processors want.
    pub(super) async fn run(
        mut self,
        registry: Registry,
        registered: CancellationToken,
        mut prepared: watch::Receiver<bool>,
    ) {
        // Nothing is stored before that, so a stop leaves all to the next start.
        let mut flush = Flush::default();
        loop {
            tokio::select! {
                is_prepared = prepared.wait_for(|is_prepared| *is_prepared) => match is_prepared {
                    Ok(_) => break,
                    Err(_) => return,
                },
                handed = self.handed.recv() => match handed {
                    Some(Handed::End) | None => return,
                    Some(handed) => flush.add(handed),
                },
            }
        }
        while let Err(error) = registry.add(&*self.feeds).await {
            self.rest(&error).await;
        }
        registered.cancel();
        loop {
            let begun = Instant::now();
            while let Err(error) = self.feed(&mut flush).await {
                self.rest(&error).await;
            }
            self.backoff.reset();
            let is_last = flush.is_last;
            self.finish(flush);
            if is_last {
                return;
            }
            let pace = if self.names.is_empty() { UNFED_PACE } else { Duration::ZERO };
            let Some(next) = self.next(Some(begun + pace)).await else { return };
            flush = next;
        }
    }

    /// Waits for what is handed over, and not before that moment unless it is urgent.
    async fn next(&mut self, not_before: Option<Instant>) -> Option<Flush> {
        let mut flush = Flush::default();
        flush.add(self.handed.recv().await?);
        while let Ok(handed) = self.handed.try_recv() {
            flush.add(handed);
        }
        while let Some(moment) = not_before.filter(|_| !flush.is_urgent()) {
            tokio::select! {
                () = sleep_until(moment) => break,
                handed = self.handed.recv() => flush.add(handed?),
            }
        }
        Some(flush)
    }

    /// Feeds everything of a flush for everybody. May be tried again, and goes on where it
    /// ended.
    async fn feed(&mut self, flush: &mut Flush) -> Result<(), StoreError> {
        if !flush.is_spread {
            let processors = self.feeds.processors().await?;
            self.notice(&processors);
            if !processors.is_empty() {
                look_up(&*self.events, &mut flush.writes).await?;
            }
            for processor in &processors {
                let outlet = self.outlets.entry(processor.name.clone());
                let outlet = outlet.or_insert_with(|| Outlet::new(self.process));
                outlet.push(wanted(processor, &flush.writes));
            }
            flush.is_spread = true;
        }
        for (name, outlet) in &mut self.outlets {
            write(&*self.feeds, name, outlet).await?;
        }
        Ok(())
    }

    /// Numbers go past what a processor wants: so what this instance accepts from now on
    /// is wanted.
    fn notice(&mut self, processors: &[Processor]) {
        let names = processors.iter().map(|processor| &processor.name);
        if names.clone().eq(&self.names) {
            return;
        }
        self.names = names.cloned().collect();
        self.outlets.retain(|name, _| self.names.contains(name));
        if let Some(since) = processors.iter().filter_map(Processor::since).max() {
            self.ingest.arrivals.lock().advance_past(since);
        }
        info!(processors = self.names.join(","), "events are fed for these processors");
    }

    /// All of it is fed.
    fn finish(&self, flush: Flush) {
        if let Some(listener) = &self.listener {
            flush.writes.iter().for_each(|events| listener(events));
        }
        if let Some(mark) = flush.settled {
            self.ingest.journal.settled_before(mark);
        }
        self.ingest.health.feed_written();
    }

    async fn rest(&mut self, error: &StoreError) {
        let failures = self.ingest.health.feed_failed();
        let is_refused = matches!(error, StoreError::Denied(_));
        if failures % TELL_EVERY == 1 {
            if is_refused {
                error!(%error, "the database refuses the feed of processors; what is stored stays \
                                in the journal until a person mends that");
            } else {
                warn!(%error, "the feed of processors cannot be written; trying again");
            }
        }
        sleep(self.backoff.pause()).await;
    }
}

/// Feeds events that came into the store on another way than by a writer. Their order
/// among others of their users is that of their numbers.
pub async fn feed_directly(
    feeds: &dyn ProcessingStore,
    store: &dyn Store,
    events: Vec<Fed>,
) -> Result<(), StoreError> {
    let processors = feeds.processors().await?;
    if processors.is_empty() {
        return Ok(());
    }
    let mut events = [events];
    look_up(store, &mut events).await?;
    for processor in &processors {
        let mut outlet = Outlet::new(Process(rand::random()));
        outlet.push(wanted(processor, &events));
        write(feeds, &processor.name, &mut outlet).await?;
    }
    Ok(())
}

/// Writes all that waits in an outlet.
async fn write(
    feeds: &dyn ProcessingStore,
    name: &str,
    outlet: &mut Outlet,
) -> Result<(), StoreError> {
    while let Some((id, entries)) = outlet.document() {
        let document = FeedDocument { id, entries: feed::encode(entries) };
        feeds.append(name, &document).await?;
        outlet.acknowledged();
    }
    Ok(())
}

/// Finds the numbers under which duplicates are stored.
async fn look_up(store: &dyn Store, writes: &mut [Vec<Fed>]) -> Result<(), StoreError> {
    let unknown = writes.iter().flatten().filter(|fed| fed.stored_as.is_none());
    let ids: Vec<StoreId> = unknown.map(|fed| fed.accepted.event.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let stored = store.arrivals(&ids).await?;
    for fed in writes.iter_mut().flatten().filter(|fed| fed.stored_as.is_none()) {
        fed.stored_as = stored.get(&fed.accepted.event.id).copied();
    }
    Ok(())
}

/// What a processor wants of these. An event that was found stored, and is gone since, is
/// nobody's any more.
fn wanted<'a>(
    processor: &'a Processor,
    writes: &'a [Vec<Fed>],
) -> impl Iterator<Item = Entry> + 'a {
    writes.iter().flatten().filter_map(|fed| {
        let (event, arrival) = (&fed.accepted.event, fed.stored_as?);
        let is_wanted = processor.wanted.wants(&event.kind, arrival);
        is_wanted.then(|| Entry { user: processor.key_of(&event.user_id), id: event.id, arrival })
    })
}
