#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};

use super::*;
use crate::dialect::tests::{left_out, on_terms, payload};
use crate::{Event, KnownAs};

fn taken(body: &Value) -> Taken {
    let unwanted = ["$snapshot", "$heatmap"].map(Box::from).into_iter().collect();
    on_terms(|terms| read(body.to_string().as_bytes(), None, &unwanted, terms)).unwrap()
}

fn one(body: &Value) -> Event {
    let mut taken = taken(body);
    assert_eq!(taken.events.len(), 1, "{body}: {:?}", taken.left_out);
    taken.events.remove(0)
}

fn named(event: &str, properties: Value) -> Value {
    json!({"event": event, "distinct_id": "ann", "properties": properties})
}

#[test]
fn the_body_is_an_event_a_list_or_a_batch_and_names_the_key() {
    let event = json!({"event": "e", "distinct_id": "ann", "properties": {"token": "k"}});
    let bare = named("e", json!({}));
    for body in [
        event.clone(),
        json!([event]),
        json!({"api_key": "k", "batch": [bare]}),
        json!({"batch": [bare], "token": "k", "historical_migration": true}),
        json!([{"event": "e", "distinct_id": "ann", "api_key": "k"}]),
    ] {
        let taken = taken(&body);
        assert_eq!(taken.events.len(), 1, "{body}");
        assert_eq!(taken.key.as_deref(), Some("k"), "{body}");
        assert_eq!(payload(&taken.events[0]), json!({}));
    }
}

#[test]
fn each_event_has_its_type() {
    for (event, kind) in [
        ("$pageview", "page_view"),
        ("$pageleave", "page_leave"),
        ("$screen", "screen_view"),
        ("$identify", "identify"),
        ("$set", "identify"),
        ("$set_once", "identify"),
        ("$create_alias", "alias"),
        ("$groupidentify", "group"),
        ("$exception", "error"),
        ("$autocapture", "$autocapture"),
        ("order placed", "order placed"),
    ] {
        assert_eq!(&*one(&named(event, json!({"alias": "b"}))).kind, kind);
    }
    for (event_type, kind) in
        [("click", "button_click"), ("submit", "form_submit"), ("change", "form_change")]
    {
        assert_eq!(&*one(&named("$autocapture", json!({"$event_type": event_type}))).kind, kind);
    }
    let name = "é".repeat(40);
    let event = one(&named(&name, json!({})));
    assert_eq!((&*event.kind, payload(&event)), (&*"é".repeat(32), json!({"event": name})));
}

#[test]
fn what_nobody_wants_is_left_out_and_is_no_fault() {
    let body = json!([named("$snapshot", json!({})), named("e", json!({}))]);
    let taken = taken(&body);
    assert_eq!((taken.events.len(), taken.left_out.unwanted), (1, 1));
    assert!(taken.left_out.faults.is_empty());
}

#[test]
fn whose_it_is() {
    let both = |anonymous_id| KnownAs::Both { anonymous_id };
    for (event, properties, user, known_as) in [
        ("e", json!({}), "ann", KnownAs::User),
        ("e", json!({"$device_id": "d1"}), "ann", both("d1")),
        ("e", json!({"$device_id": "ann"}), "ann", KnownAs::Visitor),
        ("e", json!({"$device_id": "d1", "$is_identified": false}), "ann", KnownAs::Visitor),
        ("$identify", json!({"$anon_distinct_id": "v1", "$device_id": "d1"}), "ann", both("v1")),
        ("$groupidentify", json!({"$group_key": "acme"}), "ann", KnownAs::Visitor),
        ("$create_alias", json!({"alias": "v1"}), "ann", both("v1")),
        ("$create_alias", json!({"alias": "ann"}), "ann", KnownAs::User),
        ("$create_alias", json!({"alias": "bob", "$lib": "posthog-python"}), "bob", both("ann")),
    ] {
        let event = one(&named(event, properties.clone()));
        assert_eq!((&*event.user_id, event.known_as()), (user, known_as), "{properties}");
        assert_eq!(payload(&event).get("alias"), None);
    }
    let number = one(&json!({"event": "e", "properties": {"distinct_id": 7}}));
    assert_eq!(&*number.user_id, "7");
    let long = taken(&json!({"event": "e", "distinct_id": "x".repeat(257)}));
    assert_eq!(left_out(&long), [(0, "distinct_id", "is longer than 256 bytes")]);
}

/// The pair has no direction: an id that a device made up is nobody's name.
#[test]
fn of_a_pair_the_one_that_is_a_uuid_is_the_anonymous_one() {
    let made_up = "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88";
    for (own, other) in [("ann", made_up), (made_up, "ann")] {
        let event = one(&json!({"event": "$create_alias", "distinct_id": own,
            "properties": {"alias": other}}));
        assert_eq!(&*event.user_id, "ann");
        assert_eq!(event.anonymous_id.as_deref(), Some(made_up));
    }
}

#[test]
fn session_account_and_name_of_an_event_are_found() {
    let event = one(&json!({"event": "e", "distinct_id": "ann", "uuid": "u-1",
        "properties": {"$insert_id": "i-1", "$session_id": "s-1",
            "$groups": {"team": "t", "company": "acme", "x": 1}}}));
    assert_eq!(&*event.event_id, "u-1");
    assert_eq!(event.session_id.as_deref(), Some("s-1"));
    assert_eq!(event.account_id.as_deref(), Some("acme"));
    let event = one(&named("e", json!({"$insert_id": "i-1", "$groups": {"team": "t", "y": 1}})));
    assert_eq!(&*event.event_id, "i-1");
    assert_eq!(event.account_id.as_deref(), Some("t"));
    let group = named(
        "$groupidentify",
        json!({"$group_type": "company", "$group_key": "acme",
        "$group_set": {"plan": "pro"}}),
    );
    let event = one(&group);
    assert_eq!(event.account_id.as_deref(), Some("acme"));
    assert_eq!(payload(&event)["traits"], json!({"plan": "pro"}));
}

#[test]
fn a_payload_has_the_properties_without_dollars_ids_and_libraries() {
    let event = one(&named(
        "$pageview",
        json!({"token": "k", "distinct_id": "ann", "$lib": "web", "$lib_version": "1",
            "$device_id": "d", "$window_id": "w", "$user_id": "ann", "$groups": {},
            "$current_url": "https://a.example/", "$browser": "Firefox", "$os": "Linux",
            "$host": "kept", "host": "own", "plan": "pro", "$ip": "192.0.2.7",
            "$raw_user_agent": "Mozilla/5.0 (iPad) Safari/604.1", "$$x": 1, "$": 2}),
    ));
    assert_eq!(
        payload(&event),
        json!({"current_url": "https://a.example/", "$browser": "Firefox", "$os": "Linux",
            "$host": "kept", "host": "own", "plan": "pro", "$device": "tablet", "$$x": 1,
            "$": 2})
    );
}

#[test]
fn what_is_set_becomes_traits_and_what_is_set_once_gives_way() {
    for body in [
        named("$identify", json!({"$set": {"a": 1}, "$set_once": {"a": 2, "b": 3}})),
        json!({"event": "$identify", "distinct_id": "ann", "$set": {"a": 1},
            "$set_once": {"a": 2, "b": 3}, "properties": {}}),
        json!({"$distinct_id": "ann", "$token": "k", "$set": {"a": 1},
            "$set_once": {"a": 2, "b": 3}}),
    ] {
        let event = one(&body);
        assert_eq!(&*event.kind, "identify");
        assert_eq!(payload(&event), json!({"traits": {"a": 1, "b": 3}}));
    }
    let bare = one(&named("$identify", json!({"$current_url": "/"})));
    assert_eq!(payload(&bare), json!({"current_url": "/", "traits": {}}));
}

#[test]
fn when_it_happened_is_told_by_our_clock() {
    let at = |fields: Value| {
        let mut body = json!({"event": "e", "distinct_id": "ann", "properties": {}});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        one(&body).occurred_at.to_string()
    };
    let ahead = "2025-12-15T13:29:00Z";
    let sent_at = "2025-12-15T13:30:00.000Z";
    assert_eq!(at(json!({"offset": 60_000})), "2025-12-15T10:29:00.000Z");
    assert_eq!(at(json!({"timestamp": ahead, "sent_at": sent_at})), "2025-12-15T10:29:00.000Z");
    let ignoring = json!({"timestamp": ahead, "sent_at": sent_at,
        "properties": {"$ignore_sent_at": true}});
    assert_eq!(at(ignoring), "2025-12-15T13:29:00.000Z");
    assert_eq!(at(json!({"timestamp": "2025-12-16T09:31:00Z"})), "2025-12-15T10:30:00.000Z");
    assert_eq!(at(json!({})), "2025-12-15T10:30:00.000Z");
}

#[test]
fn the_address_may_say_when_it_was_sent() {
    let body = br#"{"event":"e","distinct_id":"a","timestamp":"2025-12-15T13:29:00Z"}"#;
    let sent_at = Timestamp::parse_rfc3339("2025-12-15T13:30:00Z");
    let taken = on_terms(|terms| read(body, sent_at, &Unwanted::default(), terms)).unwrap();
    assert_eq!(taken.events[0].occurred_at.to_string(), "2025-12-15T10:29:00.000Z");
}
