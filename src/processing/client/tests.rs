#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broken;
mod kept;
mod listener;
mod tls;

use http::HeaderMap;
use listener::{Listener, answering, ok};

use super::*;
use crate::processing::answer::{Class, MAX_BODY_BYTES, Verdict, classify};
use trailkeep_event::Timestamp;

/// More than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// For what must not come in time.
const SHORT: Duration = Duration::from_secs(1);

fn settings(url: &str) -> ClientSettings {
    ClientSettings { url: url.to_owned(), timeout: LONG, concurrency: 4, authorities: None }
}

fn client(url: &str) -> Client {
    Client::new(&settings(url)).unwrap()
}

fn impatient(url: &str) -> Client {
    Client::new(&ClientSettings { timeout: SHORT, ..settings(url) }).unwrap()
}

fn delivery() -> Delivery {
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", "an-id".parse().unwrap());
    headers.insert("content-type", "application/json".parse().unwrap());
    Delivery { headers, body: r#"{"eventId":"e1"}"#.into() }
}

/// What came back from a processor that answers every request so.
async fn answered(answer: impl Into<Vec<u8>>) -> Answer {
    let listener = Listener::start(answering(answer)).await;
    client(&listener.url()).send(&delivery()).await
}

fn verdict(answer: &Answer) -> Verdict {
    classify(answer, Timestamp::now())
}

fn response(answer: Answer) -> Response {
    match answer {
        Answer::Response(response) => response,
        Answer::Fault(fault) => panic!("{fault}"),
    }
}

fn fault(answer: Answer) -> Fault {
    match answer {
        Answer::Fault(fault) => fault,
        Answer::Response(response) => panic!("{response:?}"),
    }
}

fn class(answer: &Answer) -> Class {
    match verdict(answer) {
        Verdict::Failed { class, .. } => class,
        other => panic!("{other:?}"),
    }
}

fn result(answer: &Answer) -> String {
    match verdict(answer) {
        Verdict::Done { result } => result.to_json(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn attempts_are_made_from_any_thread() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    fn is_sent<T: Send>(_: &T) {}
    let (client, delivery) = (client("http://127.0.0.1:1"), delivery());
    is_shared(&client);
    is_sent(&client.send(&delivery));
}

#[tokio::test]
async fn a_request_has_its_address_its_headers_and_its_body() {
    let listener = Listener::start(answering(ok("{}"))).await;
    let url = listener.url();
    for (path, expected) in [("", "/events"), ("/hook?key=1", "/hook?key=1")] {
        client(&format!("{url}{path}")).send(&delivery()).await;
        let request = listener.requests().pop().unwrap();
        assert!(request.starts_with(&format!("POST {expected} HTTP/1.1\r\n")), "{request}");
        for line in [
            &*format!("host: {}", url.trim_start_matches("http://")),
            "webhook-id: an-id",
            "content-type: application/json",
            "content-length: 16",
        ] {
            assert!(request.contains(&format!("\r\n{line}\r\n")), "no {line:?} in {request}");
        }
        assert!(request.ends_with("\r\n\r\n{\"eventId\":\"e1\"}"), "{request}");
    }
}

#[tokio::test]
async fn what_matters_of_an_answer_is_kept() {
    let text = "HTTP/1.1 503 Gone fishing\r\nretry-after: 7\r\nwebhook-delivery: abort-message\r\n\
                content-length: 4\r\n\r\nsoon";
    let expected = Response {
        status: 503,
        retry_after: Some("7".into()),
        delivery: Some("abort-message".into()),
        body: "soon".into(),
    };
    assert_eq!(response(answered(text).await), expected);

    let chunks =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n";
    assert_eq!(result(&answered(chunks).await), r#"{"a":1}"#);
    // What is not said otherwise ends with the connection.
    assert_eq!(result(&answered("HTTP/1.0 200 OK\r\n\r\n{\"a\":1}").await), r#"{"a":1}"#);
    // What comes before an answer is none.
    let early = format!("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n{}", ok("{}"));
    assert_eq!(result(&answered(early).await), "{}");
}

#[tokio::test]
async fn an_error_within_a_success_is_a_success() {
    let answer = answered(ok(r#"{"status":"error"}"#)).await;
    assert_eq!(result(&answer), r#"{"status":"error"}"#);
}

#[tokio::test]
async fn a_success_without_a_body_is_one() {
    let answer = answered("HTTP/1.1 204 No Content\r\n\r\n").await;
    let expected = r#"{"status":"success","message":"Event processed successfully"}"#;
    assert_eq!(result(&answer), expected);
}

#[tokio::test]
async fn wrong_addresses_and_keys_are_told_from_other_failures() {
    for (status, expected) in [
        (401, Class::Refused),
        (403, Class::Refused),
        (404, Class::Refused),
        (405, Class::Refused),
        (410, Class::Refused),
        (500, Class::Other),
        (502, Class::Other),
    ] {
        let answer = answered(format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n")).await;
        assert_eq!(class(&answer), expected, "{status}");
        assert_eq!(answer.status(), Some(status));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Listener::start(answering(ok("{}"))).await;
    for status in [301, 302, 303, 307, 308] {
        let url = elsewhere.url();
        let redirect =
            format!("HTTP/1.1 {status} x\r\nlocation: {url}/\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(class(&answered(redirect).await), Class::Refused);
    }
    assert_eq!(elsewhere.accepted(), 0);
}

#[tokio::test]
async fn settings_that_give_no_client_are_refused_with_the_reason() {
    let error = |settings: &ClientSettings| Client::new(settings).unwrap_err().to_string();
    assert_eq!(error(&settings("ftp://a")), "the URL must begin with http:// or https://");
    let with = |authorities: &str| ClientSettings {
        authorities: Some(authorities.to_owned()),
        ..settings("https://a")
    };
    assert!(error(&with("what?")).contains("there is none in the text"));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(error(&with(broken)).starts_with("the certificates of authorities cannot be read"));
    assert!(Client::new(&with(" \n")).is_ok());
}
