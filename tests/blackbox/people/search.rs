//! GET /search.

use serde_json::{Value, json};

use super::{assert_audited, identify, store};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    people_are_found_by_what_they_are_called,
    what_is_wholly_it_comes_before_what_begins_with_it,
    nothing_that_is_typed_is_a_pattern,
    an_answer_is_as_long_as_was_asked_for,
    every_search_is_in_the_audit_trail,
);

pub async fn search(service: &Service, q: &str) -> Vec<Value> {
    let encoded: String = q.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut body = service.get(&format!("/search?q={encoded}")).await.expect(200).json();
    let Value::Array(results) = body["results"].take() else { panic!("no results: {body}") };
    results
}

/// What was found, as kind, id and by what.
pub async fn found(service: &Service, q: &str) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let results = search(service, q).await;
    let short =
        |result: &Value| (text(&result["kind"]), text(&result["id"]), text(&result["matched"]));
    results.iter().map(short).collect()
}

pub fn hit(kind: &str, id: &str, matched: &str) -> (String, String, String) {
    (kind.to_owned(), id.to_owned(), matched.to_owned())
}

async fn people_are_found_by_what_they_are_called(home: Home) {
    let service = Service::start(&home).await;
    let old = json!({ "name": "Änne van Dyck", "email": "Old@Example.com" });
    store(&service, &identify("U-77", &old)).await;
    let new = json!({ "email": "anne@example.com" });
    let events = json!([
        identify("U-77", &new),
        { "userId": "U-77", "anonymousId": "dev-9", "type": "page_view", "sessionId": "s-1",
            "accountId": "acme-inc" },
        { "userId": "other", "type": "page_view", "accountId": "zeta" },
        { "anonymousId": "visitor", "type": "page_view" },
    ]);
    store(&service, &events).await;

    let by_id = [hit("user", "U-77", "userId")];
    for q in ["U-77", "u-77", "u-", "U", " U-77\n"] {
        assert_eq!(found(&service, q).await, by_id, "{q}");
    }
    for q in ["anne@example.com", "ANNE@EX", "old@example.com", "old"] {
        assert_eq!(found(&service, q).await, [hit("user", "U-77", "email")], "{q}");
    }
    for q in ["dyck", "DY", "änne dyck", "Dyck Ä", "van"] {
        assert_eq!(found(&service, q).await, [hit("user", "U-77", "name")], "{q}");
    }
    for q in ["yck", "anne dyck", "dyck x", "nobody", "ther"] {
        assert_eq!(found(&service, q).await, [], "{q}");
    }
    assert_eq!(found(&service, "oth").await, [hit("user", "other", "userId")]);
    assert_eq!(found(&service, "visi").await, [hit("anonymous", "visitor", "anonymousId")]);
    let anonymous = search(&service, "dev").await;
    assert_eq!(anonymous.len(), 1);
    assert_eq!(
        (&anonymous[0]["kind"], &anonymous[0]["matched"]),
        (&json!("anonymous"), &json!("anonymousId"))
    );
    assert_eq!(anonymous[0]["label"], "Änne van Dyck");
    assert!(anonymous[0]["lastSeen"].is_string());
    let session = search(&service, "s-1").await;
    assert_eq!(session.len(), 1);
    assert_eq!((&session[0]["kind"], &session[0]["id"]), (&json!("session"), &json!("s-1")));
    assert_eq!(
        (&session[0]["label"], &session[0]["matched"]),
        (&json!("U-77"), &json!("sessionId"))
    );
    assert!(session[0]["lastSeen"].is_string());
    assert_eq!(found(&service, "acme").await, [hit("account", "acme-inc", "accountId")]);
    let nameless = search(&service, "other").await;
    assert_eq!(nameless[0]["label"], "other");
}

async fn what_is_wholly_it_comes_before_what_begins_with_it(home: Home) {
    let service = Service::start(&home).await;
    let events = json!([
        identify("ann", &json!({ "name": "Ann" })),
        identify("b", &json!({ "email": "ann" })),
        identify("c", &json!({ "email": "ann@example.com" })),
        identify("ann-2", &json!({ "email": "x@example.com" })),
        identify("d", &json!({ "firstName": "Zoe", "lastName": "Anners" })),
        { "userId": "e", "type": "page_view", "sessionId": "ann", "accountId": "ann" },
        { "userId": "e", "type": "page_view", "accountId": "ann-inc" },
        { "userId": "e", "type": "page_view", "accountId": "bob" },
    ]);
    store(&service, &events).await;
    let expected = [
        hit("user", "ann", "userId"),
        hit("session", "ann", "sessionId"),
        hit("user", "b", "email"),
        hit("account", "ann", "accountId"),
        hit("user", "c", "email"),
        hit("user", "ann-2", "userId"),
        hit("user", "d", "name"),
        hit("account", "ann-inc", "accountId"),
    ];
    assert_eq!(found(&service, "ann").await, expected);
    let labels: Vec<_> =
        search(&service, "ann").await.iter().map(|hit| hit["label"].clone()).collect();
    let called =
        ["Ann", "e", "ann", "ann", "ann@example.com", "x@example.com", "Zoe Anners", "ann-inc"];
    assert_eq!(labels, called);
}

async fn nothing_that_is_typed_is_a_pattern(home: Home) {
    let service = Service::start(&home).await;
    let events = json!([
        identify("ann", &json!({ "name": "Ann Miller", "email": "ann@example.com" })),
        identify("%_.*\\", &json!({ "name": "$ne [a-z]" })),
    ]);
    store(&service, &events).await;
    for q in [
        "_",
        ".",
        "*",
        "a%",
        "a.*",
        ".*",
        "^a",
        "a\\",
        "\\",
        "{\"$gt\":\"\"}",
        "[m",
        "a_n",
        "'",
        "\"",
    ] {
        let nothing = found(&service, q).await;
        assert_eq!(nothing, [], "{q}");
    }
    for q in ["%", "%_", "%_.*", "%_.*\\"] {
        assert_eq!(found(&service, q).await, [hit("user", "%_.*\\", "userId")], "{q}");
    }
    for q in ["$n", "[a-z]", "$NE [A"] {
        assert_eq!(found(&service, q).await, [hit("user", "%_.*\\", "name")], "{q}");
    }
}

async fn an_answer_is_as_long_as_was_asked_for(home: Home) {
    let service = Service::start(&home).await;
    let events: Value = (0..150)
        .map(|number| identify(&format!("u{number}"), &json!({ "name": "Max Muster" })))
        .collect();
    store(&service, &events).await;
    assert_eq!(search(&service, "u").await.len(), 20);
    for (query, expected) in
        [("q=M&limit=1", 1), ("q=max%20m&limit=100", 100), ("q=U&limit=100", 100)]
    {
        let body = service.get(&format!("/search?{query}")).await.expect(200).json();
        assert_eq!(body["results"].as_array().map(Vec::len), Some(expected), "{query}");
    }
}

async fn every_search_is_in_the_audit_trail(home: Home) {
    let service = Service::start(&home).await;
    assert_eq!(found(&service, " nobody here ").await, []);
    assert_audited(&service, "search", "nobody here").await;
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let long = "a".repeat(257);
    let longer = "a".repeat(10 << 10);
    for (query, field) in [
        (String::new(), "q"),
        ("q=".to_owned(), "q"),
        ("q=%20%0A".to_owned(), "q"),
        ("q=a%00b".to_owned(), "q"),
        ("q=a%07b".to_owned(), "q"),
        (format!("q={long}"), "q"),
        (format!("q={longer}"), "q"),
        ("q=a&q=b".to_owned(), "q"),
        ("q=a&limit=0".to_owned(), "limit"),
        ("q=a&limit=101".to_owned(), "limit"),
        ("q=a&kind=user".to_owned(), "kind"),
    ] {
        let fault = service.get(&format!("/search?{query}")).await.only_fault();
        assert_eq!(fault.field, field, "{}", &query[..query.len().min(40)]);
    }
    let whole = "a".repeat(256);
    service.get(&format!("/search?q={whole}")).await.expect(200);
}
