//! Events, found by what their payloads have at a few keys: one partial index each, on what
//! SQLite reads out of the JSON.
//!
//! The file has those that the settings of the last start named, so they are no part of its
//! format. An index is made by the thread that writes, in one transaction: what is to be
//! stored waits meanwhile, and readers do not. A stop ends it, and the next start begins it
//! anew.
//!
//! Into an index come texts of so many characters as can be looked for, and numbers;
//! nothing else of a payload, and nothing of one that a person made no JSON.

use async_trait::async_trait;
use rusqlite::{Connection, Error, Row, params};
use tracing::info;
use trailkeep_event::{Arrival, Timestamp};

use super::{EmbeddedStore, schema};
use crate::StoreError;
use crate::payloads::{MAX_VALUE_BYTES, PayloadHit, PayloadKey, PayloadStore, PayloadValue};

/// What the names of these indexes begin with.
const NAME: &str = "events_payload.";

/// Name and statement of each index of events.
const INDEXES: &str = "
    SELECT name, sql FROM sqlite_schema
    WHERE type = 'index' AND tbl_name = 'events' AND sql IS NOT NULL";

#[async_trait]
impl PayloadStore for EmbeddedStore {
    async fn index_payloads(&self, keys: &[PayloadKey]) -> Result<(), StoreError> {
        let wanted: Vec<String> = keys.iter().map(index).collect();
        let there = self.readers.read(indexes).await?;
        for (name, _) in there.iter().filter(|(_, sql)| !wanted.contains(sql)) {
            let drop = format!("DROP INDEX IF EXISTS \"{name}\"");
            self.writer.change(move |transaction| transaction.execute_batch(&drop)).await?;
            info!(index = name, "the index of a payload key that no setting names was dropped");
        }
        for sql in wanted {
            if there.iter().all(|(_, other)| *other != sql) {
                // What keeps it does without the condition.
                self.writer.build(sql.replacen("INDEX", "INDEX IF NOT EXISTS", 1)).await?;
            }
        }
        Ok(())
    }

    async fn by_payload(
        &self,
        key: &PayloadKey,
        value: &PayloadValue,
        most: usize,
    ) -> Result<Option<Vec<PayloadHit>>, StoreError> {
        let (sql, value) = (select(key), value.clone());
        self.readers.read(move |connection| find(connection, &sql, &value, most)).await
    }
}

/// The keys whose indexes are in the file.
pub(super) fn keys(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let there = indexes(connection)?;
    Ok(there.iter().filter_map(|(name, _)| Some(name.strip_prefix(NAME)?.to_owned())).collect())
}

/// Whether an index, by its table and name, is one of a payload key.
pub(super) fn is_ours(index: &str) -> bool {
    index.strip_prefix("events.").is_some_and(|name| name.starts_with(NAME))
}

/// Name and statement of each index of a payload key.
fn indexes(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut indexes = connection.prepare(INDEXES)?;
    let all = indexes.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut all: Vec<(String, String)> = all.collect::<rusqlite::Result<_>>()?;
    all.retain(|(name, _)| name.starts_with(NAME));
    Ok(all)
}

/// What is compared. A key has neither kind of quote that would end it: the double one
/// is in no key, and the single one is doubled.
fn expression(key: &PayloadKey) -> String {
    let path = format!("'$.\"{}\"'", key.as_str().replace('\'', "''"));
    format!(
        "CASE WHEN NOT json_valid(payload) THEN NULL \
         WHEN json_type(payload, {path}) IN ('text', 'integer', 'real') \
         AND length(json_extract(payload, {path})) <= {MAX_VALUE_BYTES} \
         THEN json_extract(payload, {path}) END"
    )
}

/// As `sqlite_schema` keeps it.
pub(super) fn index(key: &PayloadKey) -> String {
    let value = expression(key);
    format!(
        "CREATE INDEX \"{NAME}{}\" ON events ({value}, occurred_at DESC) WHERE {value} IS NOT NULL",
        key.as_str()
    )
}

/// `INDEXED BY` turns a plan without the index into an error. The value comes as JSON, so
/// that SQLite makes the same number of it as of the one in a payload.
pub(super) fn select(key: &PayloadKey) -> String {
    format!(
        "SELECT user_id, occurred_at, received_at, arrival
         FROM events INDEXED BY \"{NAME}{}\"
         WHERE {} = json_extract(?1, '$')
         ORDER BY occurred_at DESC LIMIT ?2",
        key.as_str(),
        expression(key)
    )
}

/// A text and a number are two scans: in one, SQLite would sort all that it finds. The look
/// at the file before them has the connection notice that indexes were made or dropped; it
/// may take one that has gone for the new one of its name, else.
fn find(
    connection: &Connection,
    sql: &str,
    value: &PayloadValue,
    most: usize,
) -> rusqlite::Result<Option<Vec<PayloadHit>>> {
    let transaction = connection.unchecked_transaction()?;
    transaction.prepare_cached(schema::PING)?.query_row([], |_| Ok(()))?;
    let text = serde_json::Value::from(value.text()).to_string();
    let number = value.number().map(ToString::to_string);
    let mut found = Vec::new();
    for json in std::iter::once(text).chain(number) {
        match scan(&transaction, sql, &json, most) {
            Ok(hits) => found.extend(hits),
            Err(error) if lacks_index(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    found.sort_by_key(|hit| std::cmp::Reverse(hit.occurred_at));
    found.truncate(most);
    Ok(Some(found))
}

fn scan(
    connection: &Connection,
    sql: &str,
    json: &str,
    most: usize,
) -> rusqlite::Result<Vec<PayloadHit>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    connection.prepare_cached(sql)?.query_map(params![json, most], hit)?.collect()
}

fn hit(row: &Row<'_>) -> rusqlite::Result<PayloadHit> {
    Ok(PayloadHit {
        user_id: row.get(0)?,
        occurred_at: Timestamp::from_millis_clamped(row.get(1)?),
        received_at: Timestamp::from_millis_clamped(row.get(2)?),
        arrival: Arrival::from_i64(row.get(3)?),
    })
}

/// It is not there, or is one of its name that does not fit, which a start replaces.
fn lacks_index(error: &Error) -> bool {
    let fault = error.to_string();
    fault.contains("no such index") || fault.contains("no query solution")
}
