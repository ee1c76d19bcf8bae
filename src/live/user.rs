//! The events of one user, and of the ids that are linked to it.
//!
//! What this instance accepts is read from the ring. What comes in elsewhere is stored
//! before it is known here: so the newest events of the store are asked for every two
//! seconds, and those shown that are neither in the ring nor were there before. One whose
//! `occurredAt` is older than that of many others is not among the newest, and not shown.
//!
//! Whose ids are whose is looked up again when an event names an id that is new beside
//! one of these, or one of these beside another user, and at every heartbeat. Where that
//! has changed a gap is told: the journey has other events now. Nothing is read from the
//! ring meanwhile, for a second at the most.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;
use trailkeep_event::{Accepted, KnownAs, StoreId};
use trailkeep_store::{Id, JourneyPart, JourneyRange, Order, StoreError, StoredEvent};

use super::resume::ResumeId;
use super::seen::Seen;
use super::{AT_ONCE, Gap, Live, PACE, Said, What};
use crate::ingest::recent::{Kept, Look, Reader};

/// From one question to the store to the next.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// The newest events that are asked for, beside as many as were shown of late.
const NEWEST: usize = 20;

/// As many are asked for where none of those was there before: a user who does more than
/// that between two questions is a program, and its stream has gaps.
const MORE_OF_THE_NEWEST: usize = 1000;

/// Bytes of stored events that are shown at once; of more the newest are.
const SHOWN_AT_ONCE: usize = 128 << 10;

/// How long after its receipt an event may come to be stored, and so be found, where
/// the database takes events: it is doubtful for so long whether it was shown.
const DOUBTFUL_MS: i64 = 60_000;

/// For how long the ring is not read while ids are looked up, and how long it takes until
/// that is done again.
const LOOKUP: Duration = Duration::from_secs(1);

/// The newest of the store, and the right to ask for them.
type Newest = (JourneyPart, Option<OwnedSemaphorePermit>);
type Asking = Pin<Box<dyn Future<Output = Result<Newest, StoreError>> + Send>>;

/// The events of a user.
pub struct UserStream {
    live: Arc<Live>,
    user_id: Box<str>,
    ids: Ids,
    reader: Reader,
    seen: Seen,
    /// What is said first.
    first: Option<Gap>,
    read_at: Option<Instant>,
    /// Whether all was read when it was read last.
    is_at_end: bool,
    /// When ids are to be looked up again.
    look_up_at: Option<Instant>,
    looked_up_at: Instant,
    ask_at: Instant,
    /// Events of the ring that were shown since the store was asked last, and between the
    /// two times before that: as many may have come to be stored.
    shown: [usize; 2],
    asking: Option<(usize, Asking)>,
}

/// Whose events are shown.
struct Ids {
    ids: Vec<Id>,
    hashes: Vec<u64>,
    linked_to: Option<Box<str>>,
}

impl Ids {
    fn new(ids: Vec<Id>, linked_to: Option<Box<str>>, reader: &Reader) -> Self {
        let hashes = ids.iter().map(|id| reader.hash(&id.id)).collect();
        Self { ids, hashes, linked_to }
    }

    fn has(&self, id: &str) -> bool {
        self.ids.iter().any(|one| one.id == id)
    }

    fn hold(&self, accepted: &Accepted) -> bool {
        self.ids.iter().any(|id| id.holds(&accepted.event.user_id, accepted.arrival))
    }

    /// Whether the event may change which ids these are: it names one of them, and
    /// another beside it.
    fn may_change_by(&self, accepted: &Accepted) -> bool {
        let KnownAs::Both { anonymous_id } = accepted.event.known_as() else { return false };
        self.has(&accepted.event.user_id) != self.has(anonymous_id)
    }
}

impl Live {
    /// A stream of a user's events, from now on or from where another one broke.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub async fn of_user(
        self: &Arc<Self>,
        user_id: &str,
        resumes: Option<&str>,
    ) -> Result<UserStream, StoreError> {
        let mut reader = self.ingest.recent().reader();
        let back = resumes.map(|text| self.go_back(&mut reader, text));
        let circle = self.links.of(user_id).await?;
        let ids = Ids::new(circle.ids(), circle.linked_to(), &reader);
        let limit = if back.is_some() { MORE_OF_THE_NEWEST } else { NEWEST };
        let (newest, _permit) = self.ask(ids.ids.clone(), limit).await?;
        let mut seen = Seen::default();
        seen.newest_are(&newest);
        let now = Instant::now();
        let mut stream = UserStream {
            live: Arc::clone(self),
            user_id: user_id.into(),
            ids,
            reader,
            seen,
            first: None,
            read_at: None,
            is_at_end: true,
            look_up_at: None,
            looked_up_at: now,
            ask_at: now + ASK_EVERY,
            shown: [0; 2],
            asking: None,
        };
        stream.first = match back {
            None => None,
            Some(Err(gap)) => Some(gap),
            Some(Ok(id)) => stream.is_doubtful(id, &newest).then_some(Gap::Elsewhere),
        };
        Ok(stream)
    }

    /// The newest stored events of these ids.
    fn ask(
        &self,
        ids: Vec<Id>,
        limit: usize,
    ) -> impl Future<Output = Result<Newest, StoreError>> + Send + use<> {
        let (store, asking) = (Arc::clone(&self.store), Arc::clone(&self.asking));
        async move {
            // The semaphore is never closed.
            let permit = asking.acquire_owned().await.ok();
            let range = JourneyRange::whole(ids, Order::Descending);
            Ok((store.journey(&range, limit).await?, permit))
        }
    }
}

impl UserStream {
    /// Where to go on from here.
    pub fn id(&self) -> ResumeId {
        self.live.resume_id(self.reader.position())
    }

    /// The user whose the id is, where that is another.
    pub fn linked_to(&self) -> Option<&str> {
        self.ids.linked_to.as_deref()
    }

    /// A heartbeat: ids may have been linked where no event of theirs came by.
    pub fn beat(&mut self) {
        self.look_up_soon();
    }

    /// What is to be said next, once there is something. Nothing is lost where it is not
    /// waited for to the end.
    pub async fn next(&mut self) -> Vec<Said> {
        if let Some(gap) = self.first.take() {
            return vec![self.says(What::Gap(gap))];
        }
        loop {
            if self.look_up_at.is_some_and(|at| at <= Instant::now()) && self.look_up().await {
                return vec![self.says(What::Gap(Gap::Linked))];
            }
            if self.is_due() {
                let said = self.read();
                if !said.is_empty() {
                    return said;
                }
            }
            let said = self.wait().await;
            if !said.is_empty() {
                return said;
            }
        }
    }

    /// Whether the ring is to be looked at now.
    fn is_due(&self) -> bool {
        !self.is_at_end || self.read_at.is_none_or(|at| at.elapsed() >= PACE)
    }

    /// Waits until there is something to do; or says what the store has.
    async fn wait(&mut self) -> Vec<Said> {
        if self.asking.is_none() && self.ask_at <= Instant::now() {
            let limit = self.newest_to_ask_for();
            let asking = self.live.ask(self.ids.ids.clone(), limit);
            self.asking = Some((limit, Box::pin(asking)));
        }
        let (read_at, ask_at, is_asking) = (self.read_at, self.ask_at, self.asking.is_some());
        let news = async {
            self.reader.news().await;
            if let Some(at) = read_at {
                sleep_until(at + PACE).await;
            }
        };
        let asked = async {
            match &mut self.asking {
                Some((limit, asking)) => (*limit, asking.await),
                None => std::future::pending().await,
            }
        };
        let timer = async {
            match self.look_up_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            (limit, newest) = asked => self.asked(limit, newest),
            () = news => Vec::new(),
            () = timer => Vec::new(),
            () = sleep_until(ask_at), if !is_asking => Vec::new(),
        }
    }

    /// Reads the ring.
    fn read(&mut self) -> Vec<Said> {
        self.read_at = Some(Instant::now());
        let ids = &self.ids;
        let mut may_change = false;
        let found = self.reader.read(AT_ONCE, |kept: &Kept| {
            if !kept.may_name(&ids.hashes) {
                return Look::Pass;
            }
            let accepted = kept.accepted();
            may_change = ids.may_change_by(accepted);
            match (ids.hold(accepted), may_change) {
                (true, false) => Look::Take,
                (true, true) => Look::TakeAndStop,
                (false, true) => Look::PassAndStop,
                (false, false) => Look::Pass,
            }
        });
        let Ok(mut found) = found else {
            self.is_at_end = true;
            return vec![self.says(What::Gap(Gap::Behind))];
        };
        self.is_at_end = self.reader.is_at_end();
        if may_change {
            self.look_up_soon();
        }
        found.retain(|(_, accepted)| self.seen.show(accepted.event.id));
        self.shown[0] += found.len();
        self.live.shows(&found)
    }

    /// Enough of the newest events to reach those from before, as a rule: few where little
    /// happens, for every stream asks all the time.
    fn newest_to_ask_for(&mut self) -> usize {
        let [since, before] = std::mem::take(&mut self.shown);
        self.shown[1] = since;
        (NEWEST + since + before).min(MORE_OF_THE_NEWEST)
    }

    fn look_up_soon(&mut self) {
        self.look_up_at = Some(self.looked_up_at + LOOKUP);
    }

    /// Looks up whose ids are whose. Answers whether that has changed.
    async fn look_up(&mut self) -> bool {
        let looked_up = timeout(LOOKUP, self.ids_now()).await;
        self.looked_up_at = Instant::now();
        match looked_up {
            Ok(Ok(found)) => {
                self.look_up_at = None;
                let Some((ids, newest)) = found else { return false };
                self.ids = ids;
                self.seen.newest_are(&newest);
                self.asking = None;
                true
            }
            Ok(Err(error)) => {
                debug!(%error, "whose ids are whose cannot be looked up for a stream");
                self.look_up_soon();
                false
            }
            Err(_) => {
                self.look_up_soon();
                false
            }
        }
    }

    /// The ids as they are now, and the newest stored events of theirs, where they are not
    /// those of before.
    async fn ids_now(&mut self) -> Result<Option<(Ids, JourneyPart)>, StoreError> {
        let circle = self.live.links.of(&self.user_id).await?;
        let ids = Ids::new(circle.ids(), circle.linked_to(), &self.reader);
        if ids.ids == self.ids.ids {
            return Ok(None);
        }
        let (newest, _permit) = self.live.ask(ids.ids.clone(), NEWEST).await?;
        Ok(Some((ids, newest)))
    }

    /// The store has answered.
    fn asked(&mut self, limit: usize, newest: Result<Newest, StoreError>) -> Vec<Said> {
        self.asking = None;
        self.ask_at = Instant::now() + ASK_EVERY;
        match newest {
            Ok((part, _permit)) => self.stored(limit, &part),
            Err(error) => {
                debug!(%error, "the newest events cannot be read for a stream");
                Vec::new()
            }
        }
    }

    /// Shows what of the newest events came in elsewhere.
    fn stored(&mut self, limit: usize, newest: &JourneyPart) -> Vec<Said> {
        let mut unknown: Vec<&StoredEvent> =
            newest.events.iter().filter(|event| !self.seen.is_known(event)).collect();
        let may_be_others = !self.seen.are_reached_by(newest);
        if may_be_others && limit < MORE_OF_THE_NEWEST {
            let asking = self.live.ask(self.ids.ids.clone(), MORE_OF_THE_NEWEST);
            self.asking = Some((MORE_OF_THE_NEWEST, Box::pin(asking)));
            return Vec::new();
        }
        self.leave_out_what_is_in_the_ring(&mut unknown);
        self.seen.newest_are(newest);
        let (mut bytes, mut said) = (0, Vec::new());
        let mut is_cut = may_be_others;
        for event in unknown {
            bytes += event.bytes();
            if bytes > SHOWN_AT_ONCE && !said.is_empty() {
                is_cut = true;
                break;
            }
            self.seen.show(event.id);
            said.push(self.says(What::Event(Box::new(event.clone()))));
        }
        if is_cut {
            said.push(self.says(What::Gap(Gap::Elsewhere)));
        }
        // The oldest first, and before it what is missing there.
        said.reverse();
        said
    }

    /// What is in the ring is shown from there, or was before.
    fn leave_out_what_is_in_the_ring(&self, events: &mut Vec<&StoredEvent>) {
        if events.is_empty() {
            return;
        }
        let mut left = std::mem::take(events);
        self.reader.look_back(|kept| {
            if kept.may_be_of(&self.ids.hashes) {
                left.retain(|event| !is_same(event.id, kept));
            }
        });
        *events = left;
    }

    /// Whether events may have come in elsewhere since a stream broke, which that one has
    /// not shown; or has: nobody knows.
    fn is_doubtful(&self, broke: ResumeId, newest: &JourneyPart) -> bool {
        let since = broke.at.plus_millis(-DOUBTFUL_MS);
        let mut late: Vec<&StoredEvent> =
            newest.events.iter().filter(|event| event.received_at >= since).collect();
        let may_be_others = newest.has_more && late.len() == newest.events.len();
        self.leave_out_what_is_in_the_ring(&mut late);
        may_be_others || !late.is_empty()
    }

    fn says(&self, what: What) -> Said {
        Said { id: self.id(), what }
    }
}

fn is_same(id: StoreId, kept: &Kept) -> bool {
    kept.accepted().event.id == id
}
