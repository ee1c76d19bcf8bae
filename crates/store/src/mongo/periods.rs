//! Periods: what the index of journeys begins with.
//!
//! With the user in front, each user has a leaf of that index of their own, and
//! all of them change between two checkpoints of the server: the more is stored,
//! the more leaves are written for each event. With a period in front, what
//! changes are the leaves of the newest period, whatever the collection holds. A
//! read pays one or two seeks for each period that it passes. The figures are in
//! `load-tests/RESULTS.md`.
//!
//! A period is no day and no month, since what counts is how many events it
//! holds: after so many of them ([`PeriodSettings`]) a new one begins. A small
//! collection has few, and reads cost what they always did; a large one has many,
//! and writes cost what they always did.
//!
//! The collection `periods` has one document, the calendar: where periods start,
//! and the horizon. Its rules:
//!
//! 1. An event's period is the last one that starts at its `occurredAt` or
//!    before. Events from before the first start have none, and no field for it.
//! 2. A start is only ever added, and only at the horizon.
//! 3. Nobody writes an event at the horizon that they know or beyond it. They
//!    raise it first, and learn by that which starts were made meanwhile.
//!
//! So a period that was reckoned from a calendar of any age is right: the starts
//! that it does not know are beyond its horizon. No two clocks are compared, and
//! instances need not know of each other. Readers may have an old calendar too:
//! they leave the range of periods open where it ends beyond their horizon. What
//! is learnt was written to a majority, so that no failover takes it back.
//!
//! An event from the future raises the horizon, and the next period begins behind
//! it: a day later at the most, which is how far in the future an event may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};
use mongodb::Collection;
use mongodb::error::Error;
use mongodb::options::ReturnDocument;
use parking_lot::RwLock;
use trailkeep_event::Timestamp;

use super::connection::Link;
use super::errors::{is_duplicate, store_error};
use crate::StoreError;

/// The collection that holds the calendar.
pub const PERIODS: &str = "periods";

/// The `_id` of its one document.
const JOURNEYS: &str = "journeys";

/// An instance tells what it has stored this many times in a period: each time
/// costs a small write, and by so much of it a period may be too long.
const REPORTS: u64 = 20;

/// After an index of an older version was found, instances of that version may
/// be writing for as long: documents without a period.
const OLDER_VERSIONS_MS: i64 = 24 * 60 * 60 * 1000;

/// Beyond this from now, no event can have happened that was stored: a day is
/// allowed, and an hour for clocks that differ.
const LATEST_EVENT_MS: i64 = 25 * 60 * 60 * 1000;

/// When periods begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodSettings {
    /// Events after which a new one begins.
    pub events: u64,
    /// How far the horizon is put beyond the event that comes to it. A new period
    /// begins later by so much, and the horizon is raised less often.
    pub ahead: Duration,
}

impl PeriodSettings {
    /// A million: with three to four times as many in the newest period an event
    /// costs about a fifth more, and fewer mean more seeks for a long journey. A
    /// minute: one small write a minute, and at a hundred thousand events a second
    /// six million more in a period.
    pub const DEFAULT: Self = Self { events: 1_000_000, ahead: Duration::from_secs(60) };
}

/// The calendar, as far as this instance knows it.
pub struct Calendar {
    settings: PeriodSettings,
    known: RwLock<Arc<Periods>>,
    /// Events of the newest period that were stored and not told yet.
    untold: AtomicU64,
}

/// Where periods start, up to a horizon.
#[derive(Debug, PartialEq, Eq)]
pub struct Periods {
    /// In order, in milliseconds since the epoch.
    starts: Vec<i64>,
    horizon: i64,
}

impl Periods {
    /// When the period of what happened then starts; `None` for the first one.
    pub fn start_of(&self, time: Timestamp) -> Option<i64> {
        let earlier = self.starts.partition_point(|start| *start <= time.as_millis());
        earlier.checked_sub(1).map(|last| self.starts[last])
    }

    /// Whether the period of what happened then is known for certain.
    pub fn reach(&self, time: Timestamp) -> bool {
        time.as_millis() < self.horizon
    }

    /// Where they start, in milliseconds since the epoch.
    pub fn starts(&self) -> &[i64] {
        &self.starts
    }

    fn last_start(&self) -> Option<i64> {
        self.starts.last().copied()
    }

    /// Calendars only grow, so of two the one that has more is the newer one.
    fn is_older_than(&self, other: &Self) -> bool {
        (self.horizon, self.starts.len()) < (other.horizon, other.starts.len())
    }
}

/// The document, and how many events its newest period has.
struct Told {
    periods: Periods,
    events: u64,
}

impl Calendar {
    /// One that knows nothing yet.
    pub fn new(settings: PeriodSettings) -> Self {
        let nothing = Periods { starts: Vec::new(), horizon: i64::MIN };
        Self { settings, known: RwLock::new(Arc::new(nothing)), untold: AtomicU64::new(0) }
    }

    /// What is known without asking.
    pub fn known(&self) -> Arc<Periods> {
        Arc::clone(&self.known.read())
    }

    /// Periods by which events may be written of which the latest happened then.
    /// Asks the database where that is at the horizon or beyond it.
    pub async fn up_to(&self, link: &Link, latest: Timestamp) -> Result<Arc<Periods>, StoreError> {
        let known = self.known();
        if known.reach(latest) {
            return Ok(known);
        }
        let ahead = i64::try_from(self.settings.ahead.as_millis()).unwrap_or(i64::MAX);
        // At least one beyond: the horizon itself is not to be written at.
        let horizon = latest.as_millis().saturating_add(ahead.max(1));
        self.tell(link, doc! { "horizon": DateTime::from_millis(horizon) }).await?;
        Ok(self.known())
    }

    /// Counts events that were stored, and begins a new period where the newest
    /// one is full. That may wait: what fails is tried again with later events.
    pub async fn count(&self, link: &Link, stored: impl Iterator<Item = Timestamp>) {
        let first = self.known().last_start().unwrap_or(i64::MIN);
        let newest = stored.filter(|time| time.as_millis() >= first).count() as u64;
        let untold = self.untold.fetch_add(newest, Ordering::Relaxed) + newest;
        if untold < (self.settings.events / REPORTS).max(1) {
            return;
        }
        if let Err(error) = self.tell(link, Document::new()).await {
            tracing::debug!(%error, "cannot count the events of the newest period");
        }
    }

    /// Tells what was stored, raises what is to be raised, and learns what there is.
    async fn tell(&self, link: &Link, raise: Document) -> Result<(), StoreError> {
        let events = self.untold.swap(0, Ordering::Relaxed);
        let count = i64::try_from(events).unwrap_or(i64::MAX);
        let mut update = doc! { "$inc": { "events": count } };
        if !raise.is_empty() {
            update.insert("$max", raise);
        }
        let told =
            change(link, doc! { "_id": JOURNEYS }, update, true).await.inspect_err(|_| {
                self.untold.fetch_add(events, Ordering::Relaxed);
            })?;
        let Some(told) = told else { return Ok(()) };
        let is_full = told.events >= self.settings.events;
        let horizon = told.periods.horizon;
        self.learn(told.periods);
        if is_full { self.begin(link, horizon).await } else { Ok(()) }
    }

    /// Begins a period at the horizon, unless somebody was quicker.
    async fn begin(&self, link: &Link, horizon: i64) -> Result<(), StoreError> {
        let start = DateTime::from_millis(horizon);
        let nobody_was_quicker = doc! {
            "_id": JOURNEYS,
            "horizon": start,
            "starts": { "$ne": start },
            "$expr": { "$gte": ["$$NOW", { "$ifNull": ["$notBefore", 0] }] },
        };
        let begin = doc! { "$push": { "starts": start }, "$set": { "events": 0_i64 } };
        if let Some(told) = change(link, nobody_was_quicker, begin, false).await? {
            let start = Timestamp::from_millis_clamped(horizon);
            tracing::info!(%start, "a new period of the index of journeys begins");
            self.learn(told.periods);
        }
        Ok(())
    }

    fn learn(&self, told: Periods) {
        let mut known = self.known.write();
        if known.is_older_than(&told) {
            *known = Arc::new(told);
        }
    }

    /// Begins no period for a day: instances of a version that does not know
    /// periods may be writing.
    pub async fn hold_back(&self, link: &Link) -> Result<(), StoreError> {
        let later = doc! { "$set": { "notBefore": { "$add": ["$$NOW", OLDER_VERSIONS_MS] } } };
        calendar(link)
            .update_one(doc! { "_id": JOURNEYS }, vec![later])
            .upsert(true)
            .await
            .map_err(|error| store_error(&error))?;
        Ok(())
    }

    /// Makes the calendar again from the events where it was lost, and the
    /// collection `events` was not: by a restore of that one alone, say.
    pub async fn mend(&self, link: &Link) -> Result<(), StoreError> {
        let known = self.refresh(link).await?;
        let newest = link
            .events::<Document>()
            .find_one(doc! { "period": { "$gte": DateTime::MIN } })
            .sort(doc! { "period": -1 })
            .projection(doc! { "_id": 0, "period": 1 })
            .await
            .map_err(|error| store_error(&error))?;
        let newest = newest.and_then(|event| millis(event.get("period")?));
        if newest <= known.last_start() {
            return Ok(());
        }
        let labels = link.events::<Document>().distinct("period", doc! {}).await;
        let labels = labels.map_err(|error| store_error(&error))?;
        let mut starts: Vec<i64> = labels.iter().filter_map(millis).collect();
        starts.extend(known.starts());
        starts.sort_unstable();
        starts.dedup();
        let starts: Vec<_> = starts.into_iter().map(DateTime::from_millis).collect();
        let beyond = doc! { "$add": ["$$NOW", LATEST_EVENT_MS] };
        let horizon = doc! { "$max": ["$horizon", beyond] };
        let mended = vec![doc! { "$set": { "starts": starts, "horizon": horizon } }];
        let as_it_was = doc! { "_id": JOURNEYS, "horizon": date_of(known.horizon) };
        let updated = calendar(link).update_one(as_it_was, mended).await;
        updated.map_err(|error| store_error(&error))?;
        tracing::warn!("the calendar in {PERIODS} was made again from the events");
        self.refresh(link).await.map(|_| ())
    }

    /// Asks for the calendar as it is.
    pub async fn refresh(&self, link: &Link) -> Result<Arc<Periods>, StoreError> {
        self.tell(link, Document::new()).await?;
        Ok(self.known())
    }
}

fn calendar(link: &Link) -> Collection<Document> {
    link.database().collection(PERIODS)
}

/// Changes the calendar, and gives what it is afterwards; `None` where it is not
/// as the filter wants it.
async fn change(
    link: &Link,
    filter: Document,
    update: Document,
    make: bool,
) -> Result<Option<Told>, StoreError> {
    let once = || async {
        calendar(link)
            .find_one_and_update(filter.clone(), update.clone())
            .upsert(make)
            .return_document(ReturnDocument::After)
            .await
    };
    let changed: Result<Option<Document>, Error> = match once().await {
        // Another instance has just made it.
        Err(error) if make && is_duplicate(&error) => once().await,
        changed => changed,
    };
    changed.map_err(|error| store_error(&error))?.as_ref().map(read).transpose()
}

fn millis(value: &Bson) -> Option<i64> {
    value.as_datetime().map(|date| date.timestamp_millis())
}

/// As the calendar has it: one without a horizon is new.
fn date_of(horizon: i64) -> Bson {
    if horizon == i64::MIN { Bson::Null } else { DateTime::from_millis(horizon).into() }
}

fn read(document: &Document) -> Result<Told, StoreError> {
    let read = || {
        let horizon = document.get("horizon").map_or(Some(i64::MIN), millis)?;
        let starts = match document.get("starts") {
            None => Vec::new(),
            Some(starts) => starts.as_array()?.iter().map(millis).collect::<Option<_>>()?,
        };
        let events = document.get_i64("events").unwrap_or(0);
        let events = u64::try_from(events).unwrap_or(0);
        starts.is_sorted().then_some(Told { periods: Periods { starts, horizon }, events })
    };
    read().ok_or_else(|| {
        StoreError::Unreadable(format!("the document {JOURNEYS:?} in {PERIODS} is no calendar"))
    })
}

#[cfg(test)]
mod tests;
