#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

#[test]
fn an_address_is_that_of_the_service_or_of_its_events() {
    for (url, events) in [
        ("http://localhost:3000", "http://localhost:3000/events"),
        ("http://localhost:3000/", "http://localhost:3000/events"),
        ("http://localhost:3000/events/", "http://localhost:3000/events"),
        ("http://a.example/track", "http://a.example/track/events"),
        ("http://[::1]:3000", "http://[::1]:3000/events"),
    ] {
        assert_eq!(events_of(url).unwrap(), events);
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for url in [
        "localhost:3000",
        "/events",
        "http://",
        "http://a:b@c",
        "http://a/?x=1",
        "https://shop.example",
    ] {
        let refused = events_of(url).unwrap_err();
        assert!(matches!(refused, SeedError::Address(_)), "{url}: {refused}");
    }
}

fn answer(status: u16, retry_after: Option<&str>, body: &'static str) -> Answer {
    let mut headers = HeaderMap::new();
    if let Some(value) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
    }
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: Bytes::from_static(body.as_bytes()),
    }
}

#[test]
fn the_pause_is_the_one_that_the_service_names() {
    for (named, seconds) in
        [(Some("3"), 3), (Some("0"), 0), (Some("86400"), 60), (Some("soon"), 1), (None, 1)]
    {
        for status in [503, 502, 429] {
            let pause = Duration::from_secs(seconds);
            let verdict = answer(status, named, "").verdict();
            assert_eq!(verdict, Err(NotTaken::Now(pause)), "{named:?}");
        }
    }
}

#[test]
fn what_will_never_be_taken_is_not_sent_again() {
    let refusal = answer(400, None, r#"{"detail": "3 faults."}"#).verdict();
    let text = "the service answers 400 Bad Request: 3 faults".to_owned();
    assert_eq!(refusal, Err(NotTaken::Ever(text)));
    for (status, hint) in [(401, "TRAILKEEP_WRITE_KEY"), (413, "--batch"), (404, "404")] {
        let refusal = answer(status, None, "no JSON").verdict();
        assert!(
            matches!(&refusal, Err(NotTaken::Ever(text)) if text.contains(hint)),
            "{refusal:?}"
        );
    }
    assert_eq!(answer(202, None, "").verdict(), Ok(()));
}
