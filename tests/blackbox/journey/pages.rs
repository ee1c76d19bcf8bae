//! Paging through a journey visits each event once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::client::ids_of;
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    pages_visit_every_event_once_in_both_orders,
    pages_have_no_gaps_or_doubles_while_events_come_and_are_flushed,
    the_last_page_has_no_cursor,
    a_page_of_large_events_ends_at_4_mib,
);

/// Follows the cursors to the end.
async fn all_pages(service: &Service, user: &str, query: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut page = service.journey(user, query).await;
    loop {
        let on_page = ids_of(&page);
        assert_eq!(page["count"], on_page.len());
        ids.extend(on_page);
        let Some(cursor) = page["nextCursor"].as_str() else {
            return ids;
        };
        let query = format!("{query}&cursor={cursor}");
        page = service.journey(user, &query).await;
    }
}

/// Events on few different milliseconds, so that pages end between equals.
fn crowded(numbers: std::ops::Range<usize>) -> Value {
    numbers
        .map(|number| {
            let time = format!("2025-12-15T10:30:00.{:03}Z", number / 17);
            sample::event_at("u", &format!("e-{number}"), &time)
        })
        .collect()
}

async fn pages_visit_every_event_once_in_both_orders(home: Home) {
    let settings = [("WRITE_MAX_WAIT_MS", "60000"), ("WRITE_MAX_EVENTS", "60")];
    let service = Service::start_with(&home, &settings).await;
    service.post(&crowded(0..230)).await.expect(202);
    let mut expected = sample::ids("e", 0..230);

    for limit in [1, 7, 17, 229, 230, 1000] {
        let query = format!("?order=asc&limit={limit}");
        assert_eq!(all_pages(&service, "u", &query).await, expected, "{limit}");
    }
    expected.reverse();
    for limit in [3, 34, 100] {
        let query = format!("?limit={limit}");
        assert_eq!(all_pages(&service, "u", &query).await, expected, "{limit}");
    }
}

async fn pages_have_no_gaps_or_doubles_while_events_come_and_are_flushed(home: Home) {
    let settings = [("WRITE_MAX_WAIT_MS", "20"), ("WRITE_MAX_EVENTS", "50")];
    let service = Arc::new(Service::start_with(&home, &settings).await);
    service.post(&sample::events("u", "e", 0..200)).await.expect(202);

    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move {
            let mut number = 200;
            while !stop.load(Ordering::Relaxed) {
                let events = sample::events("u", "e", number..number + 5);
                service.post_when_there_is_room(&events).await;
                number += 5;
            }
            number
        }
    });
    for _ in 0..5 {
        let newest_first = all_pages(&service, "u", "?limit=20").await;
        let mut expected = sample::ids("e", 0..newest_first.len());
        expected.reverse();
        assert!(newest_first.len() >= 200);
        assert_eq!(newest_first, expected);
    }
    // Oldest first, the end of the journey moves on while it is read.
    let oldest_first = all_pages(&service, "u", "?order=asc&limit=500").await;
    assert_eq!(oldest_first, sample::ids("e", 0..oldest_first.len()));
    stop.store(true, Ordering::Relaxed);

    let written = writer.await.expect("the writer");
    let all = all_pages(&service, "u", "?order=asc&limit=1000").await;
    assert_eq!(all, sample::ids("e", 0..written));
}

async fn the_last_page_has_no_cursor(home: Home) {
    let service = Service::start(&home).await;
    service.post(&sample::events("u", "e", 0..4)).await.expect(202);

    for _ in ["buffered", "stored"] {
        let first = service.journey("u", "?limit=2").await;
        let cursor = first["nextCursor"].as_str().expect("there is more");
        let second = service.journey("u", &format!("?limit=2&cursor={cursor}")).await;
        assert_eq!(second["count"], 2);
        assert_eq!(second["nextCursor"], json!(null));
        let whole = service.journey("u", "?limit=4").await;
        assert_eq!(whole["nextCursor"], json!(null));
        service.wait_until_flushed().await;
    }
}

async fn a_page_of_large_events_ends_at_4_mib(home: Home) {
    const EVENTS: usize = 300;
    let service = Service::start(&home).await;
    let text = "x".repeat(32_000);
    for start in (0..EVENTS).step_by(100) {
        let events: Value = (start..start + 100)
            .map(|number| {
                let mut event = sample::event("u", &format!("e-{number}"));
                event["payload"] = json!({ "text": text });
                event
            })
            .collect();
        service.post(&events).await.expect(202);
    }
    service.wait_until_flushed().await;

    let first = service.journey("u", "?order=asc&limit=1000").await;
    let count = first["count"].as_u64().expect("a number");
    assert!((128..131).contains(&count), "{count}");
    let expected = sample::ids("e", 0..EVENTS);
    let paged = all_pages(&service, "u", "?order=asc&limit=1000").await;
    assert_eq!(paged, expected);

    let request = service
        .request(reqwest::Method::GET, "/users/u/journey?order=asc")
        .header("accept", "application/x-ndjson");
    let export = service.send(request).await.expect(200).text();
    let exported: Vec<Value> = export
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["eventId"].clone())
        .collect();
    assert_eq!(exported, expected);
}
