//! A journey as a file: all of it, as a stream.

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    ndjson_is_the_whole_journey_one_event_a_line,
    csv_is_the_whole_journey_one_event_a_row,
    a_large_export_streams_with_memory_flat,
);

async fn export(service: &Service, media_type: &str, query: &str) -> Answer {
    let request = service
        .request(Method::GET, &format!("/users/u/journey{query}"))
        .header("accept", media_type);
    let answer = service.send(request).await.expect(200);
    assert!(answer.header("content-type").starts_with(media_type));
    answer
}

async fn ndjson_is_the_whole_journey_one_event_a_line(home: Home) {
    let settings = [("WRITE_MAX_WAIT_MS", "60000"), ("WRITE_MAX_EVENTS", "400")];
    let service = Service::start_with(&home, &settings).await;
    for start in [0, 700] {
        let events = sample::events("u", "e", start..start + 700);
        service.post(&events).await.expect(202);
    }

    let lines = |answer: Answer| -> Vec<Value> {
        let text = answer.text();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    };
    let whole = lines(export(&service, "application/x-ndjson", "?order=asc").await);
    let ids: Vec<_> = whole.iter().map(|e| e["eventId"].as_str().unwrap()).collect();
    assert_eq!(ids, sample::ids("e", 0..1400));
    let page = service.journey("u", "?order=asc&limit=1000").await;
    assert_eq!(whole[..1000], page["events"].as_array().unwrap()[..]);

    let few = lines(export(&service, "application/x-ndjson", "?limit=3").await);
    assert_eq!(few.len(), 3);
    assert_eq!(few[0]["eventId"], "e-1399");
    let none = export(&service, "application/x-ndjson", "?type=purchase").await;
    assert!(none.body.is_empty());
}

async fn csv_is_the_whole_journey_one_event_a_row(home: Home) {
    let service = Service::start(&home).await;
    let awkward = json!({ "text": "a,\"b\"\r\nc;é", "n": 1 });
    let events = json!([
        {
            "userId": "u", "type": "search", "eventId": "a,\"b\"", "anonymousId": "v",
            "sessionId": "s", "accountId": "acme", "payload": awkward, "occurredAt": "2025-12-15T10:30:00.000Z",
        },
        sample::event("u", "second"),
    ]);
    service.post(&events).await.expect(202);

    let answer = export(&service, "text/csv", "?order=asc").await;

    let mut reader = csv::Reader::from_reader(answer.body.as_slice());
    let columns = reader.headers().expect("a header").clone();
    let rows: Vec<_> = reader.records().collect::<Result<_, _>>().expect("CSV");
    assert_eq!(rows.len(), 2);
    let cell = |row: usize, name: &str| {
        let column = columns.iter().position(|column| column == name);
        &rows[row][column.unwrap_or_else(|| panic!("no column {name} in {columns:?}"))]
    };
    for (name, value) in [
        ("userId", "u"),
        ("eventId", "a,\"b\""),
        ("type", "search"),
        ("anonymousId", "v"),
        ("sessionId", "s"),
        ("accountId", "acme"),
        ("occurredAt", "2025-12-15T10:30:00.000Z"),
    ] {
        assert_eq!(cell(0, name), value);
    }
    let payload: Value = serde_json::from_str(cell(0, "payload")).expect("JSON");
    assert_eq!(payload, awkward);
    assert!(cell(0, "receivedAt").ends_with('Z'));
    assert_eq!((cell(1, "anonymousId"), cell(1, "sessionId")), ("", ""));
}

async fn a_large_export_streams_with_memory_flat(home: Home) {
    const EVENTS: usize = 50_000;
    let service = Service::start(&home).await;
    let filler = "x".repeat(1000);
    for start in (0..EVENTS).step_by(1000) {
        let mut batch = sample::events("u", "e", start..start + 1000);
        for event in batch.as_array_mut().unwrap() {
            event["payload"] = json!({ "filler": filler });
        }
        service.post_when_there_is_room(&batch).await;
    }
    service.wait_until_flushed().await;
    let before = service.peak_memory();

    let request = service
        .request(Method::GET, "/users/u/journey?order=asc")
        .header("accept", "application/x-ndjson")
        .bearer_auth(service.admin().await);
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let mut body = response.bytes_stream();
    let (mut bytes, mut lines) = (0, 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.expect("the export goes to its end");
        bytes += chunk.len();
        lines += chunk.iter().filter(|byte| **byte == b'\n').count();
    }

    assert_eq!(lines, EVENTS);
    assert!(bytes > 50_000_000);
    let grown = service.grown_since(before);
    assert!(grown < 30_000_000, "memory grew by {grown} bytes for {bytes}");
}
