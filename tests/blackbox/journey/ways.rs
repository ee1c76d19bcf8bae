//! The page around an event, and pages that lead back.

use serde_json::{Value, json};

use crate::client::ids_of;
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    the_page_around_an_event_has_it_in_its_middle,
    cursors_lead_back_as_they_led_on,
    an_event_that_a_filter_leaves_out_is_where_it_would_be,
);

/// Events on few milliseconds, so that pages begin and end between equals.
fn crowded(numbers: std::ops::Range<usize>) -> Value {
    let at = |number: usize| format!("2025-12-15T10:30:00.{:03}Z", number / 7);
    numbers.map(|number| sample::event_at("u", &format!("e-{number}"), &at(number))).collect()
}

/// Half of the events stored, the others waiting.
async fn half_stored(home: &Home) -> Service {
    let settings = [("WRITE_MAX_WAIT_MS", "600000"), ("WRITE_MAX_EVENTS", "50")];
    let service = Service::start_with(home, &settings).await;
    service.post(&crowded(0..50)).await.expect(202);
    service.wait_until_flushed().await;
    service.post(&crowded(50..90)).await.expect(202);
    service
}

/// The pages that a cursor leads to, one behind the other.
async fn pages(service: &Service, page: &Value, name: &str, query: &str) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut next = page[name].as_str().map(str::to_owned);
    while let Some(cursor) = next {
        let page = service.journey("u", &format!("{query}&cursor={cursor}")).await;
        next = page[name].as_str().map(str::to_owned);
        pages.push(page);
        assert!(pages.len() < 100, "pages without an end");
    }
    pages
}

async fn the_page_around_an_event_has_it_in_its_middle(home: Home) {
    let service = half_stored(&home).await;
    for (order, sign) in [("asc", 1_i64), ("desc", -1)] {
        for middle in [10, 45, 50, 55, 80] {
            let query = format!("?order={order}&limit=9&around=e-{middle}");
            let expected: Vec<_> =
                (-4..=4).map(|offset| format!("e-{}", middle + sign * offset)).collect();
            let page = service.journey("u", &query).await;
            assert_eq!(ids_of(&page), expected, "{query}");
            assert!(page["prevCursor"].is_string() && page["nextCursor"].is_string());
        }
    }
    let first = service.journey("u", "?order=asc&limit=5&around=e-1").await;
    assert_eq!(ids_of(&first), sample::ids("e", 0..5), "with nothing more before it");
    assert_eq!(first["prevCursor"], json!(null));
    let last = service.journey("u", "?order=asc&limit=5&around=e-89").await;
    assert_eq!(ids_of(&last), ["e-87", "e-88", "e-89"]);
    assert_eq!(last["nextCursor"], json!(null));
}

async fn cursors_lead_back_as_they_led_on(home: Home) {
    let service = half_stored(&home).await;
    let mut expected = sample::ids("e", 0..90);
    for order in ["asc", "desc"] {
        let query = format!("?order={order}&limit=7");
        let middle = service.journey("u", &format!("{query}&around=e-47")).await;
        let before = pages(&service, &middle, "prevCursor", &query).await;
        let behind = pages(&service, &middle, "nextCursor", &query).await;
        let all = before.iter().rev().chain([&middle]).chain(&behind);
        assert_eq!(all.flat_map(ids_of).collect::<Vec<_>>(), expected);

        // From the last page to the first one, page by page the same.
        let first = service.journey("u", &query).await;
        assert_eq!(first["prevCursor"], json!(null));
        let mut on = pages(&service, &first, "nextCursor", &query).await;
        let mut back = pages(&service, &on[on.len() - 1], "prevCursor", &query).await;
        on.pop();
        on.insert(0, first);
        back.reverse();
        assert_eq!(back, on);
        expected.reverse();
    }
}

async fn an_event_that_a_filter_leaves_out_is_where_it_would_be(home: Home) {
    let service = Service::start(&home).await;
    let events: Value = (0..20)
        .map(|number| {
            let time = format!("2025-12-15T10:30:{number:02}Z");
            let mut event = sample::event_at("u", &format!("e-{number}"), &time);
            event["type"] = ["search", "page_view"][number % 2].into();
            event
        })
        .collect();
    service.post(&events).await.expect(202);
    for _ in ["waiting", "stored"] {
        let query = "?order=asc&limit=4&around=e-10";
        let page = service.journey("u", &format!("{query}&type=page_view")).await;
        assert_eq!(ids_of(&page), ["e-7", "e-9", "e-11", "e-13"]);
        let later = "&from=2025-12-15T10:30:12Z";
        let page = service.journey("u", &format!("{query}{later}")).await;
        assert_eq!(ids_of(&page), ["e-12", "e-13", "e-14", "e-15"]);
        assert_eq!(page["prevCursor"], json!(null));
        let earlier = "&to=2025-12-15T10:30:05Z";
        let page = service.journey("u", &format!("{query}{earlier}")).await;
        assert_eq!(ids_of(&page), ["e-4", "e-5"]);
        assert_eq!(page["nextCursor"], json!(null));
        service.wait_until_flushed().await;
    }
}

#[tokio::test]
async fn an_unknown_event_is_404_and_what_goes_with_nothing_is_400() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::events("u", "e", 0..9)).await.expect(202);
    service.post(&sample::events("v", "other", 0..1)).await.expect(202);
    for id in ["nothing", "other-0"] {
        let answer = service.get(&format!("/users/u/journey?around={id}")).await;
        let problem = answer.problem(404);
        assert_eq!(problem["type"], "urn:trailkeep:problem:unknown-event");
        assert!(problem["detail"].as_str().expect("a text").contains("around"));
    }
    let page = service.journey("u", "?limit=3&around=e-4").await;
    let cursor = |name: &str| page[name].as_str().expect("a cursor").to_owned();
    let (next, previous) = (cursor("nextCursor"), cursor("prevCursor"));
    for query in [
        format!("around=e-4&cursor={next}"),
        "around=".to_owned(),
        format!("around={}", "x".repeat(257)),
        format!("order=asc&cursor={previous}"),
        "linked=maybe".to_owned(),
    ] {
        let answer = service.get(&format!("/users/u/journey?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
    }
    for media_type in ["text/csv", "application/x-ndjson"] {
        for (query, status) in [
            (format!("cursor={next}"), 200),
            (format!("cursor={previous}"), 400),
            ("around=e-4".to_owned(), 400),
        ] {
            let path = format!("/users/u/journey?{query}");
            let request = service.request(reqwest::Method::GET, &path);
            let answer = service.send(request.header("accept", media_type)).await;
            assert_eq!(answer.status, status, "{media_type} {query}");
        }
    }
}

#[tokio::test]
async fn a_user_without_links_is_the_same_with_and_without_them() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::events("u", "e", 0..3)).await.expect(202);
    let page = service.journey("u", "?linked=true").await;
    assert_eq!(page, service.journey("u", "?linked=false").await);
    assert_eq!(page["events"][0]["userId"], "u");
    assert!(page.get("linkedTo").is_none());
}
