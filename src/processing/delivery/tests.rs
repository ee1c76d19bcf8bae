#![allow(clippy::unwrap_used)]

use trailkeep_event::Arrival;

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn event() -> StoredEvent {
    StoredEvent {
        id: StoreId::derive("ann", "e-1"),
        user_id: "ann".into(),
        event_id: "e-1".into(),
        kind: "search".into(),
        anonymous_id: None,
        session_id: Some("s-1".into()),
        account_id: None,
        payload: r#"{"q":"x"}"#.into(),
        occurred_at: Timestamp::from_millis_clamped(1_765_794_600_000),
        received_at: Timestamp::from_millis_clamped(1_765_794_600_120),
        arrival: Arrival::from_i64(1),
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis_clamped(1_765_794_601_999)
}

fn headers(pairs: &[(&str, &str)]) -> FormSettings {
    let headers = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    FormSettings { headers: headers.collect(), ..FormSettings::default() }
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> Option<&'a str> {
    delivery.headers.get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn an_event_is_sent_as_a_journey_shows_it() {
    let delivery = Form::new(&FormSettings::default()).unwrap().delivery(&event(), 0, 1, now());
    let mut shown = Vec::new();
    event().write_json(&JsonKeys::JOURNEY, &mut shown);
    assert_eq!(delivery.body, shown);
    let id = event().id.to_string();
    assert_eq!(uuid::Uuid::try_parse(&id).unwrap().as_bytes(), event().id.as_bytes());
    for (name, value) in [
        ("content-type", "application/json"),
        ("webhook-id", &*id),
        ("idempotency-key", &*id),
        ("webhook-timestamp", "1765794601"),
        ("trailkeep-attempt", "1"),
        ("user-agent", concat!("trailkeep/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(header(&delivery, name), Some(value), "{name}");
    }
    assert_eq!(delivery.headers.len(), 6);
}

#[test]
fn a_run_has_an_id_of_its_own_and_its_attempts_share_it() {
    let form = Form::new(&FormSettings::default()).unwrap();
    let id = event().id;
    for (run, expected) in [(0, format!("{id}")), (1, format!("{id}.2")), (2, format!("{id}.3"))] {
        for attempt in [1, 12] {
            let delivery = form.delivery(&event(), run, attempt, now());
            assert_eq!(header(&delivery, "webhook-id"), Some(&*expected));
            assert_eq!(header(&delivery, "idempotency-key"), Some(&*expected));
            assert_eq!(header(&delivery, "trailkeep-attempt"), Some(&*attempt.to_string()));
        }
    }
}

#[test]
fn what_is_signed_is_what_is_sent() {
    let secret = Secret::parse(SECRET).unwrap();
    let settings = FormSettings { secrets: vec![secret.clone()], ..FormSettings::default() };
    let delivery = Form::new(&settings).unwrap().delivery(&event(), 1, 1, now());
    let signature = header(&delivery, "webhook-signature").unwrap();
    let (id, time) = (header(&delivery, "webhook-id"), header(&delivery, "webhook-timestamp"));
    let time = time.unwrap().parse().unwrap();
    assert!(secret.has_signed(id.unwrap(), time, &delivery.body, signature));
    assert!(!secret.has_signed(id.unwrap(), time, b"{}", signature));
}

#[test]
fn fields_are_called_as_the_processor_wants() {
    let settings = FormSettings { user_field: "patientId".into(), ..FormSettings::default() };
    let delivery = Form::new(&settings).unwrap().delivery(&event(), 0, 1, now());
    let body: serde_json::Value = serde_json::from_slice(&delivery.body).unwrap();
    assert_eq!((&body["patientId"], body.get("userId")), (&"ann".into(), None));

    let settings = FormSettings { user_field: "type".into(), ..FormSettings::default() };
    let error = Form::new(&settings).unwrap_err().to_string();
    assert_eq!(error, "the field name \"type\" is the name of another field");
}

#[test]
fn configured_headers_are_sent_and_shown_to_nobody() {
    let settings = headers(&[("Authorization", "Bearer hush"), ("user-agent", "shop")]);
    let form = Form::new(&settings).unwrap();
    let delivery = form.delivery(&event(), 0, 1, now());
    assert_eq!(header(&delivery, "authorization"), Some("Bearer hush"));
    assert_eq!(header(&delivery, "user-agent"), Some("shop"));
    assert!(!format!("{form:?} {delivery:?}").contains("hush"));
}

#[test]
fn headers_that_cannot_be_sent_are_refused_without_their_values() {
    for (pairs, expected) in [
        (&[("a b", "hush")][..], "\"a b\" is no name of a header"),
        (&[("", "hush")], "\"\" is no name of a header"),
        (&[("x-a", "hush\n")], "the value of the header \"x-a\" has characters"),
        (&[("Host", "hush")], "the header \"Host\" is set by the service itself"),
        (&[("webhook-ID", "hush")], "the header \"webhook-ID\" is set by the service itself"),
        (&[("x-a", "hush"), ("X-A", "hush")], "the header \"X-A\" is given twice"),
    ] {
        let error = Form::new(&headers(pairs)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hush"));
    }
}

/// A name that is missing there could be set by a setting, and then be sent twice or
/// change how the request is read.
#[test]
fn all_headers_of_a_request_but_the_agent_are_ours() {
    let secrets = vec![Secret::parse(SECRET).unwrap()];
    let settings = FormSettings { secrets, ..FormSettings::default() };
    let delivery = Form::new(&settings).unwrap().delivery(&event(), 0, 1, now());
    for name in delivery.headers.keys().filter(|name| *name != "user-agent") {
        assert!(OURS.contains(&name.as_str()), "{name}");
    }
}
