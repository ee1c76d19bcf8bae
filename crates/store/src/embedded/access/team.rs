//! The table `team`, which has one row.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use trailkeep_event::Timestamp;

use crate::StoreError;
use crate::embedded::EmbeddedStore;
use crate::embedded::people::tables::from_json;
use crate::team::{TeamRecord, TeamStore};

pub(in crate::embedded) const EVERY: &str = "
    SELECT sentences, hidden_types, pinned_keys, asks_for_reason, updated_at, id FROM team";

const GET: &str = "
    SELECT sentences, hidden_types, pinned_keys, asks_for_reason, updated_at
    FROM team WHERE id = 1";

const SET: &str = "
    INSERT OR REPLACE INTO team (id, sentences, hidden_types, pinned_keys, asks_for_reason,
                                 updated_at)
    VALUES (1, ?1, ?2, ?3, ?4, ?5)";

#[async_trait]
impl TeamStore for EmbeddedStore {
    async fn team(&self) -> Result<Option<TeamRecord>, StoreError> {
        self.readers.read(get).await
    }

    async fn set_team(&self, team: &TeamRecord) -> Result<(), StoreError> {
        let team = team.clone();
        self.writer.change(move |transaction| set(transaction, &team)).await
    }
}

fn get(connection: &Connection) -> rusqlite::Result<Option<TeamRecord>> {
    connection.prepare_cached(GET)?.query_row([], team).optional()
}

fn set(transaction: &Transaction<'_>, team: &TeamRecord) -> rusqlite::Result<()> {
    let TeamRecord { sentences, hidden_types, pinned_keys, asks_for_reason, updated_at } = team;
    transaction
        .prepare_cached(SET)?
        .execute(params![
            serde_json::json!(sentences).to_string(),
            serde_json::json!(hidden_types).to_string(),
            serde_json::json!(pinned_keys).to_string(),
            asks_for_reason,
            updated_at.as_millis(),
        ])
        .map(|_| ())
}

pub(in crate::embedded) fn team(row: &Row<'_>) -> rusqlite::Result<TeamRecord> {
    Ok(TeamRecord {
        sentences: from_json(row, 0)?,
        hidden_types: from_json(row, 1)?,
        pinned_keys: from_json(row, 2)?,
        asks_for_reason: row.get(3)?,
        updated_at: Timestamp::from_millis_clamped(row.get(4)?),
    })
}
