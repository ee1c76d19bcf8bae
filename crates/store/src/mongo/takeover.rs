//! The index of journeys of an older version, replaced while the service works.
//!
//! That index begins with the user. As long as it is there, journeys are read by
//! it, so what is read is right at every moment. Meanwhile:
//!
//! 1. No period begins for a day, for older instances may still be writing.
//! 2. The server builds the new index, beside all writes. It goes on with it when
//!    nobody waits any more.
//! 3. Documents without a period from after the first start are given theirs.
//!    There are some only where an older version ran again after a newer one.
//! 4. Reads go by the new index, and the old one is dropped.
//!
//! Documents from before the first start have no period and need none, so nothing
//! else is written. Each step may be done again, by this instance or another: who
//! finds the old index begins at the first one.

use std::sync::Arc;
use std::time::Duration;

use bson::{DateTime, Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::error::Error;
use mongodb::options::{Hint, UpdateOptions};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::connection::{EVENTS, Link};
use super::errors::{code_of, store_error};
use super::indexes::{OLD_JOURNEY, journey_index};
use super::layout::{Layout, LayoutInUse};
use super::periods::Calendar;
use crate::StoreError;

/// Between two lines of the log on how far it is, and before it is tried again.
const PAUSE: Duration = Duration::from_secs(10);

/// Reads that began by the old index have ended by then, or are asked again.
const LAST_READS: Duration = Duration::from_secs(2);

/// Who asks for the index to be dropped finds it gone already.
const INDEX_NOT_FOUND: i32 = 27;

/// Replaces the old index. Returns when that is done, or cannot be done.
pub async fn run(link: Link, calendar: Arc<Calendar>, layout: Arc<LayoutInUse>) {
    let began = Instant::now();
    tracing::info!(
        "the index of journeys of an older version is being replaced; journeys are read by it \
         until the new one is ready"
    );
    loop {
        match replace(&link, &calendar, &layout).await {
            Ok(()) => break,
            Err(StoreError::Denied(fault)) => {
                tracing::warn!(
                    "the index of journeys of an older version stays, and each event goes on \
                     paying for it: {fault}"
                );
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "the index of journeys is not replaced yet; trying again");
                sleep(PAUSE).await;
            }
        }
    }
    tracing::info!(seconds = began.elapsed().as_secs(), "the index of journeys was replaced");
}

async fn replace(link: &Link, calendar: &Calendar, layout: &LayoutInUse) -> Result<(), StoreError> {
    calendar.hold_back(link).await?;
    build(link).await?;
    let labelled = label(link, calendar).await?;
    if labelled > 0 {
        tracing::info!(events = labelled, "events of an older version were given their periods");
    }
    layout.set(Layout::ByPeriod);
    sleep(LAST_READS).await;
    match link.events::<Document>().drop_index(OLD_JOURNEY).await {
        Err(error) if code_of(&error) != Some(INDEX_NOT_FOUND) => Err(store_error(&error)),
        _ => Ok(()),
    }
}

/// Has the server build the index; answers when it is ready, whoever asked first.
async fn build(link: &Link) -> Result<(), StoreError> {
    let events = link.events::<Document>();
    let building = async { events.create_index(journey_index(Layout::ByPeriod)).await };
    let built = while_building(link, "the new index of journeys is being built", building).await;
    built.map(|_| ()).map_err(|error| store_error(&error))
}

/// Waits for what the server builds, and says in the log how far it is.
pub async fn while_building<T>(
    link: &Link,
    what: &str,
    building: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::pin!(building);
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            built = &mut building => return built,
            _ = ticks.tick() => {
                let server = progress(link).await.unwrap_or_default();
                tracing::info!(server, "{what}");
            }
        }
    }
}

/// What the server does for an index at the moment, and how far it is with that,
/// such as `scanning collection, 42 %`, where it tells us.
pub async fn progress(link: &Link) -> Option<String> {
    let builds = doc! {
        "msg": { "$regex": "^Index Build" },
        "ns": format!("{}.{EVENTS}", link.database().name()),
    };
    let pipeline = [doc! { "$currentOp": { "allUsers": true } }, doc! { "$match": builds }];
    let admin = link.database().client().database("admin");
    let found: Result<Vec<Document>, Error> = match admin.aggregate(pipeline).await {
        Ok(builds) => builds.try_collect().await,
        Err(error) => Err(error),
    };
    described(found.ok()?.first()?)
}

/// An operation of the server in words.
fn described(operation: &Document) -> Option<String> {
    // "Index Build: scanning collection Index Build: scanning collection: 42/99 42%"
    let phase = operation.get_str("msg").ok()?.split(": ").nth(1)?;
    let phase = phase.strip_suffix(" Index Build").unwrap_or(phase);
    let number = |key: &str| {
        let value = operation.get_document("progress").ok()?.get(key)?;
        value.as_i64().or_else(|| value.as_i32().map(i64::from))
    };
    let percent = number("done")
        .zip(number("total").filter(|total| *total > 0))
        .map(|(done, total)| format!(", {} %", done.saturating_mul(100) / total));
    Some(format!("{phase}{}", percent.unwrap_or_default()))
}

/// Gives documents from after the first start that have no period theirs.
async fn label(link: &Link, calendar: &Calendar) -> Result<u64, StoreError> {
    let periods = calendar.refresh(link).await?;
    let starts = periods.starts();
    let ends = starts.iter().skip(1).copied().chain([i64::MAX]);
    let mut labelled = 0;
    for (start, end) in starts.iter().copied().zip(ends) {
        let (start, end) = (DateTime::from_millis(start), DateTime::from_millis(end));
        let without = doc! { "period": null, "occurredAt": { "$gte": start, "$lt": end } };
        let by_period = UpdateOptions::builder().hint(Hint::Keys(Layout::ByPeriod.keys())).build();
        let updated = link
            .events::<Document>()
            .update_many(without, doc! { "$set": { "period": start } })
            .with_options(by_period)
            .await
            .map_err(|error| store_error(&error))?;
        labelled += updated.modified_count;
    }
    Ok(labelled)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_the_server_does_for_an_index_becomes_a_phrase() {
        let scanning = doc! {
            "msg": "Index Build: scanning collection Index Build: scanning collection: \
                    1503094/3000000 50%",
            "progress": { "done": 1_503_094, "total": 3_000_000_i64 },
        };
        assert_eq!(described(&scanning).unwrap(), "scanning collection, 50 %");
        let without = doc! { "msg": "Index Build: draining writes received during build" };
        assert_eq!(described(&without).unwrap(), "draining writes received during build");
        assert_eq!(described(&doc! { "msg": "something else" }), None);
    }
}
