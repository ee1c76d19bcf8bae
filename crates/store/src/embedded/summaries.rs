//! Accounts, counted by SQLite from one index that has all it needs.
//!
//! What does not fit into a connection's cache while it groups goes to a
//! temporary file, so memory is bounded however many users an account has.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use trailkeep_event::Timestamp;

use super::EmbeddedStore;
use super::account_events::newest;
use crate::summaries::{AccountStore, QueryError, Summary, SummaryRange, UserEvents};
use crate::{JourneyPart, Position, StoreError};

macro_rules! summary {
    ($at:literal, $by_time:literal, $series:literal) => {
        concat!(
            "
    WITH groups AS MATERIALIZED (
        SELECT user_id, type, ",
            $at,
            " AS at, count(*) AS events
        FROM events INDEXED BY events_account
        WHERE account_id = ?1 AND occurred_at BETWEEN ?2 AND ?3
        GROUP BY user_id, type",
            $by_time,
            "
    ),
    users AS MATERIALIZED (
        SELECT user_id, sum(events) AS events FROM groups GROUP BY user_id
    ),
    types AS MATERIALIZED (
        SELECT type, sum(events) AS events FROM groups
        GROUP BY type ORDER BY events DESC, type LIMIT ?4
    )
    SELECT 'total', '', 0, ifnull(sum(events), 0) FROM users
    UNION ALL
    SELECT 'users', '', 0, count(*) FROM users
    UNION ALL
    SELECT 'type', type, 0, events FROM types
    UNION ALL
    SELECT * FROM (
        SELECT 'user', user_id, 0, events FROM users ORDER BY events DESC, user_id LIMIT ?5
    )",
            $series
        )
    };
}

/// One scan of the index, then everything from its groups. `INDEXED BY` turns a
/// plan without the index into an error.
pub(super) const SUMMARY: &str = summary!("0", "", "");

/// The same with a series in steps of ?6 milliseconds. SQLite rounds towards zero,
/// which is up for what happened before 1970.
pub(super) const SUMMARY_WITH_SERIES: &str = summary!(
    "occurred_at - ((occurred_at % ?6) + ?6) % ?6",
    ", at",
    "
    UNION ALL
    SELECT 'at', type, at, sum(events) FROM groups
    WHERE type IN (SELECT type FROM types) GROUP BY type, at"
);

macro_rules! account {
    ($end:literal, $condition:literal) => {
        concat!(
            "SELECT ",
            $end,
            "(account_id) FROM events INDEXED BY events_account WHERE account_id ",
            $condition
        )
    };
}

pub(super) const FIRST_ACCOUNT: &str = account!("min", "IS NOT NULL");
pub(super) const LAST_ACCOUNT: &str = account!("max", "IS NOT NULL");
pub(super) const ACCOUNT_FROM: &str = account!("min", ">= ?1");
pub(super) const ACCOUNT_AFTER: &str = account!("min", "> ?1");

#[async_trait]
impl AccountStore for EmbeddedStore {
    async fn summary(&self, range: &SummaryRange, limit: Duration) -> Result<Summary, QueryError> {
        let range = range.clone();
        self.counters.read_within(limit, move |connection| summary(connection, &range)).await
    }

    async fn account_ends(&self, limit: Duration) -> Result<Option<(String, String)>, QueryError> {
        self.counters
            .read_within(limit, |connection| {
                let first = account(connection, FIRST_ACCOUNT, None)?;
                let last = account(connection, LAST_ACCOUNT, None)?;
                Ok(first.zip(last))
            })
            .await
    }

    async fn accounts_from(
        &self,
        start: &str,
        wanted: usize,
        limit: Duration,
    ) -> Result<Vec<String>, QueryError> {
        let start = start.to_owned();
        self.counters
            .read_within(limit, move |connection| accounts_from(connection, &start, wanted))
            .await
    }

    /// Beside journeys, and not with what counts: it costs as much as one of them.
    async fn events(
        &self,
        account_id: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<JourneyPart, StoreError> {
        let account_id = account_id.to_owned();
        self.readers
            .read(move |connection| newest(connection, &account_id, after.as_ref(), limit))
            .await
    }
}

fn summary(connection: &Connection, range: &SummaryRange) -> rusqlite::Result<Summary> {
    let sql = if range.bucket.is_some() { SUMMARY_WITH_SERIES } else { SUMMARY };
    let mut statement = connection.prepare_cached(sql)?;
    let (from, to) = (range.from.as_millis(), range.to.as_millis());
    let (types, top) = (count(range.max_types()), count(range.top));
    let mut rows = match range.bucket {
        None => statement.query(params![range.account_id, from, to, types, top])?,
        Some(bucket) => {
            statement.query(params![range.account_id, from, to, types, top, bucket.millis()])?
        }
    };
    let mut summary = Summary::default();
    while let Some(row) = rows.next()? {
        add(row, &mut summary)?;
    }
    Ok(summary)
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn add(row: &Row<'_>, summary: &mut Summary) -> rusqlite::Result<()> {
    let events = u64::try_from(row.get::<_, i64>(3)?).unwrap_or_default();
    match row.get_ref(0)?.as_str()? {
        "total" => summary.total = events,
        "users" => summary.unique_users = events,
        "type" => drop(summary.totals.insert(row.get(1)?, events)),
        "at" => {
            let at = Timestamp::from_millis_clamped(row.get(2)?);
            summary.series.entry(at).or_default().insert(row.get(1)?, events);
        }
        _ => summary.top_users.push(UserEvents { user_id: row.get(1)?, events }),
    }
    Ok(())
}

fn accounts_from(
    connection: &Connection,
    start: &str,
    wanted: usize,
) -> rusqlite::Result<Vec<String>> {
    let mut accounts: Vec<String> = Vec::with_capacity(wanted);
    while accounts.len() < wanted {
        let next = match accounts.last() {
            Some(last) => account(connection, ACCOUNT_AFTER, Some(last))?,
            None => account(connection, ACCOUNT_FROM, Some(start))?,
        };
        match next {
            Some(next) => accounts.push(next),
            None => break,
        }
    }
    Ok(accounts)
}

fn account(
    connection: &Connection,
    sql: &str,
    place: Option<&str>,
) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement
        .query_row(rusqlite::params_from_iter(place), |row| row.get::<_, Option<String>>(0));
    Ok(found.optional()?.flatten())
}
