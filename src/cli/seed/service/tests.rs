#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn address(url: &str) -> (String, u16, String) {
    let address = Address::parse(url).unwrap();
    (address.host, address.port, address.path)
}

#[test]
fn an_address_is_that_of_the_service_or_of_its_events() {
    for (url, host, port, path) in [
        ("http://localhost:3000", "localhost", 3000, "/events"),
        ("http://localhost:3000/", "localhost", 3000, "/events"),
        (
            "http://localhost:3000/events/",
            "localhost",
            3000,
            "/events",
        ),
        (
            "http://shop.example/track",
            "shop.example",
            80,
            "/track/events",
        ),
        ("http://[::1]:3000", "::1", 3000, "/events"),
    ] {
        assert_eq!(
            address(url),
            (host.to_owned(), port, path.to_owned()),
            "{url}"
        );
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
    ] {
        assert!(
            matches!(
                Address::parse(url),
                Err(ServiceError::Address(_) | ServiceError::Scheme(_))
            ),
            "{url}"
        );
    }
    let https = Address::parse("https://shop.example").unwrap_err();
    assert!(https.to_string().contains("plain HTTP"), "{https}");
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
    for (named, seconds) in [
        (Some("3"), 3),
        (Some("0"), 0),
        (Some("86400"), 60),
        (Some("soon"), 1),
        (None, 1),
    ] {
        for status in [503, 429] {
            assert_eq!(
                answer(status, named, "").verdict(),
                Err(Trouble::Busy(Duration::from_secs(seconds))),
                "{named:?}"
            );
        }
    }
}

#[test]
fn what_will_never_be_taken_is_not_sent_again() {
    let refusal = answer(400, None, r#"{"detail": "3 faults."}"#).verdict();
    let text = "the service answers 400 Bad Request: 3 faults".to_owned();
    assert_eq!(refusal, Err(Trouble::Refusal(text)));
    for (status, hint) in [(401, "TRAILKEEP_WRITE_KEY"), (413, "--batch"), (404, "404")] {
        let refusal = answer(status, None, "no JSON").verdict();
        assert!(
            matches!(&refusal, Err(Trouble::Refusal(text)) if text.contains(hint)),
            "{refusal:?}"
        );
    }
    assert!(matches!(
        answer(502, None, "").verdict(),
        Err(Trouble::Outage(_))
    ));
    assert_eq!(answer(202, None, "").verdict(), Ok(()));
}
