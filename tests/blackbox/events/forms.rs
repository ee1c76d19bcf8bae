//! Every form, media type and encoding in which events may come.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    a_single_event_an_array_and_an_envelope_are_accepted,
    the_answer_counts_the_events_and_names_them_in_the_order_sent,
    an_event_sent_again_is_accepted_again_and_kept_once,
);

async fn a_single_event_an_array_and_an_envelope_are_accepted(home: Home) {
    let service = Service::start(&home).await;
    let array = json!([sample::event("u", "b"), sample::event("u", "c")]);
    let envelope = json!({
        "events": [sample::event("u", "d"), sample::event("u", "e")],
        "sentAt": "2025-12-15T10:30:00.000Z",
    });
    let bare_envelope = json!({ "events": [sample::event("u", "f")] });

    for (body, count) in
        [(sample::event("u", "a"), 1), (array, 2), (envelope, 2), (bare_envelope, 1)]
    {
        let answer = service.post(&body).await.expect(202);
        assert_eq!(answer.json()["count"], count, "{body}");
    }

    let ids = service.journey_ids("u", "?order=asc").await;
    assert_eq!(ids, ["a", "b", "c", "d", "e", "f"]);
}

async fn the_answer_counts_the_events_and_names_them_in_the_order_sent(home: Home) {
    let service = Service::start(&home).await;
    let unnamed = json!({ "userId": "u", "type": "search" });
    let events = json!([sample::event("u", "z"), unnamed, sample::event("u", "a")]);

    let answer = service.post(&events).await.expect(202);

    assert!(answer.header("content-type").starts_with("application/json"));
    let body = answer.json();
    assert_eq!(body["message"], "Events accepted for processing");
    assert_eq!(body["count"], 3);
    let ids = answer.event_ids();
    assert_eq!((ids[0].as_str(), ids[2].as_str()), ("z", "a"));
    let made = Uuid::try_parse(&ids[1]).expect("a UUID");
    assert_eq!(made.get_version_num(), 7);
    assert_eq!(service.journey_ids("u", "?order=asc").await, ids);
}

async fn an_event_sent_again_is_accepted_again_and_kept_once(home: Home) {
    let service = Service::start(&home).await;
    let twice = json!([sample::event("u", "a"), sample::event("u", "a")]);

    let answer = service.post(&twice).await.expect(202);
    assert_eq!(answer.event_ids(), ["a", "a"]);
    service.wait_until_flushed().await;
    let answer = service.post(&sample::event("u", "a")).await.expect(202);
    assert_eq!(answer.json()["count"], 1);
    service.wait_until_flushed().await;

    assert_eq!(service.journey_ids("u", "").await, ["a"]);
    assert_eq!(home.stored().await, 1);
}

#[tokio::test]
async fn json_may_come_with_a_charset_or_as_plain_text() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let types = [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "text/plain",
        "text/plain;charset=UTF-8",
    ];
    for (number, media_type) in types.into_iter().enumerate() {
        let events = sample::events("u", media_type, number..number + 2);
        let answer = service.post_as(media_type, events.to_string()).await;
        assert_eq!(answer.expect(202).json()["count"], 2, "{media_type}");
    }
}

#[tokio::test]
async fn ndjson_is_one_event_a_line_and_blank_lines_are_nothing() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let lines = [
        String::new(),
        sample::event("u", "a").to_string(),
        "  ".to_owned(),
        format!("{}\r", sample::event("u", "b")),
        "\r".to_owned(),
        sample::event("u", "c").to_string(),
    ];
    for (end, count) in [("\n", 3), ("", 3)] {
        let body = lines.join("\n") + end;
        let answer = service.post_as("application/x-ndjson", body).await;
        assert_eq!(answer.expect(202).event_ids().len(), count);
    }
    let ids = service.journey_ids("u", "?order=asc").await;
    assert_eq!(ids, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_body_may_be_compressed_in_four_ways() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for (encoding, compress) in ENCODINGS {
        let events = sample::events("u", encoding, 0..50);
        let request = service
            .request(Method::POST, "/events")
            .header("content-type", "application/json")
            .header("content-encoding", encoding)
            .body(compress(&events.to_string()));
        let answer = service.send(request).await.expect(202);
        assert_eq!(answer.event_ids(), sample::ids(encoding, 0..50));
    }
}

#[tokio::test]
async fn a_compressed_body_that_is_damaged_is_refused() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for (encoding, compress) in ENCODINGS {
        let mut body = compress(&sample::events("u", "e", 0..50).to_string());
        body.truncate(body.len() / 2);
        let request = service
            .request(Method::POST, "/events")
            .header("content-type", "application/json")
            .header("content-encoding", encoding)
            .body(body);
        service.send(request).await.problem(400);
    }
    assert_eq!(service.buffered().await, 0);
}

#[tokio::test]
async fn all_that_an_event_says_comes_back_as_it_was_sent() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let sent = json!({
        "userId": "Zoë/ユーザー 1",
        "type": "purchase",
        "sessionId": "s-1",
        "accountId": "acme",
        "eventId": "evt_001",
        "occurredAt": "2025-12-15T11:30:00.123456+01:00",
        "payload": { "sum": 12.5, "items": [1, null, true, "x"], "nested": { "a": {} } },
    });
    service.post(&sent).await.expect(202);

    let page = service.journey("Zo%C3%AB%2F%E3%83%A6%E3%83%BC%E3%82%B6%E3%83%BC%201", "").await;

    let mut event = page["events"][0].clone();
    let received = event["receivedAt"].take();
    let received = received.as_str().expect("a time");
    assert!(received.ends_with('Z') && received.len() == 24, "{received}");
    let mut expected = sent;
    expected["occurredAt"] = "2025-12-15T10:30:00.123Z".into();
    expected["receivedAt"] = Value::Null;
    assert_eq!(event, expected);
}

type Compress = fn(&str) -> Vec<u8>;

const ENCODINGS: [(&str, Compress); 4] = [
    ("gzip", |text| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    }),
    ("deflate", |text| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    }),
    ("br", |text| {
        let mut compressed = Vec::new();
        let mut encoder = brotli::CompressorWriter::new(&mut compressed, 4096, 5, 20);
        encoder.write_all(text.as_bytes()).expect("memory");
        drop(encoder);
        compressed
    }),
    ("zstd", |text| zstd::encode_all(text.as_bytes(), 3).expect("memory")),
];
