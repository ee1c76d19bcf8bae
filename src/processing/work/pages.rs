//! What orders ask of the database, before and after the window has its part.
//!
//! An order is carried out a page at a time: what the database has to change first, then
//! the records of users that the window makes, then, after a renewal of the lease, how
//! far it has come. Whoever takes over begins with the page that was not told. So each
//! page changes nothing where it was carried out already.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tracing::{error, info};
use trailkeep_event::{Arrival, StoreId, Timestamp};
use trailkeep_store::processing::{
    EventHead, Processed, ProcessedEvent, ProcessedState, Processor,
};
use uuid::Uuid;

use super::Work;
use super::report::{Asked, Page, Report, event_of};
use crate::processing::orders::{Answer, Order, Progress, Range};

/// Events of one page.
const PAGE: usize = 500;
/// Users of one: each read of them begins anew in each period.
const USERS: usize = 1_000;
/// Outcomes that are read at once: each may have 16 KiB.
const OUTCOMES: usize = 100;

impl Work {
    /// The processor, and all orders that are not answered, oldest first. One of a later version is
    /// answered for by that.
    pub async fn orders(self) -> Report {
        let commands = self.until_done(|| self.store.commands(&self.name)).await;
        let open = commands.into_iter().filter(|command| command.answered_at.is_none());
        let orders = open.filter_map(|command| {
            let progress = command.progress.as_deref().map(serde_json::from_str);
            let order = serde_json::from_str::<Order>(&command.order);
            match (order, progress.transpose()) {
                (Ok(order), Ok(progress)) => {
                    Some((command.id, order, progress.unwrap_or_default()))
                }
                (Err(fault), _) | (_, Err(fault)) => {
                    error!(command = %command.id, %fault, "an order cannot be read");
                    None
                }
            }
        });
        let orders = orders.collect();
        Report::Orders(self.processor().await, orders)
    }

    /// Does what the next page of an order asks of the database.
    pub async fn prepare(self, processor: Arc<Processor>, asked: Asked) -> Report {
        const AGAIN: ProcessedState = ProcessedState::Pending;
        const SKIPPED: ProcessedState = ProcessedState::Skipped;
        let event = |event: &Uuid| StoreId::from_bytes(event.into_bytes());
        let page = match &asked.order {
            Order::Resume => self.resume(asked.now).await,
            Order::Retry(head) => self.change(&processor, &asked, head.id(), AGAIN).await,
            Order::RetryLetter { event: id } => {
                self.change(&processor, &asked, event(id), AGAIN).await
            }
            Order::Skip(head) => self.change(&processor, &asked, head.id(), SKIPPED).await,
            Order::DropLetter { event: id } => {
                self.change(&processor, &asked, event(id), SKIPPED).await
            }
            Order::Replay(range) => self.replay(&processor, &asked, range).await,
            Order::Backfill { from } => {
                self.backfill(&processor, Arrival::from_i64(*from), asked.progress).await
            }
            Order::Check { repair } => self.check(&processor, &asked, *repair).await,
            // The window alone carries these out.
            Order::Pause | Order::Release(_) => Page::default(),
        };
        Report::Prepared(asked.id, page)
    }

    /// Tells how far an order has come, and what came of it.
    pub async fn tell(
        self,
        id: Uuid,
        progress: Progress,
        answer: Option<Answer>,
        now: Timestamp,
    ) -> Report {
        let told = self.note(id, &progress, answer.as_ref(), now);
        let is_open = told.await && answer.is_none();
        Report::Told(id, is_open.then_some(progress))
    }

    pub(super) async fn note(
        &self,
        id: Uuid,
        progress: &Progress,
        answer: Option<&Answer>,
        now: Timestamp,
    ) -> bool {
        let progress = serde_json::to_string(progress).unwrap_or_default();
        let answer = answer.map(|answer| serde_json::to_string(answer).unwrap_or_default());
        let answer = answer.as_deref().map(|answer| (now, answer));
        self.until_done(|| self.store.change_command(id, Some(&progress), answer)).await
    }

    /// Ends every pause.
    async fn resume(&self, now: Timestamp) -> Page {
        let commands = self.until_done(|| self.store.commands(&self.name)).await;
        let mut pauses = 0;
        for command in commands.iter().filter(|command| Order::is_open_pause(command)) {
            pauses += 1;
            let answer = Answer::done("sending went on");
            self.note(command.id, &Progress::default(), Some(&answer), now).await;
        }
        Page::last(match pauses {
            0 => Answer::conflict("it is not paused"),
            _ => Answer::done("sending goes on"),
        })
    }

    /// Gives an event that failed another state, in its next run; its user goes on.
    async fn change(
        &self,
        processor: &Processor,
        asked: &Asked,
        id: StoreId,
        state: ProcessedState,
    ) -> Page {
        let mut progress = asked.progress.clone();
        let ids = [id];
        let outcomes = self.until_done(|| self.store.outcomes(&self.name, &ids)).await;
        let Some(outcome) = outcomes.into_values().next() else {
            return Page::last(Answer::conflict("nothing is known of this event"));
        };
        let run = match progress.run {
            Some(run) => run,
            None if outcome.state == ProcessedState::Failed => {
                // Carried out once: whoever goes on with it knows which failure was meant.
                progress.run = Some(outcome.run);
                self.note(asked.id, &progress, None, asked.now).await;
                outcome.run
            }
            None => return Page::last(Answer::conflict("this event did not fail for good")),
        };
        let Some(event) = outcome.event.clone() else {
            return Page::last(Answer::conflict("this event is gone"));
        };
        let (key, user_id, arrival) =
            (processor.key_of(&event.user_id), event.user_id.clone(), outcome.arrival);
        if (outcome.run, outcome.state) == (run, ProcessedState::Failed) {
            let next = again(id, run + 1, event, arrival, state, asked.now);
            self.until_done(|| self.store.record(&self.name, std::slice::from_ref(&next))).await;
        } else if (outcome.run, outcome.state) != (run + 1, state) {
            return Page::last(Answer::done("it was carried out"));
        }
        let is_pending = state == ProcessedState::Pending;
        Page {
            covers: is_pending.then_some((key, user_id, arrival)).into_iter().collect(),
            releases: vec![(key, id)],
            answer: Some(Answer::done(if is_pending {
                "the event is sent again"
            } else {
                "the event counts as skipped"
            })),
            progress,
        }
    }

    /// Events are sent again in two walks: first all of them are made pending, then their
    /// users are parked. So a user's events are sent again in order, wherever a walk finds
    /// them.
    async fn replay(&self, processor: &Processor, asked: &Asked, range: &Range) -> Page {
        let mut progress = asked.progress.clone();
        let as_of = *progress.as_of.get_or_insert(asked.now.as_millis());
        let heads = match &range.user_id {
            Some(user_id) => self.heads_of(user_id, &progress).await,
            None => self.until_done(|| self.store.walk(after(&progress), PAGE)).await,
        };
        progress.seen += heads.len() as u64;
        if let Some(last) = heads.last() {
            progress.after = Some(Uuid::from_bytes(*last.id.as_bytes()));
            progress.after_arrival = Some(last.arrival.as_i64());
        }
        let is_end = heads.is_empty();
        let wanted: Vec<EventHead> =
            heads.into_iter().filter(|head| is_in(range, processor, head)).collect();
        let mut page = Page::default();
        if progress.is_second_walk {
            let pending = self.pending(&wanted).await;
            page.releases =
                pending.iter().map(|head| (processor.key_of(&head.user_id), head.id)).collect();
            let users: BTreeSet<&str> = pending.iter().map(|head| &*head.user_id).collect();
            let from = Arrival::from_i64(i64::MIN);
            let covers = users.into_iter().map(|user| (processor.key_of(user), user.into(), from));
            page.covers = covers.collect();
        } else {
            let pending = self.again(range, wanted, as_of, asked.now).await;
            progress.events += pending.len() as u64;
            if !range.dry_run {
                self.until_done(|| self.store.record(&self.name, &pending)).await;
            }
        }
        if is_end && range.dry_run {
            page.answer = Some(Answer::done_to(progress.events, "events would be sent again"));
        } else if is_end && progress.is_second_walk {
            page.answer = Some(Answer::done_to(progress.events, "events are sent again"));
        } else if is_end {
            (progress.after, progress.after_arrival) = (None, None);
            progress.is_second_walk = true;
        }
        page.progress = progress;
        page
    }

    /// Those of these events that are sent again, each with its next run. An outcome that
    /// is newer than the order is of an event that was sent again because of it.
    async fn again(
        &self,
        range: &Range,
        heads: Vec<EventHead>,
        as_of: i64,
        now: Timestamp,
    ) -> Vec<Processed> {
        let ids: Vec<StoreId> = heads.iter().map(|head| head.id).collect();
        let mut found = HashMap::new();
        for some in ids.chunks(OUTCOMES) {
            let outcomes = self.until_done(|| self.store.outcomes(&self.name, some)).await;
            found.extend(outcomes.into_iter().map(|(id, outcome)| {
                let is_older = outcome.processed_at.as_millis() <= as_of;
                (id, (outcome.run, outcome.state, is_older))
            }));
        }
        let pending = heads.into_iter().filter_map(|head| {
            let run = match found.get(&head.id) {
                // It is sent in any case.
                Some((_, ProcessedState::Pending, _)) | Some((.., false)) => return None,
                Some((run, state, true)) => {
                    range.state.is_none_or(|became| became.is(*state)).then_some(run + 1)?
                }
                None => range.state.is_none().then_some(0)?,
            };
            let EventHead { id, arrival, .. } = head;
            Some(again(id, run, event_of(head), arrival, ProcessedState::Pending, now))
        });
        pending.collect()
    }

    /// Those of these events that have a pending outcome.
    async fn pending<'a>(&self, heads: &'a [EventHead]) -> Vec<&'a EventHead> {
        let ids: Vec<StoreId> = heads.iter().map(|head| head.id).collect();
        let states = self.until_done(|| self.store.states(&self.name, &ids)).await;
        let is_pending = |head: &&EventHead| {
            states.get(&head.id).is_some_and(|(_, state)| *state == ProcessedState::Pending)
        };
        heads.iter().filter(is_pending).collect()
    }

    /// The heads of a user's events behind one of them, in the order of arrival.
    async fn heads_of(&self, user_id: &str, progress: &Progress) -> Vec<EventHead> {
        let after = (progress.after_arrival.unwrap_or(i64::MIN), after(progress));
        let from = Arrival::from_i64(after.0);
        // Those of the last number are found once more.
        let (mut events, _) =
            self.until_done(|| self.store.events_from(user_id, from, 2 * PAGE)).await;
        events.retain(|(arrival, id)| after.1.is_none_or(|last| (*arrival, *id) > (from, last)));
        let mut ids: Vec<StoreId> = events.into_iter().map(|(_, id)| id).take(PAGE).collect();
        let mut heads = Vec::with_capacity(ids.len());
        while !ids.is_empty() {
            let found = self.until_done(|| self.store.events(&ids)).await;
            heads.extend(found.events.into_iter().map(EventHead::from));
            ids = found.left;
        }
        heads.sort_unstable_by_key(|head| (head.arrival, head.id));
        heads
    }

    async fn backfill(&self, processor: &Processor, from: Arrival, mut progress: Progress) -> Page {
        let after = progress.after_user.as_deref();
        let users = self.until_done(|| self.store.users_after(after, USERS)).await;
        let answer = users.is_empty().then(|| {
            info!(
                processor = &*self.name,
                users = progress.seen,
                "all that was stored before is pending"
            );
            Answer::done_to(progress.seen, "users whose events of before are sent")
        });
        progress.seen += users.len() as u64;
        progress.after_user = users.last().cloned().or(progress.after_user);
        let covers = users.into_iter().map(|user_id| (processor.key_of(&user_id), user_id, from));
        Page { covers: covers.collect(), progress, answer, releases: Vec::new() }
    }
}

fn after(progress: &Progress) -> Option<StoreId> {
    progress.after.map(|id| StoreId::from_bytes(id.into_bytes()))
}

/// Whether an event is one of those that are asked for, and of a type that is wanted.
fn is_in(range: &Range, processor: &Processor, head: &EventHead) -> bool {
    let wanted = &processor.wanted;
    let is_wanted = wanted.any.is_some() || wanted.types.contains_key(&head.kind);
    let at = head.occurred_at.as_millis();
    is_wanted
        && range.from.is_none_or(|from| at >= from)
        && range.to.is_none_or(|to| at <= to)
        && (range.types.is_empty() || range.types.contains(&head.kind))
}

/// An outcome that a person brought about.
fn again(
    id: StoreId,
    run: u32,
    event: ProcessedEvent,
    arrival: Arrival,
    state: ProcessedState,
    now: Timestamp,
) -> Processed {
    Processed {
        id,
        run,
        event: Some(event),
        arrival,
        state,
        processed_at: now,
        duration_ms: 0,
        waited_ms: 0,
        attempts: 0,
        http_status: None,
        result: None,
        error: (state == ProcessedState::Skipped).then(|| "a person skipped it".into()),
    }
}
