//! Promises about events that are found by what their payloads have at a key.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use trailkeep_event::Accepted;
use trailkeep_store::Store;
use trailkeep_store::payloads::{PayloadHit, PayloadKey, PayloadStore, PayloadValue};

use crate::samples::{event, payload, store_all};

fn keys(names: &[&str]) -> Vec<PayloadKey> {
    names.iter().map(|name| PayloadKey::new(name).unwrap()).collect()
}

fn value(typed: &str) -> PayloadValue {
    PayloadValue::typed(typed).unwrap()
}

/// An event that has this JSON as its payload, so many milliseconds past the samples' start.
fn with(user: &str, json: &str, number: i64) -> Accepted {
    let mut accepted = event(user, &format!("e{number}"), number, number + 1);
    accepted.event.payload = payload(json);
    accepted
}

async fn search(
    payloads: &dyn PayloadStore,
    key: &PayloadKey,
    typed: &str,
    most: usize,
) -> Vec<PayloadHit> {
    payloads.by_payload(key, &value(typed), most).await.unwrap().expect("an index")
}

async fn users(payloads: &dyn PayloadStore, key: &PayloadKey, typed: &str) -> Vec<String> {
    let hits = search(payloads, key, typed, 100).await;
    hits.into_iter().map(|hit| hit.user_id.into()).collect()
}

/// What there is, in JSON, and what is typed: each is found where it is that as a whole.
pub async fn a_value_is_found_as_a_whole_text_or_number_and_in_nothing_else(
    store: Arc<dyn Store>,
    payloads: Arc<dyn PayloadStore>,
) {
    let long = format!("\"{}\"", "x".repeat(256));
    let longer = format!("\"{}\"", "x".repeat(257));
    let json = [
        "\"A-1001\"",
        "\"a-1001\"",
        "\"A-1001 \"",
        "\"1234\"",
        "1234",
        "1234.0",
        "1234.5",
        "\"01234\"",
        "-7",
        "0",
        "-0.0",
        "19.9",
        "\"19.90\"",
        "0.1",
        "9007199254740993",
        "9007199254740992",
        "9007199254740992.0",
        "9223372036854775807",
        "12345678901234567890",
        "1e300",
        "true",
        "false",
        "null",
        "\"true\"",
        "\"null\"",
        "[1234]",
        "[\"A-1001\"]",
        "[]",
        "[[\"A-1001\"]]",
        "{}",
        "{\"k\":\"A-1001\"}",
        "{\"k\":1234}",
        "\"\"",
        "\"[1234]\"",
        "\"{}\"",
        "\"it's\"",
        "\"a\\\"b\"",
        "\"\\\\\"",
        "\"漢字 ä\"",
        "\"$ne\"",
        "\"%\"",
        "\"a\\nb\"",
        &long,
        &longer,
    ];
    let key = &keys(&["k"])[0];
    let events: Vec<_> = (0..)
        .zip(json)
        .map(|(number, json)| with(&format!("u{number}"), &format!("{{\"k\":{json}}}"), number))
        .collect();
    store_all(&*store, &events).await;
    payloads.index_payloads(std::slice::from_ref(key)).await.unwrap();
    let typed = [
        "A-1001",
        "a-1001",
        "A-100",
        "1234",
        "1234.0",
        "1234.5",
        "01234",
        "-7",
        "0",
        "-0",
        "19.90",
        "19.9",
        "0.1",
        "9007199254740993",
        "9007199254740992",
        "9223372036854775807",
        "9223372036854775808",
        "12345678901234567890",
        "1e300",
        "1",
        "true",
        "null",
        "NaN",
        "[1234]",
        "[\"A-1001\"]",
        "{}",
        "[]",
        "it's",
        "a\"b",
        "\\",
        "漢字 ä",
        "$ne",
        "%",
        "{\"k\":1234}",
        "\"1234\"",
        ".*",
        &"x".repeat(256),
    ];
    for typed in typed {
        let value = value(typed);
        let has = |event: &&Accepted| value.is_in(&event.event.payload, key);
        let mut expected: Vec<_> =
            events.iter().filter(has).map(|event| event.event.user_id.to_string()).collect();
        expected.reverse();
        assert_eq!(users(&*payloads, key, typed).await, expected, "{typed}");
    }
    assert_eq!(users(&*payloads, key, "1234").await, ["u5", "u4", "u3"]);
    assert_eq!(users(&*payloads, key, "A-1001").await, ["u0"]);
}

/// As many as were asked for, whatever order they came in.
pub async fn the_newest_events_with_a_value_come_first(
    store: Arc<dyn Store>,
    payloads: Arc<dyn PayloadStore>,
) {
    let key = &keys(&["orderId"])[0];
    payloads.index_payloads(std::slice::from_ref(key)).await.unwrap();
    let random = &mut StdRng::seed_from_u64(0x006f_7264);
    let mut events: Vec<_> = (0..200)
        .map(|number| {
            let json = ["7", "\"7\"", "8", "[7]"].choose(random).unwrap();
            with(
                &format!("u{}", random.random_range(0..20)),
                &format!("{{\"orderId\":{json}}}"),
                number,
            )
        })
        .collect();
    events.shuffle(random);
    store_all(&*store, &events).await;
    let has = |event: &&Accepted| value("7").is_in(&event.event.payload, key);
    let mut expected: Vec<PayloadHit> = events.iter().filter(has).map(hit).collect();
    expected.sort_by_key(|hit| std::cmp::Reverse(hit.occurred_at));
    let all = search(&*payloads, key, "7", 200).await;
    assert!(all == expected && all.len() > 50, "{} of {}", all.len(), expected.len());
    for most in [0, 1, 2, 10] {
        let found = search(&*payloads, key, "7", most).await;
        // Those that have it in a list are read with the others, and not given.
        assert!(found.len() <= most && expected.starts_with(&found), "{found:?}");
    }
}

fn hit(accepted: &Accepted) -> PayloadHit {
    let event = &accepted.event;
    PayloadHit {
        user_id: event.user_id.clone(),
        occurred_at: event.occurred_at,
        received_at: event.received_at,
        arrival: accepted.arrival,
    }
}

pub async fn an_event_is_stored_whatever_it_has_at_a_key(
    store: Arc<dyn Store>,
    payloads: Arc<dyn PayloadStore>,
) {
    let all = keys(&["a", "b", "c"]);
    payloads.index_payloads(&all).await.unwrap();
    let text = |bytes: usize| format!("\"{}\"", "ä\\n".repeat(bytes / 4));
    let numbers: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    let nested = (0..30).fold("1".to_owned(), |inner, _| format!("{{\"a\":[{inner}]}}"));
    let values = [
        text(32 << 10),
        text(8 << 20),
        format!("[{}]", numbers.join(",")),
        format!("[{}]", vec![text(3_000); 1_000].join(",")),
        format!("[[{}],{{\"b\":[1,2]}}]", numbers.join(",")),
        nested,
        "null".to_owned(),
        "{\"\":{\"$a\":1,\"a.b\":[null]}}".to_owned(),
        "1e308".to_owned(),
        "-0.0".to_owned(),
        "\"NaN\"".to_owned(),
    ];
    for (number, json) in (0..).zip(&values) {
        // One after the other: together they are more than one insert takes.
        let small = if json.len() > 1 << 20 { "1" } else { json };
        let payload = format!("{{\"a\":{json},\"b\":{small},\"c\":{small}}}");
        store_all(&*store, &[with("ann", &payload, number)]).await;
    }
    store_all(&*store, &[with("ann", "{\"b\":\"B\",\"c\":[\"B\"]}", 100)]).await;
    assert_eq!(users(&*payloads, &all[1], "B").await, ["ann"]);
    assert_eq!(users(&*payloads, &all[2], "B").await, [""; 0]);
    assert_eq!(users(&*payloads, &all[0], "NaN").await, ["ann"]);
}

pub async fn a_key_is_searched_while_it_has_an_index(
    store: Arc<dyn Store>,
    payloads: Arc<dyn PayloadStore>,
) {
    let all = keys(&["order number", "it's 0"]);
    let json = |number: i64| format!("{{\"order number\":{number},\"it's 0\":\"x\"}}");
    store_all(&*store, &[with("ann", &json(1), 1)]).await;
    let is_searched = async |key| payloads.by_payload(key, &value("1"), 1).await.unwrap().is_some();
    assert!(!is_searched(&all[0]).await);
    payloads.index_payloads(&all).await.unwrap();
    store_all(&*store, &[with("bob", &json(1), 2)]).await;
    assert_eq!(users(&*payloads, &all[0], "1").await, ["bob", "ann"]);
    assert_eq!(users(&*payloads, &all[1], "x").await, ["bob", "ann"]);
    // It leaves the settings, and the other stays.
    payloads.index_payloads(&all[1..]).await.unwrap();
    assert!(!is_searched(&all[0]).await);
    assert_eq!(users(&*payloads, &all[1], "x").await, ["bob", "ann"]);
    payloads.index_payloads(&all).await.unwrap();
    assert_eq!(users(&*payloads, &all[0], "1").await, ["bob", "ann"]);
    payloads.index_payloads(&[]).await.unwrap();
    for key in &all {
        assert!(!is_searched(key).await);
    }
}

/// One may not want what another makes, as while instances are started anew one by one.
pub async fn indexes_of_keys_are_made_and_dropped_at_once(
    store: Arc<dyn Store>,
    payloads: Arc<dyn PayloadStore>,
) {
    let events: Vec<_> = (0..500).map(|number| with("ann", "{\"a\":1,\"b\":2}", number)).collect();
    store_all(&*store, &events).await;
    let all = keys(&["a", "b"]);
    let made: Vec<_> = (0..6)
        .map(|number| {
            let (payloads, all) = (Arc::clone(&payloads), all.clone());
            tokio::spawn(async move { payloads.index_payloads(&all[..1 + number % 2]).await })
        })
        .collect();
    for made in made {
        made.await.unwrap().unwrap();
    }
    assert_eq!(users(&*payloads, &all[0], "1").await.len(), 100);
    payloads.index_payloads(&all).await.unwrap();
    assert_eq!(users(&*payloads, &all[1], "2").await.len(), 100);
}
