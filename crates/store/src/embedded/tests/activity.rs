use rusqlite::Connection;

use super::*;
use crate::activity::ActivityStore as _;
use crate::embedded::activity::TIMES;
use crate::embedded::folder::DATABASE;

#[tokio::test]
async fn activity_is_counted_from_the_index_of_journeys_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    let mut statement = file.prepare(&format!("EXPLAIN QUERY PLAN {TIMES}")).unwrap();
    let plan: Vec<String> = statement
        .query_map(rusqlite::params!["u", 0, 1, 5], |row| row.get(3))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let search = "SEARCH events USING COVERING INDEX events_journey \
                  (user_id=? AND occurred_at>? AND occurred_at<?)";
    assert_eq!(plan, [search]);
}

/// A hundred ids that did much: the scans end with what is counted.
#[tokio::test]
async fn counting_ends_when_as_many_are_counted_as_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for user in 0..100 {
        store.insert(&events(&format!("u{user}"), 0..200)).await.unwrap();
    }
    let ids: Vec<_> = (0..100).map(|user| (format!("u{user}"), None)).collect();
    let from = Timestamp::from_millis_clamped(0);
    let activity = store.activity(&ids, from, 500).await.unwrap();
    assert!(!activity.is_whole);
    assert_eq!(activity.days.iter().map(|(_, events)| events).sum::<u64>(), 500);
}
