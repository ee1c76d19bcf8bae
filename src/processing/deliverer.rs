//! One processor, delivered for: who is in charge, and what it does in its term.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use trailkeep_delivery::lease::{Replacement, Tenure};
use trailkeep_delivery::{Process, UserKey};
use trailkeep_event::time::Clock;
use trailkeep_store::StoredEvent;
use trailkeep_store::processing::Processor;

use super::answer::Answer;
use super::bodies::Bodies;
use super::breaker::Breaker;
use super::client::Client;
use super::delivery::Form;
use super::term::{Attempt, Task, Term, TermRules};
use super::view::{State, View};
use super::work::{Report, Work};
use crate::ingest::quiet::{AtWork, Quiet};

/// How often the lease of another is looked at.
const WATCH_EVERY: Duration = Duration::from_secs(2);
/// How often the feed is read where nothing says that there is something new: other
/// instances feed it too.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// How often other instances are told how it is doing.
const PUBLISH_EVERY: Duration = Duration::from_secs(2);
/// How long a stop waits for the lease to be handed over.
const HAND_OVER: Duration = Duration::from_secs(1);

/// What a deliverer is made of.
pub struct Deliverer {
    pub work: Work,
    pub client: Arc<Client>,
    pub form: Arc<Form>,
    pub rules: Arc<TermRules>,
    pub concurrency: usize,
    /// The types that this instance's settings ask for; none are all.
    pub types: Vec<Box<str>>,
    pub clock: Arc<dyn Clock>,
    pub bodies: Arc<Bodies>,
    pub view: Arc<View>,
    /// Told when there is something new in the feed.
    pub wake: Arc<Notify>,
    /// The first millisecond of its time.
    pub started: Instant,
    /// Whoever has somebody erased waits until it begins anew.
    pub quiet: Arc<Quiet>,
    /// How long it waits for what is in flight then.
    pub patience: Duration,
}

/// Why a term ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The lease is another's.
    Lost,
    /// What this owner knows is not what is stored, or is to be known no more: it begins anew.
    Astray,
    Stopped,
    /// Another instance has other settings, and was started later.
    StandsBack,
    /// Something panicked, which is told where it did.
    Defect,
}

type Answered = (UserKey, Arc<StoredEvent>, Answer);

/// Requests in flight. They are polled by the deliverer's own task: as tasks of their own, a
/// hundred at a time stand between a batch and its 202.
type Requests = FuturesUnordered<BoxFuture<'static, Answered>>;

impl Deliverer {
    /// Delivers whenever it is in charge, until `stop`. What is in flight then has until
    /// `deadline` to be answered and stored.
    pub async fn run(self, stop: CancellationToken, grace: Duration) {
        let mut tenure = Tenure::new(Process(rand::random()), self.work.store.is_exclusive());
        let mut breaker = Breaker::new(self.concurrency, self.now());
        loop {
            self.view.is(State::StandingBy, 0, (0, 0));
            let taken = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.take(&mut tenure) => {
                    let at_work = self.quiet.enter();
                    self.begin(&tenure).await.map(|term| (term, at_work))
                }
            };
            let Some((term, at_work)) = taken else {
                tenure.give_up();
                let _ = timeout(WATCH_EVERY, stop.cancelled()).await;
                continue;
            };
            match self.serve(term, at_work, &mut tenure, &mut breaker, &stop, grace).await {
                Ended::Stopped => return self.hand_over(&tenure).await,
                Ended::StandsBack => {
                    self.hand_over(&tenure).await;
                    tenure.give_up();
                }
                Ended::Defect => return,
                Ended::Lost => {
                    warn!(processor = &*self.work.name, "another instance delivers now");
                    tenure.give_up();
                }
                Ended::Astray => {
                    if let Some(anew) = tenure.begin_anew() {
                        self.replace(&mut tenure, anew).await;
                    }
                }
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn moment(&self, ms: u64) -> Instant {
        self.started + Duration::from_millis(ms)
    }

    /// Waits until this instance is in charge.
    async fn take(&self, tenure: &mut Tenure) {
        let mut has_told = false;
        while tenure.lease().is_none() {
            let processor = self.work.processor().await;
            let differs = processor.as_ref().is_some_and(|processor| self.differs(processor));
            if differs && !std::mem::replace(&mut has_told, true) {
                warn!(
                    processor = &*self.work.name,
                    types = self.types.join(","),
                    "another instance's settings ask for other types; this one delivers only \
                       if nobody else does"
                );
            }
            tenure.stand_back(differs);
            tenure.saw(processor.and_then(|processor| processor.lease), self.now());
            if let Some(replacement) = tenure.due(self.now()) {
                self.replace(tenure, replacement).await;
            }
            if tenure.lease().is_none() {
                sleep(WATCH_EVERY).await;
            }
        }
    }

    /// Whether what is wanted is not what this instance's settings ask for.
    fn differs(&self, processor: &Processor) -> bool {
        !processor.wanted.is_of(&self.types)
    }

    async fn replace(&self, tenure: &mut Tenure, replacement: Replacement) {
        let report = self.work.clone().replace(replacement, self.now()).await;
        if let Report::Renewed(replacement, sent_at, took_place) = report {
            tenure.replaced(&replacement, sent_at, took_place);
        }
    }

    /// Begins a term with what the owners before have left.
    async fn begin(&self, tenure: &Tenure) -> Option<Term> {
        let lease = tenure.lease()?;
        // One that was removed has no lease either, which the first renewal finds out.
        let processor = self.work.processor().await?;
        let found = self.work.load(lease.epoch).await;
        info!(
            processor = &*self.work.name,
            epoch = lease.epoch,
            parked_users = found.0.len(),
            "this instance delivers"
        );
        Some(Term::new(
            lease,
            Arc::new(processor),
            found,
            Arc::clone(&self.rules),
            Arc::clone(&self.clock),
            Arc::clone(&self.bodies),
            Arc::clone(&self.view),
        ))
    }

    async fn serve(
        &self,
        mut term: Term,
        at_work: AtWork,
        tenure: &mut Tenure,
        breaker: &mut Breaker,
        stop: &CancellationToken,
        grace: Duration,
    ) -> Ended {
        let mut work = JoinSet::new();
        let mut requests = Requests::new();
        let (mut is_renewing, mut until, mut ending) = (false, None, Ended::Stopped);
        // It delivers all the same where nobody else did.
        let tolerated = self.differs(term.processor()).then_some(term.processor().version);
        let mut next_poll = Instant::now() + POLL_EVERY;
        let (mut next_publishing, mut documents) = (Instant::now() + PUBLISH_EVERY, 0);
        loop {
            let now = self.now();
            let Some(lease) = tenure.lease() else { return Ended::Lost };
            if term.is_lost() {
                return Ended::Astray;
            }
            let early = tenure.renewal_now().filter(|_| term.waits_for_renewal());
            if let Some(renewal) = tenure.due(now).or(early).filter(|_| !is_renewing) {
                is_renewing = true;
                term.renewing();
                work.spawn(self.work.clone().replace(renewal, now));
            }
            let processor = term.processor();
            if until.is_none() && Some(processor.version) != tolerated && self.differs(processor) {
                (until, ending) = (Some(Instant::now() + grace), Ended::StandsBack);
            }
            let may_send = until.is_none() && tenure.is_sure(now);
            for task in term.tasks(lease, breaker, may_send, now) {
                self.spawn(task, term.processor(), &mut work, &mut requests);
            }
            self.view.is(term.state(breaker), term.in_flight(), term.sizes());
            if Instant::now() >= next_publishing {
                next_publishing = Instant::now() + PUBLISH_EVERY;
                let status = self.view.tell(term.status(breaker, documents, now), documents);
                work.spawn(self.work.clone().publish(self.clock.now(), status));
            }
            if until.is_some() && term.is_settled() {
                if is_renewing {
                    renewal_ends(&mut work, tenure).await;
                }
                return ending;
            }
            let timers = [
                term.next_rest(),
                breaker.opens_at(now),
                tenure.renews_at().filter(|_| !is_renewing),
            ];
            let timers = timers.into_iter().flatten().map(|ms| self.moment(ms)).chain(until);
            let timer = timers.min().unwrap_or(next_poll).min(next_poll).min(next_publishing);
            tokio::select! {
                Some(report) = work.join_next() => match report {
                    Ok(Report::Renewed(replacement, sent_at, took_place)) => {
                        is_renewing = false;
                        if !tenure.replaced(&replacement, sent_at, took_place) {
                            return Ended::Lost;
                        }
                        term.renewed();
                    }
                    Ok(Report::Published(found)) => documents = found.unwrap_or(documents),
                    Ok(report) => {
                        if matches!(report, Report::Told(..)) {
                            // Whoever asked for it looks what has become of it.
                            next_publishing = Instant::now();
                        }
                        if !term.report(report, self.now()) {
                            return Ended::Lost;
                        }
                    }
                    Err(_) => return Ended::Defect,
                },
                Some((user, event, answer)) = requests.next() => {
                    term.answered(user, &event, &answer, breaker, self.now());
                }
                () = self.wake.notified() => term.poll_soon(),
                () = sleep_until(timer) => {
                    if Instant::now() >= next_poll {
                        next_poll = Instant::now() + POLL_EVERY;
                        term.poll_soon();
                        term.orders_soon();
                    }
                    if until.is_some_and(|until| Instant::now() >= until) {
                        return ending;
                    }
                }
                () = stop.cancelled(), if until.is_none() || ending != Ended::Stopped => {
                    (until, ending) = (Some(Instant::now() + grace), Ended::Stopped);
                }
                () = at_work.is_wanted(), if until.is_none() => {
                    (until, ending) = (Some(Instant::now() + self.patience), Ended::Astray);
                }
            }
        }
    }

    fn spawn(
        &self,
        task: Task,
        processor: &Arc<Processor>,
        work: &mut JoinSet<Report>,
        requests: &mut Requests,
    ) {
        let w = self.work.clone();
        let _: AbortHandle = match task {
            Task::Poll(reader, lease) => work.spawn(w.poll(reader, lease)),
            Task::LookUp(ids) => work.spawn(w.look_up(ids)),
            Task::Record(outcomes) => work.spawn(w.record(outcomes)),
            Task::Park(record, user_id, event) => work.spawn(w.park(record, user_id, event)),
            Task::Read(user, user_id, from, limit) => {
                work.spawn(w.read(user, user_id, from, limit))
            }
            Task::Move(expected, next) => work.spawn(w.shift(expected, next)),
            Task::Unpark(record) => work.spawn(w.unpark(record)),
            Task::Forget(documents) => work.spawn(w.forget(documents)),
            Task::Fetch(ids) => work.spawn(w.fetch(ids)),
            Task::Orders => work.spawn(w.orders()),
            Task::Prepare(asked) => work.spawn(w.prepare(Arc::clone(processor), asked)),
            Task::Tell(id, progress, answer) => {
                work.spawn(w.tell(id, progress, answer, self.clock.now()))
            }
            Task::Send(user, event, attempt) => {
                let (client, form) = (Arc::clone(&self.client), Arc::clone(&self.form));
                let now = self.clock.now();
                let request = async move {
                    let Attempt { run, number } = attempt;
                    let answer = client.send(&form.delivery(&event, run, number, now)).await;
                    (user, event, answer)
                };
                requests.push(request.boxed());
                return;
            }
        };
    }

    /// Lets another instance, or the next start, take over at once.
    async fn hand_over(&self, tenure: &Tenure) {
        if let Some(replacement) = tenure.hand_over() {
            let handed = self.work.clone().replace(replacement, self.now());
            if timeout(HAND_OVER, handed).await.is_err() {
                info!(processor = &*self.work.name, "the lease ends by itself, in ten seconds");
            }
        }
    }
}

/// Waits for a renewal that is under way: it changes what a hand-over has to find.
async fn renewal_ends(work: &mut JoinSet<Report>, tenure: &mut Tenure) {
    let ended = async {
        while let Some(report) = work.join_next().await {
            if let Ok(Report::Renewed(replacement, sent_at, took_place)) = report {
                tenure.replaced(&replacement, sent_at, took_place);
                return;
            }
        }
    };
    // One that does not end lets the lease end by itself.
    let _ = timeout(HAND_OVER, ended).await;
}
