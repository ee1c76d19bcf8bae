use rusqlite::{Connection, params};

use super::*;
use crate::embedded::folder::DATABASE;
use crate::embedded::{inspect, payloads};
use crate::payloads::{PayloadKey, PayloadStore as _, PayloadValue};

fn keys(names: &[&str]) -> Vec<PayloadKey> {
    names.iter().map(|name| PayloadKey::new(name).unwrap()).collect()
}

async fn users(store: &EmbeddedStore, key: &PayloadKey, typed: &str) -> Option<Vec<String>> {
    let value = PayloadValue::typed(typed).unwrap();
    let found = store.by_payload(key, &value, 10).await.unwrap();
    found.map(|found| found.into_iter().map(|hit| hit.user_id.into()).collect())
}

#[tokio::test]
async fn a_search_is_one_seek_without_sorting() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let key = keys(&["order 'n' ä"]).remove(0);
    store.index_payloads(std::slice::from_ref(&key)).await.unwrap();
    let plan = store.readers.read(move |connection| {
        let sql = format!("EXPLAIN QUERY PLAN {}", payloads::select(&key));
        let mut plan = connection.prepare(&sql)?;
        let steps = plan.query_map(params!["7", 10], |row| row.get::<_, String>(3))?;
        steps.collect::<rusqlite::Result<Vec<_>>>()
    });
    let plan = plan.await.unwrap();
    assert_eq!(plan.len(), 1, "{plan:?}");
    assert!(plan[0].starts_with("SEARCH events USING INDEX events_payload."), "{plan:?}");
    assert!(plan[0].contains("(<expr>=?)"), "{plan:?}");
}

#[tokio::test]
async fn only_events_with_the_key_are_in_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let key = &keys(&["k"])[0];
    store.index_payloads(std::slice::from_ref(key)).await.unwrap();
    let long = format!("{{\"k\":\"{}\"}}", "x".repeat(300));
    for (number, json) in
        (0..).zip(["{}", "{\"k\":[1]}", "{\"k\":null}", "{\"a\":{\"k\":1}}", &long])
    {
        store.insert(&[event_with("u", number, json)]).await.unwrap();
    }
    let entries = || {
        let file = Connection::open(folder.path().join(DATABASE)).unwrap();
        let sql: String = file
            .query_row("SELECT sql FROM sqlite_schema WHERE name = 'events_payload.k'", [], |row| {
                row.get(0)
            })
            .unwrap();
        let (_, condition) = sql.rsplit_once(" WHERE ").unwrap();
        let count = format!("SELECT count(*) FROM events WHERE {condition}");
        file.query_row(&count, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(entries(), 0);
    store.insert(&[event_with("u", 9, "{\"k\":1}")]).await.unwrap();
    assert_eq!(entries(), 1);
}

/// The file is anyone's to write to.
#[tokio::test]
async fn a_payload_that_is_no_json_keeps_no_index_from_being_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let stored = [event_with("u", 1, "{\"k\":\"A\"}"), event_with("spoilt", 2, "{\"k\":\"A\"}")];
    store.insert(&stored).await.unwrap();
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    file.execute("UPDATE events SET payload = '{\"k\":\"A\"' WHERE user_id = 'spoilt'", [])
        .unwrap();
    let key = &keys(&["k"])[0];
    store.index_payloads(std::slice::from_ref(key)).await.unwrap();
    assert_eq!(users(&store, key, "A").await.unwrap(), ["u"]);
    // With the index there, too.
    file.execute("UPDATE events SET payload = '' WHERE user_id = 'u'", []).unwrap();
    assert_eq!(users(&store, key, "A").await.unwrap(), [""; 0]);
}

/// A start with keys of another case, or of another version's expression.
#[tokio::test]
async fn an_index_of_the_same_name_that_is_not_the_same_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&[event_with("u", 1, "{\"orderId\":\"A\"}")]).await.unwrap();
    store.index_payloads(&keys(&["ORDERID"])).await.unwrap();
    let key = &keys(&["orderId"])[0];
    store.index_payloads(std::slice::from_ref(key)).await.unwrap();
    assert_eq!(users(&store, key, "A").await.unwrap(), ["u"]);
    store.close().await;

    let store = open(folder.path());
    assert_eq!(users(&store, key, "A").await.unwrap(), ["u"], "it stays over a start");
    store.close().await;
    let look =
        |wanted: &[&str]| inspect(folder.path(), false, &keys(wanted)).unwrap().unwrap().indexes;
    let seen = look(&["orderId"]);
    assert_eq!((seen.missing, seen.others), (vec![], vec![]));
    assert_eq!((seen.unsearched, seen.unwanted), (vec![], vec![]));
    let seen = look(&["sku"]);
    assert_eq!(seen.others, [""; 0]);
    assert_eq!(
        (seen.unsearched, seen.unwanted),
        (vec!["sku".to_owned()], vec!["orderId".to_owned()])
    );
}

#[tokio::test]
async fn a_stop_gives_up_an_index_and_the_next_start_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let events = (0..5_000).map(|number| event_with("u", number, "{\"k\":\"A\"}"));
    store.insert(&events.collect::<Vec<_>>()).await.unwrap();
    let key = &keys(&["k"])[0];
    let held = hold_up(&store);
    let making = store.writer.build(payloads::index(key));
    let closing = async {
        // Whatever is ready is polled once before: the index is asked for by now.
        tokio::task::yield_now().await;
        store.close().await;
    };
    let releasing = async {
        until("it is to stop", || async { store.writer.is_stopping() }).await;
        drop(held);
    };
    let (made, (), ()) = tokio::join!(making, closing, releasing);
    let error = made.unwrap_err();
    assert!(
        matches!(&error, StoreError::Unavailable(reason) if reason.contains("interrupted")),
        "{error:?}"
    );

    let store = open(folder.path());
    assert_eq!(count(&store, "u").await, 5_000);
    assert_eq!(users(&store, key, "A").await, None);
    store.index_payloads(std::slice::from_ref(key)).await.unwrap();
    assert_eq!(users(&store, key, "A").await.unwrap().len(), 10);
}
