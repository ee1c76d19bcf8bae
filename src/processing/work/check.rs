//! Looks for events that are wanted, have no outcome and are not pending. Hand-written
//! documents make some, a power cut without synced journals, and our own defects.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::sleep;
use tracing::warn;
use trailkeep_delivery::feed::{self, Outlet};
use trailkeep_delivery::{DocumentId, Entry, Process, UserKey};
use trailkeep_event::{Arrival, StoreId};
use trailkeep_store::processing::{FeedDocument, ProcessedState, Processor};

use super::report::{Asked, Page};
use super::{DOCUMENTS, Work};
use crate::processing::orders::{Answer, Progress};

/// Events that are read at once.
const PAGE: usize = 500;
/// Events without an outcome that are kept in memory at the most, at some 64 bytes each.
const MOST: usize = 200_000;
/// After so many pages it is told how far the check has come.
const TOLD_EVERY: u64 = 100;
/// What was stored a moment ago may not be in the feed yet.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Work {
    pub(super) async fn check(&self, processor: &Processor, asked: &Asked, repair: bool) -> Page {
        let mut progress = Progress::default();
        let Some(mut found) = self.without_outcome(processor, asked, &mut progress).await else {
            let text = "more than 200,000 events have no outcome; check again when fewer wait";
            return Page { progress, ..Page::last(Answer::conflict(text)) };
        };
        self.retain_lost(&mut found).await;
        if !found.is_empty() {
            sleep(LOOK_AGAIN).await;
            self.retain_without_outcome(&mut found).await;
            self.retain_lost(&mut found).await;
        }
        progress.events = found.len() as u64;
        if repair && !found.is_empty() {
            warn!(
                processor = &*self.name,
                events = found.len(),
                "a check feeds events that were not pending"
            );
            self.feed(found.into_values()).await;
        }
        let answer = match (progress.events, repair) {
            (0, _) => Answer::done("every event that is wanted has an outcome or is pending"),
            (found, true) => Answer::done_to(found, "events were not pending; they are sent now"),
            (found, false) => Answer::done_to(
                found,
                "events have no outcome and are not pending; repair sends them",
            ),
        };
        Page { progress, ..Page::last(answer) }
    }

    /// All events that are wanted and have no outcome; `None` where there are too many.
    async fn without_outcome(
        &self,
        processor: &Processor,
        asked: &Asked,
        progress: &mut Progress,
    ) -> Option<HashMap<StoreId, Entry>> {
        let mut found = HashMap::new();
        let mut after = None;
        for page in 1.. {
            let heads = self.until_done(|| self.store.walk(after, PAGE)).await;
            let Some(last) = heads.last() else { break };
            after = Some(last.id);
            progress.seen += heads.len() as u64;
            let wanted =
                heads.iter().filter(|head| processor.wanted.wants(&head.kind, head.arrival));
            let mut some: HashMap<StoreId, Entry> = wanted
                .map(|head| {
                    let user = processor.key_of(&head.user_id);
                    (head.id, Entry { user, id: head.id, arrival: head.arrival })
                })
                .collect();
            self.retain_without_outcome(&mut some).await;
            found.extend(some);
            if found.len() > MOST {
                return None;
            }
            if page % TOLD_EVERY == 0 {
                progress.events = found.len() as u64;
                self.note(asked.id, progress, None, asked.now).await;
            }
        }
        Some(found)
    }

    async fn retain_without_outcome(&self, events: &mut HashMap<StoreId, Entry>) {
        let ids: Vec<StoreId> = events.keys().copied().collect();
        for some in ids.chunks(PAGE) {
            let states = self.until_done(|| self.store.states(&self.name, some)).await;
            // One that is to be sent again is pending as one that was never sent is.
            let done = states.iter().filter(|(_, (_, state))| *state != ProcessedState::Pending);
            done.for_each(|(id, _)| {
                events.remove(id);
            });
        }
    }

    /// Keeps what is neither covered by a record nor in the feed.
    async fn retain_lost(&self, events: &mut HashMap<StoreId, Entry>) {
        let parked = self.until_done(|| self.store.parked(&self.name)).await;
        let records: BTreeMap<UserKey, Arrival> =
            parked.iter().map(|parked| (parked.record.user, parked.record.from)).collect();
        events.retain(|_, entry| records.get(&entry.user).is_none_or(|from| entry.arrival < *from));
        if events.is_empty() {
            return;
        }
        for lowest in self.until_done(|| self.store.feeding(&self.name)).await {
            let mut from = lowest;
            loop {
                let read = || self.store.documents(&self.name, from, DOCUMENTS);
                let documents = self.until_done(read).await;
                let Some(last) = documents.last() else { break };
                from = DocumentId { number: last.id.number + 1, ..from };
                for entry in documents.iter().filter_map(|one| feed::decode(&one.entries)).flatten()
                {
                    events.remove(&entry.id);
                }
            }
        }
    }

    async fn feed(&self, entries: impl Iterator<Item = Entry>) {
        let mut entries: Vec<Entry> = entries.collect();
        entries.sort_unstable_by_key(|entry| (entry.arrival, entry.id));
        let mut outlet = Outlet::new(Process(rand::random()));
        outlet.push(entries);
        while let Some((id, entries)) = outlet.document() {
            let document = FeedDocument { id, entries: feed::encode(entries) };
            self.until_done(|| self.store.append(&self.name, &document)).await;
            outlet.acknowledged();
        }
    }
}
