//! An index of events, which takes as long as they take to be read.

use rusqlite::{Connection, TransactionBehavior};
use tokio_util::sync::CancellationToken;

/// Steps of SQLite between two looks at whether a stop has come: less than a millisecond.
const ASKED_EVERY: i32 = 4_000;

/// Makes it in one transaction, which a stop ends.
pub(super) fn build(
    connection: &mut Connection,
    sql: &str,
    stopping: &CancellationToken,
) -> rusqlite::Result<()> {
    let stopping = stopping.clone();
    connection.progress_handler(ASKED_EVERY, Some(move || stopping.is_cancelled()))?;
    let built = in_transaction(connection, sql);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    built
}

fn in_transaction(connection: &mut Connection, sql: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(sql)?;
    transaction.commit()
}
