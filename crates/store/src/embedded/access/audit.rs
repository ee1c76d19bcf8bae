//! The table `audit_trail`.

use rusqlite::{Connection, Row, ToSql, Transaction, params};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::columns;
use crate::access::{AuditEntry, AuditRange};

pub(in crate::embedded) const EVERY: &str = "
    SELECT id, at, actor, actor_id, action, subject, client, reason FROM audit_trail";

const INSERT: &str = "
    INSERT INTO audit_trail (id, at, actor, actor_id, action, subject, client, reason)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (id) DO NOTHING";

const DELETE_BEFORE: &str = "
    DELETE FROM audit_trail WHERE id IN (
        SELECT id FROM audit_trail WHERE at < ?1 LIMIT ?2
    )";

/// By an index of those that have one.
const FORGET_ADDRESSES: &str = "
    UPDATE audit_trail SET client = NULL WHERE id IN (
        SELECT id FROM audit_trail WHERE client IS NOT NULL AND at < ?1 LIMIT ?2
    )";

/// Entries that are there already stay as they are.
pub(super) fn record(
    transaction: &Transaction<'_>,
    entries: &[AuditEntry],
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(INSERT)?;
    for entry in entries {
        insert.execute(params![
            entry.id.as_bytes(),
            entry.at.as_millis(),
            entry.actor,
            entry.actor_id.map(Uuid::into_bytes),
            entry.action,
            entry.subject,
            entry.client,
            entry.reason,
        ])?;
    }
    Ok(())
}

pub(super) fn page(
    connection: &Connection,
    range: &AuditRange,
    limit: usize,
) -> rusqlite::Result<Vec<AuditEntry>> {
    let before = range.before.map(Uuid::into_bytes);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut parameters: Vec<(&str, &dyn ToSql)> = vec![(":limit", &limit)];
    let mut conditions = Vec::new();
    if let Some(before) = &before {
        conditions.push("id < :before");
        parameters.push((":before", before));
    }
    if let Some(actor) = &range.actor {
        conditions.push("actor = :actor");
        parameters.push((":actor", actor));
    }
    if let Some(subject) = &range.subject {
        conditions.push("subject = :subject");
        parameters.push((":subject", subject));
    }
    connection
        .prepare_cached(&select(&conditions))?
        .query_map(parameters.as_slice(), entry)?
        .collect()
}

/// Only the conditions that are asked for, so that each combination gets the
/// index that suits it.
fn select(conditions: &[&str]) -> String {
    let filter = match conditions {
        [] => String::new(),
        conditions => format!("WHERE {} ", conditions.join(" AND ")),
    };
    format!(
        "SELECT id, at, actor, actor_id, action, subject, client, reason
         FROM audit_trail {filter}ORDER BY id DESC LIMIT :limit"
    )
}

/// One step of a sweep: how many it has deleted.
pub(super) fn delete_before(
    transaction: &Transaction<'_>,
    since: Timestamp,
    rows: usize,
) -> rusqlite::Result<usize> {
    transaction.prepare_cached(DELETE_BEFORE)?.execute(params![since.as_millis(), rows as i64])
}

/// One step of a sweep: how many addresses it has taken out.
pub(super) fn forget_addresses(
    transaction: &Transaction<'_>,
    since: Timestamp,
    rows: usize,
) -> rusqlite::Result<usize> {
    let mut forget = transaction.prepare_cached(FORGET_ADDRESSES)?;
    forget.execute(params![since.as_millis(), rows as i64])
}

pub(in crate::embedded) fn entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        id: columns::uuid(row, 0)?,
        at: Timestamp::from_millis_clamped(row.get(1)?),
        actor: row.get(2)?,
        actor_id: columns::optional_uuid(row, 3)?,
        action: row.get(4)?,
        subject: row.get(5)?,
        client: row.get(6)?,
        reason: row.get(7)?,
    })
}

#[cfg(test)]
mod tests;
