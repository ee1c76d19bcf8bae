//! How much ids did by day, counted from the index of journeys alone.
//!
//! Each id is one scan, newest first; they are merged here, so that counting ends with
//! the newest events of all of them.

use std::collections::{BTreeMap, BinaryHeap};

use async_trait::async_trait;
use rusqlite::{Connection, Rows, params};
use trailkeep_event::{Arrival, Timestamp};

use super::EmbeddedStore;
use crate::StoreError;
use crate::activity::{Activity, ActivityStore, DAY_MS, latest_before};

/// When the events of an id happened, newest first. `INDEXED BY` turns a plan without
/// the index into an error.
pub(super) const TIMES: &str = "
    SELECT occurred_at FROM events INDEXED BY events_journey
    WHERE user_id = ?1 AND occurred_at BETWEEN ?2 AND ?3 AND (?4 IS NULL OR arrival < ?4)
    ORDER BY occurred_at DESC";

#[async_trait]
impl ActivityStore for EmbeddedStore {
    async fn activity(
        &self,
        ids: &[(String, Option<Arrival>)],
        from: Timestamp,
        most: u64,
    ) -> Result<Activity, StoreError> {
        let ids = ids.to_vec();
        self.readers.read(move |connection| activity(connection, &ids, from, most)).await
    }
}

fn activity(
    connection: &Connection,
    ids: &[(String, Option<Arrival>)],
    from: Timestamp,
    most: u64,
) -> rusqlite::Result<Activity> {
    let prepared = ids.iter().map(|_| connection.prepare_cached(TIMES));
    let mut statements = prepared.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut scans = Vec::with_capacity(ids.len());
    for ((id, until), statement) in ids.iter().zip(&mut statements) {
        let latest = until.map_or(i64::MAX, |until| latest_before(until).as_millis());
        let until = until.map(Arrival::as_i64);
        scans.push(statement.query(params![id, from.as_millis(), latest, until])?);
    }
    let mut days = BTreeMap::new();
    count_newest(&mut scans, most, &mut days)?;
    Ok(Activity::of_newest(days, most))
}

/// Counts the newest events of all scans: one more than `most` where there are more.
fn count_newest(
    scans: &mut [Rows<'_>],
    most: u64,
    days: &mut BTreeMap<Timestamp, u64>,
) -> rusqlite::Result<()> {
    let mut heads = BinaryHeap::with_capacity(scans.len());
    for (scan, rows) in scans.iter_mut().enumerate() {
        heads.extend(next(rows)?.map(|time| (time, scan)));
    }
    let mut counted = 0;
    while counted <= most
        && let Some((time, scan)) = heads.pop()
    {
        let day = Timestamp::from_millis_clamped(time.div_euclid(DAY_MS) * DAY_MS);
        *days.entry(day).or_default() += 1;
        counted += 1;
        heads.extend(next(&mut scans[scan])?.map(|time| (time, scan)));
    }
    Ok(())
}

fn next(rows: &mut Rows<'_>) -> rusqlite::Result<Option<i64>> {
    rows.next()?.map(|row| row.get(0)).transpose()
}
