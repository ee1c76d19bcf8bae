use rusqlite::{Connection, params_from_iter};

use super::*;
use crate::embedded::folder::DATABASE;
use crate::embedded::{account_events, schema, summaries};
use crate::summaries::{AccountStore as _, QueryError, SummaryRange};

const LIMIT: Duration = Duration::from_secs(30);

fn whole_of(account: &str) -> SummaryRange {
    SummaryRange {
        account_id: account.to_owned(),
        from: Timestamp::from_millis_clamped(i64::MIN),
        to: Timestamp::from_millis_clamped(i64::MAX),
        top: 10,
        bucket: None,
    }
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let values = vec![1; statement.parameter_count()];
    statement
        .query_map(params_from_iter(values), |row| row.get::<_, String>(3))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[tokio::test]
async fn accounts_are_answered_from_their_index() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    for sql in [summaries::SUMMARY, summaries::SUMMARY_WITH_SERIES] {
        let steps = plan(&file, sql);
        let search = "SEARCH events USING COVERING INDEX events_account \
                      (account_id=? AND occurred_at>? AND occurred_at<?)";
        let reads = steps.iter().filter(|step| step.contains(" events "));
        assert!(reads.eq([search]), "{steps:?}");
    }
    let search = "SEARCH events USING INDEX events_account (account_id=? AND occurred_at<?)";
    assert_eq!(plan(&file, account_events::NEWEST), [search]);
    for (sql, bound) in [
        (summaries::FIRST_ACCOUNT, "(account_id>?)"),
        (summaries::LAST_ACCOUNT, "(account_id>?)"),
        (summaries::ACCOUNT_FROM, "(account_id>?)"),
        (summaries::ACCOUNT_AFTER, "(account_id>?)"),
    ] {
        let search = format!("SEARCH events USING COVERING INDEX events_account {bound}");
        assert_eq!(plan(&file, sql), [search], "{sql}");
    }
}

/// Counted in SQLite's own steps.
#[tokio::test]
async fn an_account_is_found_at_the_same_cost_however_many_events_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let events: Vec<_> = (0..5_000)
        .map(|number| {
            let mut accepted = Accepted::clone(&event("u", number));
            accepted.event.account_id = Some("whale".into());
            Arc::new(accepted)
        })
        .collect();
    store.insert(&events).await.unwrap();
    for sql in [
        summaries::FIRST_ACCOUNT,
        summaries::LAST_ACCOUNT,
        summaries::ACCOUNT_FROM,
        summaries::ACCOUNT_AFTER,
    ] {
        let steps = store
            .readers
            .read(move |connection| {
                let mut statement = connection.prepare(sql)?;
                let place: Option<&str> = sql.contains("?1").then_some("a");
                statement.query_row(params_from_iter(place), |_| Ok(()))?;
                Ok(statement.get_status(rusqlite::StatementStatus::VmStep))
            })
            .await
            .unwrap();
        assert!(steps < 100, "{steps} steps for {sql}");
    }
}

#[tokio::test]
async fn a_file_of_the_version_before_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    for step in &schema::MIGRATIONS[..2] {
        file.execute_batch(step).unwrap();
    }
    file.pragma_update(None, "application_id", 0x5452_4b50).unwrap();
    file.pragma_update(None, "user_version", 2).unwrap();
    file.execute(
        "INSERT INTO events VALUES (1, zeroblob(16), 'u', 'e', 't', NULL, 'a', '{}', 0, 0, 0)",
        [],
    )
    .unwrap();
    drop(file);
    let store = open(folder.path());
    let summary = store.summary(&whole_of("a"), LIMIT).await.unwrap();
    assert_eq!(summary.total, 1);
}

#[tokio::test]
async fn a_heavy_account_takes_no_connection_from_journeys() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let endless = |connection: &Connection| {
        connection.query_row(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n",
            [],
            |row| row.get::<_, i64>(0),
        )
    };
    let counting: Vec<_> = (0..20)
        .map(|_| {
            let counters = Arc::clone(&store.counters);
            tokio::spawn(async move { counters.read_within(LIMIT, endless).await })
        })
        .collect();
    assert_eq!(count(&store, "u").await, 0);
    let outcomes = store.insert(&events("u", 0..1)).await.unwrap();
    assert_eq!(outcomes, [Outcome::Stored]);
    store.close().await;
    for counting in counting {
        let ended = counting.await.unwrap();
        assert!(matches!(ended, Err(QueryError::Store(_))), "{ended:?}");
    }
}
