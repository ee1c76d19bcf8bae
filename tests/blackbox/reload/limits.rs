//! Limits that SIGHUP changes.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{Kept, hang_up, start};
use crate::eventually::SOON;
use crate::home::Home;
use crate::raw::RawConnection;
use crate::sample;
use crate::service::Service;
use crate::sse::Sse;

on_both_stores!(
    limits_of_events_and_bodies_change,
    limits_of_how_often_change_and_what_was_counted_stays_where_they_do_not,
    streams_may_be_more_or_fewer_and_those_that_are_open_go_on,
);

async fn limits_of_events_and_bodies_change(home: Home) {
    let service = start(&home, "").await;
    let mut kept = Kept::open(&service).await;
    let of =
        |kind: &str| format!(r#"{{"userId":"u","type":"{kind}","payload":{{"a":"{:0>99}"}}}}"#, 1);
    let two = format!("[{},{}]", of("visit"), of("visit"));
    let nameless = r#"{"type":"visit"}"#;
    kept.call("POST /events", &[], &two).await.expect(202);
    kept.call("POST /events", &[], nameless).await.expect(400);

    hang_up(&home, &service, "[events]\nmax_per_request = 1\ndefault_user = \"nobody\"\n").await;
    kept.call("POST /events", &[], &two).await.expect(413);
    kept.call("POST /events", &[], &of("visit")).await.expect(202);
    kept.call("POST /events", &[], nameless).await.expect(202);

    hang_up(&home, &service, "[events]\nmax_payload_bytes = 99\n").await;
    kept.call("POST /events", &[], &of("visit")).await.expect(400);
    let file = "[events]\nmax_payload_bytes = 99\n[http]\nmax_body_bytes = 1024\n";
    hang_up(&home, &service, file).await;
    kept.call("POST /events", &[], nameless).await.expect(400);
    let long = sample::events("u", "e", 0..99);
    service.post(&long).await.problem(413);
    hang_up(&home, &service, "").await;
    service.post(&long).await.expect(202);
    kept.call("POST /events", &[], &two).await.expect(202);
}

#[tokio::test]
async fn a_client_has_the_time_that_is_in_force_as_it_comes() {
    let home = Home::embedded();
    let service = start(&home, "").await;
    hang_up(&home, &service, "[http]\nreceive_timeout_ms = 300\n").await;
    let mut slow = RawConnection::open(&service).await;
    let half = "POST /events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 99\r\n\r\n{";
    assert!(slow.send(half.as_bytes()).await);
    let answer = slow.answer(Duration::from_secs(10)).await.expect("it is not waited for longer");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let mut slower = RawConnection::open(&service).await;
    assert!(slower.send(b"POST /events HTTP/1.1\r\n").await);
    // Closed, with or without a word.
    slower.answer(Duration::from_secs(10)).await.expect("it is not waited for longer");
}

async fn try_to_sign_in(service: &Service) -> u16 {
    service.sign_in("somebody@example.com", "wrong").await.status
}

async fn limits_of_how_often_change_and_what_was_counted_stays_where_they_do_not(home: Home) {
    let service = start(&home, "").await;
    let limited = "[access]\nattempts_per_client = 2\nevents_per_client = 1\n";
    hang_up(&home, &service, limited).await;
    for expected in [401, 401, 429] {
        assert_eq!(try_to_sign_in(&service).await, expected);
    }
    let mut kept = Kept::open(&service).await;
    kept.post("visit").await.expect(202);
    kept.post("visit").await.expect(429);

    // Nobody gets tries by it.
    hang_up(&home, &service, &limited.replace("events_per_client = 1", "events_per_key = 1")).await;
    assert_eq!(try_to_sign_in(&service).await, 429);
    for _ in 0..3 {
        kept.post("visit").await.expect(202);
    }
    let keys = "[access]\nevents_per_key = 1\nwrite_keys = [\"shop:wk-9f8e7d6c5b4a3210\"]\n";
    hang_up(&home, &service, keys).await;
    assert_eq!(try_to_sign_in(&service).await, 401);
    let key = [("x-write-key", "wk-9f8e7d6c5b4a3210")];
    kept.post_with("visit", &key).await.expect(202);
    kept.post_with("visit", &key).await.expect(429);

    hang_up(&home, &service, "[access]\nattempts_per_address = 1\n").await;
    assert_eq!([try_to_sign_in(&service).await, try_to_sign_in(&service).await], [401, 429]);
}

async fn streams_may_be_more_or_fewer_and_those_that_are_open_go_on(home: Home) {
    let service = start(&home, "[live]\nmax_streams = 1\n").await;
    let mut first = service.watch("/users/u/live").await;
    let refused = service.send(service.request(Method::GET, "/users/u/live")).await;
    assert_eq!(refused.problem(503)["type"], "urn:trailkeep:problem:too-many-streams");

    hang_up(&home, &service, "[live]\nmax_streams = 2\n").await;
    let second = service.watch("/users/u/live").await;
    hang_up(&home, &service, "[live]\nmax_streams = 0\n").await;
    let refused = service.send(service.request(Method::GET, "/live")).await;
    let detail = refused.problem(503)["detail"].clone();
    assert!(detail.as_str().expect("text").contains("switched off"), "{detail}");
    assert_eq!(service.stats().await["streams"], 2);
    service.post(&json!({ "userId": "u", "eventId": "e", "type": "visit" })).await.expect(202);
    for mut stream in [&mut first, &mut { second }] as [&mut Sse; 2] {
        let stream = &mut stream;
        let event = tokio::time::timeout(SOON, stream.next()).await.expect("an event");
        assert_eq!(event.event_id(), "e");
    }
}
