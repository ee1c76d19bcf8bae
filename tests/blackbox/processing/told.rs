//! `GET /users/{userId}/journey?processing=true`: what became of each event.

use axum::Json;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

use super::asks::{ask_of, wait_until_stuck};
use super::double::{Double, Switch, status, taken};
use super::stored::Stored;
use super::{SHORT_PAUSES, start};
use crate::client::ids_of;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    each_event_tells_what_became_of_it,
    each_processor_that_wants_an_event_tells_of_it,
    a_page_with_large_results_ends_early_and_none_is_passed_over,
);

async fn journey(service: &Service, user: &str, query: &str) -> Value {
    service.journey(user, &format!("?order=asc&processing=true{query}")).await
}

fn states(page: &Value) -> Vec<&str> {
    let events = page["events"].as_array().expect("events").iter();
    let states = events.map(|event| event["processing"]["default"]["state"].as_str());
    states.map(|state| state.unwrap_or("none")).collect()
}

async fn wait_for_states(service: &Service, user: &str, expected: &[&str]) -> Value {
    let what = format!("{user} has {expected:?}");
    eventually(&what, 3 * SOON, || async {
        let page = journey(service, user, "").await;
        (states(&page) == expected).then_some(page)
    })
    .await
}

async fn each_event_tells_what_became_of_it(home: Home) {
    let fails = Switch::on();
    let failing = fails.clone();
    let double = Double::start(move |asked| {
        let is_failing = failing.is_on();
        async move {
            match (asked.user(), asked.event_id()) {
                ("ann", "e-1") if is_failing => status(422),
                ("ben", "e-1") if is_failing => status(500),
                _ => Json(json!({ "status": "success", "points": 3 })).into_response(),
            }
        }
    })
    .await;
    let settings = [
        ("PROCESSORS_DEFAULT_AFTER_DEAD_LETTER", "hold"),
        ("PROCESSORS_DEFAULT_MAX_ATTEMPTS", "1000"),
    ];
    let service = start(&home, &double.url, &settings).await;
    service.post(&sample::event("cat", "e")).await.expect(202);
    let stored = Stored::of(&home).await;
    stored.wait_for("default", 1).await;
    for user in ["ann", "ben"] {
        service.post(&sample::events(user, "e", 0..4)).await.expect(202);
    }

    let page = wait_for_states(&service, "ann", &["processed", "held", "waiting", "waiting"]).await;
    let told = |page: &Value, event: usize| page["events"][event]["processing"]["default"].clone();
    let processed = told(&page, 0);
    assert_eq!(processed["result"], json!({ "status": "success", "points": 3 }));
    assert_eq!((&processed["attempts"], processed.get("error")), (&json!(1), None));
    assert!(processed["processingDurationMs"].is_u64(), "{processed}");
    let at = processed["processedAt"].as_str().expect("a time");
    assert!(chrono::DateTime::parse_from_rfc3339(at).is_ok(), "{at}");
    let held = told(&page, 1);
    assert!(held["error"].as_str().expect("an error").contains("422"), "{held}");
    assert_eq!((&held["attempts"], held.get("result")), (&json!(1), None));
    assert_eq!(told(&page, 2), json!({ "state": "waiting" }));
    let expected = ["processed", "retrying", "waiting", "waiting"];
    let page = wait_for_states(&service, "ben", &expected).await;
    let retrying = told(&page, 1);
    assert_eq!(retrying["error"], "answered 500 Internal Server Error", "{retrying}");
    assert!(retrying["attempts"].as_u64() >= Some(1), "{retrying}");

    // Nothing of it where it is not asked for.
    let plain = service.journey("ann", "").await;
    assert!(!plain.to_string().contains("processing"), "{plain}");
    // Released, it is a dead letter like any other.
    wait_until_stuck(&service, "ann", "e-1", "held").await;
    ask_of(&service, "ann", "release", "e-1").await.expect(200);
    let expected = ["processed", "failed", "processed", "processed"];
    wait_for_states(&service, "ann", &expected).await;
    wait_until_stuck(&service, "ben", "e-1", "retrying").await;
    fails.turn(false);
    wait_for_states(&service, "ben", &["processed"; 4]).await;

    let request = service
        .request(reqwest::Method::GET, "/users/ann/journey?order=asc&processing=true")
        .header("accept", "application/x-ndjson");
    let lines = service.send(request).await.expect(200).text();
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let page = journey(&service, "ann", "").await;
    assert_eq!(json!(lines), page["events"]);
}

async fn each_processor_that_wants_an_event_tells_of_it(home: Home) {
    let double = Double::start(|_| async { taken() }).await;
    let service = Service::start(&home).await;
    service.post(&sample::event("ann", "before")).await.expect(202);
    assert_eq!(
        journey(&service, "ann", "").await["events"][0]["processing"],
        json!({}),
        "there is no processor"
    );
    assert_eq!(service.terminate().await.code, Some(0));
    let url = format!("processors.billing.url={}", double.url);
    let types = "processors.billing.types=purchase";
    let flags = ["--set", &*url, "--set", types];
    let settings = [&[("PROCESSOR_URL", &*double.url)], &SHORT_PAUSES[..]].concat();
    let service = Service::start_with_flags(&home, &flags, &settings).await;
    let mut purchase = sample::event("ann", "e-1");
    purchase["type"] = "purchase".into();
    service.post(&json!([sample::event("ann", "e-0"), purchase])).await.expect(202);
    let stored = Stored::of(&home).await;
    stored.wait_for("default", 2).await;
    stored.wait_for("billing", 1).await;

    let page = journey(&service, "ann", "").await;

    let names = |event: usize| -> Vec<String> {
        let processing = page["events"][event]["processing"].as_object().expect("an object");
        processing.keys().cloned().collect()
    };
    assert_eq!(ids_of(&page), ["before", "e-0", "e-1"]);
    assert_eq!((names(0), names(1)), (vec![], vec!["default".to_owned()]), "{page}");
    assert_eq!(names(2), ["billing", "default"], "{page}");
}

async fn a_page_with_large_results_ends_early_and_none_is_passed_over(home: Home) {
    const EVENTS: usize = 500;
    let double =
        Double::start(|_| async { Json(json!({ "said": "x".repeat(15 << 10) })).into_response() })
            .await;
    let service = start(&home, &double.url, &[]).await;
    for first in (0..EVENTS).step_by(100) {
        service.post(&sample::events("ann", "e", first..first + 100)).await.expect(202);
    }
    let stored = Stored::of(&home).await;
    stored.wait_for("default", EVENTS).await;

    let (mut pages, mut ids, mut query) = (0, Vec::new(), "&limit=1000".to_owned());
    loop {
        let path = format!("/users/ann/journey?order=asc&processing=true{query}");
        let answer = service.get(&path).await.expect(200);
        assert!(answer.body.len() < 12 << 20, "{}", answer.body.len());
        let page = answer.json();
        pages += 1;
        ids.extend(ids_of(&page));
        assert_eq!(page["count"], page["events"].as_array().expect("events").len());
        assert!(states(&page).iter().all(|state| *state == "processed"));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        query = format!("&limit=1000&cursor={cursor}");
    }
    assert_eq!(ids, sample::ids("e", 0..EVENTS));
    assert!(pages > 1);
    let request = service
        .request(reqwest::Method::GET, "/users/ann/journey?order=asc&processing=true")
        .header("accept", "application/x-ndjson");
    let lines = service.send(request).await.expect(200).text();
    let of_line = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("a line of JSON");
        assert_eq!(event["processing"]["default"]["state"], "processed");
        event["eventId"].as_str().expect("an id").to_owned()
    };
    assert_eq!(lines.lines().map(of_line).collect::<Vec<_>>(), sample::ids("e", 0..EVENTS));
}

#[tokio::test]
async fn csv_has_no_place_for_it_and_a_wrong_value_is_refused() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::event("ann", "e")).await.expect(202);
    let csv = |value: &str| {
        service
            .request(reqwest::Method::GET, &format!("/users/ann/journey?processing={value}"))
            .header("accept", "text/csv")
    };
    assert_eq!(service.send(csv("true")).await.only_fault().field, "processing");
    service.send(csv("false")).await.expect(200);
    let fault = service.get("/users/ann/journey?processing=yes").await.only_fault();
    assert_eq!(fault.field, "processing");
    service.get("/users/ann/journey?processing=false").await.expect(200);
}
