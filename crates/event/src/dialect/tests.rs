//! What the tests of dialects share, and what holds of every dialect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::posthog::{self, Unwanted};
use super::segment::{self, Call};
use super::{Taken, Terms};
use crate::tests::generators::object;
use crate::tests::{now, rules};
use crate::wire::Refusal;
use crate::{Event, Keep, Rules, Sender, TypeRule};

/// The rules as they are by default.
pub fn lenient() -> Rules {
    Rules { types: TypeRule::Any, ..rules() }
}

/// Reads with the rules by default, of a sender that is no browser.
pub fn on_terms<T>(read: impl FnOnce(Terms<'_>) -> T) -> T {
    let (rules, sender) = (lenient(), Sender::default());
    read(Terms { rules: &rules, sender: &sender, now: now() })
}

/// The payload of an event.
pub fn payload(event: &Event) -> Value {
    serde_json::from_str(&event.payload.to_json()).unwrap()
}

/// What was left out: which event, which field, and why.
pub fn left_out(taken: &Taken) -> Vec<(usize, &str, &str)> {
    let faults = taken.left_out.faults.listed().iter();
    faults.map(|fault| (fault.index.unwrap(), &*fault.field, &*fault.message)).collect()
}

type Reader = fn(&[u8]) -> Result<Taken, Refusal>;

fn segment_batch(body: &[u8]) -> Result<Taken, Refusal> {
    on_terms(|terms| segment::read_batch(body, false, terms))
}

fn segment_call(body: &[u8]) -> Result<Taken, Refusal> {
    on_terms(|terms| segment::read_call(body, Call::Track, terms))
}

fn posthog_body(body: &[u8]) -> Result<Taken, Refusal> {
    on_terms(|terms| posthog::read(body, None, &Unwanted::default(), terms))
}

const READERS: [Reader; 3] = [segment_batch, segment_call, posthog_body];

#[test]
fn what_is_no_json_is_refused_with_its_place() {
    for read in READERS {
        let refused = read(b"{\"batch\":[{\n}").unwrap_err();
        assert!(matches!(refused, Refusal::Syntax { line: 2, .. }), "{refused:?}");
        assert!(matches!(read(b"").unwrap_err(), Refusal::Syntax { .. }));
        assert!(matches!(read(b"7").unwrap_err(), Refusal::Faulty { .. }));
    }
}

#[test]
fn ten_thousand_events_are_more_than_a_request_may_have() {
    for read in [segment_batch as Reader, posthog_body] {
        let body = format!(r#"{{"batch":[{}{{}}]}}"#, "{},".repeat(9_999));
        assert_eq!(read(body.as_bytes()).unwrap_err(), Refusal::TooMany { limit: 1000 });
    }
}

#[test]
fn a_bad_event_is_left_out_and_named_and_the_others_are_taken() {
    let good = |event: &str| json!({"type": "track", "event": event, "userId": "ann", "distinct_id": "ann"});
    let long = "x".repeat(10_000);
    let large = "x".repeat(500_000);
    for (bad, field) in [
        (json!({"type": "track", "event": "e", "userId": {}, "distinct_id": {}}), "id"),
        (json!({"type": "track", "event": "e", "userId": long, "distinct_id": long}), "id"),
        (json!({"type": "track", "event": "e", "userId": "null", "distinct_id": "null"}), "id"),
        (json!({"type": "track", "userId": "ann", "distinct_id": "ann"}), "event"),
        (
            json!({"type": "track", "event": "e", "userId": "ann", "distinct_id": "ann",
                "properties": {"text": large}}),
            "properties",
        ),
        (
            json!({"type": "track", "event": "e", "userId": "ann", "distinct_id": "ann",
                "timestamp": "yesterday"}),
            "timestamp",
        ),
        (json!(7), ""),
    ] {
        let body = json!({"batch": [good("one"), bad, good("two")]}).to_string();
        for read in [segment_batch as Reader, posthog_body] {
            let taken = read(body.as_bytes()).unwrap();
            let kinds: Vec<&str> = taken.events.iter().map(|event| &*event.kind).collect();
            assert_eq!(kinds, ["one", "two"], "{bad}");
            let [(1, told, message)] = left_out(&taken)[..] else {
                panic!("{bad}: {:?}", taken.left_out);
            };
            let told = told.strip_prefix("distinct_").unwrap_or(told);
            assert_eq!(told.replace("userId", "id"), field, "{bad}");
            assert!(!message.is_empty());
            let is_large = field == "properties";
            assert_eq!(taken.left_out.too_large, usize::from(is_large));
            assert_eq!(taken.left_out.invalid, usize::from(!is_large));
        }
    }
}

#[test]
fn a_clock_that_was_never_set_or_is_not_meant_moves_nothing() {
    for sent_at in ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "soon"] {
        let body = json!({"sentAt": sent_at, "batch": [{"type": "track", "event": "e",
            "userId": "ann", "distinct_id": "ann", "timestamp": "2025-12-15T10:00:00Z"}]});
        for read in [segment_batch as Reader, posthog_body] {
            let taken = read(body.to_string().as_bytes()).unwrap();
            assert_eq!(taken.events[0].occurred_at.to_string(), "2025-12-15T10:00:00.000Z");
        }
    }
}

#[test]
fn a_sender_whose_clock_is_off_is_corrected_wherever_it_says_so() {
    let event = json!({"type": "track", "event": "e", "userId": "ann", "distinct_id": "ann",
        "timestamp": "2025-12-15T13:29:00Z"});
    let sent_at = "2025-12-15T13:30:00Z";
    for body in [
        format!(r#"{{"sentAt":"{sent_at}","batch":[{event}]}}"#),
        format!(r#"{{"batch":[{event}],"sentAt":"{sent_at}"}}"#),
    ] {
        for read in [segment_batch as Reader, posthog_body] {
            let taken = read(body.as_bytes()).unwrap();
            assert_eq!(taken.events[0].occurred_at.to_string(), "2025-12-15T10:29:00.000Z");
            assert_eq!(taken.events.len(), 1);
        }
    }
}

#[test]
fn a_batch_without_events_is_taken() {
    for read in [segment_batch as Reader, posthog_body] {
        assert!(read(br#"{"batch":[]}"#).unwrap().events.is_empty());
    }
}

#[test]
fn a_browser_that_sends_is_told_of_in_payloads() {
    let (rules, text) = (lenient(), "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0");
    let keep = Keep { user_agent: true, address: true };
    let sender = Sender::of(keep, Some(text), Some("192.0.2.7"));
    let terms = Terms { rules: &rules, sender: &sender, now: now() };
    let body = br#"{"batch":[{"type":"track","event":"e","userId":"a","distinct_id":"a",
        "properties":{"$os":"Own"}}]}"#;
    for taken in [
        segment::read_batch(body, false, terms).unwrap(),
        posthog::read(body, None, &Unwanted::default(), terms).unwrap(),
    ] {
        let expected = json!({"$os": "Own", "$browser": "Firefox", "$device": "desktop",
            "$userAgent": text, "$address": "192.0.2.7"});
        assert_eq!(payload(&taken.events[0]), expected);
    }
}

/// What stands for any of the fields of both dialects.
fn field() -> impl Strategy<Value = (String, Value)> {
    let names = [
        "type",
        "event",
        "userId",
        "anonymousId",
        "previousId",
        "groupId",
        "messageId",
        "timestamp",
        "originalTimestamp",
        "sentAt",
        "properties",
        "traits",
        "context",
        "name",
        "distinct_id",
        "uuid",
        "offset",
        "$set",
        "$set_once",
        "token",
        "whatever",
    ];
    let word = prop_oneof![
        Just(json!("track")),
        Just(json!("identify")),
        Just(json!("$identify")),
        Just(json!("alias")),
        Just(json!("ann")),
        Just(json!(7)),
        Just(json!(2.5)),
        Just(json!([])),
        Just(Value::Null),
        Just(json!("2025-12-15T10:29:00Z")),
        object().prop_map(Value::Object),
        Just(json!({"$set": {"a": 1}, "$groups": {"company": 4}, "page": {"url": "/"}})),
    ];
    (proptest::sample::select(names.to_vec()).prop_map(str::to_owned), word)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn of_events_of_any_fields_each_is_taken_or_left_out_and_what_is_taken_is_sound(
        events in proptest::collection::vec(proptest::collection::vec(field(), 0..8), 0..6),
    ) {
        let events: Vec<Value> = events
            .into_iter()
            .map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()))
            .collect();
        let body = json!({"batch": events}).to_string();
        for read in [segment_batch as Reader, posthog_body] {
            let taken = read(body.as_bytes()).unwrap();
            let left = &taken.left_out;
            prop_assert_eq!(
                taken.events.len() + left.invalid + left.too_large + left.unwanted,
                events.len()
            );
            prop_assert!(left.faults.total() >= left.invalid);
            for event in &taken.events {
                let bson = bson::raw::RawDocument::from_bytes(event.payload.as_bson()).unwrap();
                bson::Document::try_from(bson).unwrap();
                prop_assert!((1..=256).contains(&event.user_id.len()));
                prop_assert!((1..=64).contains(&event.kind.len()));
            }
        }
    }

    /// Properties come through as they are, but for names that a dialect has.
    #[test]
    fn properties_are_the_payload(properties in object()) {
        let properties: Map<String, Value> = properties
            .into_iter()
            .filter(|(key, _)| !key.starts_with('$'))
            .collect();
        let body = json!({"batch": [{"type": "track", "event": "e", "userId": "ann",
            "distinct_id": "ann", "properties": properties}]}).to_string();
        for read in [segment_batch as Reader, posthog_body] {
            let taken = read(body.as_bytes()).unwrap();
            let sent = crate::Payload::from_json(
                Value::Object(properties.clone()).to_string().as_bytes(),
                rules().payload,
            ).unwrap();
            prop_assert_eq!(&taken.events[0].payload, &sent);
        }
    }
}
