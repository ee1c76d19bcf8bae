//! What ends a stream: its caller's session, and the service.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::next_ids;
use crate::home::Home;
use crate::raw::RawConnection;
use crate::sample::event;
use crate::service::Service;
use crate::sse::{Sse, Told};
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(
    a_sign_out_a_disabled_account_and_a_revoked_token_end_streams,
    a_stop_ends_streams_at_once_and_waits_for_none,
    a_client_of_http_1_1_sees_whole_chunks_and_the_end,
);

async fn open_as(service: &Service, path: &str, token: &str) -> Sse {
    let mut stream = Sse::open(service.watching(path).bearer_auth(token)).await;
    assert_eq!(stream.next().await.name, "hello");
    stream
}

/// The last event of a stream, behind which it ends.
async fn end_of(mut stream: Sse) -> Told {
    let told = stream.next().await;
    assert_eq!(told.name, "end", "{told:?}");
    let end = tokio::time::timeout(Duration::from_secs(5), stream.next_or_end()).await;
    assert_eq!(end, Ok(None), "it is closed");
    told
}

async fn made(service: &Service, path: &str, body: &Value) -> Value {
    service.send(service.request(Method::POST, path).json(body)).await.expect(201).json()
}

async fn a_sign_out_a_disabled_account_and_a_revoked_token_end_streams(home: Home) {
    let service = Service::start(&home).await;
    let signs_out = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    let body = json!({ "email": "kim@example.com", "password": PASSWORD, "name": "Kim" });
    let kim = made(&service, "/api/staff", &body).await;
    let is_disabled = token_of(&service.sign_in("kim@example.com", PASSWORD).await.expect(200));
    let token = made(&service, "/api/tokens", &json!({ "name": "t", "scope": "read" })).await;
    let is_revoked = token["token"].as_str().expect("a token");

    let mut stays = service.watch("/users/ann/live").await;
    let mut ending = Vec::new();
    for token in [&signs_out, &is_disabled, is_revoked] {
        ending.push(open_as(&service, "/users/ann/live", token).await);
        ending.push(open_as(&service, "/live", token).await);
    }
    let sign_out = service.request(Method::POST, "/api/auth/sign-out").bearer_auth(signs_out);
    service.send_as_it_is(sign_out).await.expect(200);
    let path = format!("/api/staff/{}", kim["id"].as_str().expect("an id"));
    let change = service.request(Method::PATCH, &path).json(&json!({ "disabled": true }));
    service.send(change).await.expect(200);
    let path = format!("/api/tokens/{}", token["id"].as_str().expect("an id"));
    service.send(service.request(Method::DELETE, &path)).await.expect(204);

    for stream in ending {
        assert_eq!(end_of(stream).await.data["reason"], "signed-out");
    }
    // A heartbeat has come by now, which ends nothing.
    service.post(&event("ann", "1")).await.expect(202);
    assert_eq!(next_ids(&mut stays, 1).await, ["1"]);
    assert!(stays.comments > 0, "a heartbeat came");
}

/// A stream that is not read, and to which more is sent than buffers hold.
async fn stuck(service: &Service) -> RawConnection {
    let mut connection = RawConnection::open(service).await;
    let token = service.admin().await;
    let head =
        format!("GET /users/ann/live HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    assert!(connection.send(head.as_bytes()).await);
    connection
}

/// The first that is no event, behind which the stream ends.
async fn to_the_end(mut stream: Sse) -> Told {
    loop {
        let told = stream.next().await;
        if !["message", "skipped"].contains(&told.name.as_str()) {
            assert_eq!(stream.next_or_end().await, None);
            return told;
        }
    }
}

async fn a_stop_ends_streams_at_once_and_waits_for_none(home: Home) {
    let service = Service::start(&home).await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(service.watch("/users/ben/live").await);
        streams.push(service.watch("/live").await);
    }
    let _stuck = stuck(&service).await;
    let text = "x".repeat(20_000);
    for number in 0..4 {
        let events = (0..100).map(|at| {
            let mut event = event("ann", &format!("{number}-{at}"));
            event["payload"] = json!({ "text": text });
            event
        });
        service.post_when_there_is_room(&Value::from(events.collect::<Vec<_>>())).await;
    }
    service.wait_until_flushed().await;
    let reading: Vec<_> =
        streams.into_iter().map(|stream| tokio::spawn(to_the_end(stream))).collect();
    let began = Instant::now();
    service.signal("TERM");
    for told in reading {
        let told = told.await.expect("a reader");
        assert_eq!((told.name.as_str(), &told.data["reason"]), ("end", &json!("stopping")));
    }
    assert!(began.elapsed() < Duration::from_secs(2), "at once: {:?}", began.elapsed());
    let ended = service.wait(Duration::from_secs(20)).await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    // Well below the ten seconds that requests in flight would have.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// What a proxy does that speaks HTTP/1.1 to the service and hands on each chunk.
async fn a_client_of_http_1_1_sees_whole_chunks_and_the_end(home: Home) {
    let service = Service::start(&home).await;
    let mut connection = RawConnection::open(&service).await;
    let token = service.admin().await;
    let head = format!(
        "GET /users/ann/live HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.1\r\n\
         accept-encoding: gzip, br\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    assert!(connection.send(head.as_bytes()).await);
    let head = connection.read_until("event: hello", Duration::from_secs(10)).await;
    let lower = head.to_lowercase();
    assert!(lower.starts_with("http/1.1 200 "), "{head}");
    assert!(lower.contains("transfer-encoding: chunked"), "{head}");
    assert!(!lower.contains("content-encoding"), "{head}");
    assert!(!lower.contains("content-length"), "{head}");
    service.post(&event("ann", "1")).await.expect(202);
    let event = connection.read_until("\"eventId\":\"1\"", Duration::from_secs(10)).await;
    assert!(event.contains("data: "), "{event}");
    service.signal("TERM");
    let end = connection.read_until("0\r\n\r\n", Duration::from_secs(10)).await;
    assert!(end.contains("event: end"), "{end}");
    service.wait(Duration::from_secs(20)).await;
}
