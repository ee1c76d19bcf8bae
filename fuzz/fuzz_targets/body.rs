//! Any bytes as the body of `POST /events`.
//!
//! From the project's root, on the stable toolchain:
//!
//! ```text
//! cargo install cargo-fuzz --locked
//! mkdir -p fuzz/corpus/body
//! cargo fuzz run body --sanitizer none fuzz/corpus/body fuzz/seeds \
//!     -- -dict=fuzz/body.dict -max_len=4096 -max_total_time=620
//! ```
//!
//! Without a sanitizer, because the crate has no unsafe code and the
//! sanitizers need a nightly compiler. Debug assertions and overflow checks
//! are on.

#![no_main]

use std::collections::HashSet;

use bson::raw::RawDocument;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use trailkeep_event::fault::MAX_LISTED;
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::wire::{Refusal, read_json, read_ndjson};
use trailkeep_event::{Event, KnownAs, Rules, StoreId, Timestamp, TypeRule};

/// Small, so that short inputs reach every limit.
const MAX_EVENTS: usize = 4;
const PAYLOAD: PayloadLimits = PayloadLimits {
    max_bytes: 160,
    max_depth: 4,
};
/// A key in a fault is cut after 64 characters.
const MAX_FAULT_FIELD: usize = 64 * 4 + "...".len();

fuzz_target!(|body: &[u8]| {
    let rules = rules();
    let now = Timestamp::from_millis_clamped(1_765_794_600_000);
    check(&read_ndjson(body, &rules, now), body);
    let events = read_json(body, &rules, now);
    check(&events, body);
    if let Ok(events) = events {
        check_resent(&events, &rules, now);
    }
});

fn rules() -> Rules {
    let types = ["page_view", "search"].map(Box::from);
    Rules {
        types: TypeRule::OneOf(HashSet::from(types)),
        default_user: None,
        max_events: MAX_EVENTS,
        payload: PAYLOAD,
        max_future_ms: 86_400_000,
    }
}

/// What holds of every answer.
fn check(answer: &Result<Vec<Event>, Refusal>, body: &[u8]) {
    match answer {
        Ok(events) => {
            assert!((1..=MAX_EVENTS).contains(&events.len()));
            events.iter().for_each(check_event);
        }
        Err(refusal) => check_refusal(refusal, body),
    }
}

fn check_event(event: &Event) {
    let optional = |text: &Option<Box<str>>, max: usize| {
        text.iter().all(|text| (1..=max).contains(&text.len()))
    };
    assert!((1..=256).contains(&event.user_id.len()));
    assert!((1..=128).contains(&event.event_id.len()));
    assert!(matches!(&*event.kind, "page_view" | "search"));
    assert!(optional(&event.anonymous_id, 256));
    assert!(optional(&event.session_id, 256));
    assert!(optional(&event.account_id, 256));
    assert_eq!(event.id, StoreId::derive(&event.user_id, &event.event_id));

    let bson = RawDocument::from_bytes(event.payload.as_bson()).expect("a BSON document");
    bson::Document::try_from(bson).expect("valid in every part");
    let json = event.payload.to_json();
    assert!(json.len() <= PAYLOAD.max_bytes, "{json}");
    let value: Value = serde_json::from_str(&json).expect("JSON");
    assert!(value.is_object());
}

fn check_refusal(refusal: &Refusal, body: &[u8]) {
    match refusal {
        Refusal::TooMany { limit } => assert_eq!(*limit, MAX_EVENTS),
        Refusal::Syntax { message, line, .. } => {
            let lines = body.iter().filter(|&&byte| byte == b'\n').count() + 1;
            assert!((1..=lines).contains(line));
            assert!(!message.is_empty());
        }
        Refusal::Faulty { faults, events } => {
            assert!(*events <= MAX_EVENTS);
            assert!((1..=faults.total()).contains(&faults.listed().len()));
            assert!(faults.listed().len() <= MAX_LISTED);
            for fault in faults.listed() {
                assert!(fault.index.is_none_or(|index| index < MAX_EVENTS));
                assert!(fault.field.len() <= MAX_FAULT_FIELD);
                assert!(!fault.message.is_empty() && fault.message.len() < 1024);
            }
        }
    }
}

/// What a journey shows of an event can be sent again and is the same event, but for the
/// user's id of one that had an anonymous id alone: a journey has both.
fn check_resent(events: &[Event], rules: &Rules, now: Timestamp) {
    let objects: Vec<String> = events.iter().map(as_sent).collect();
    let body = format!("[{}]", objects.join(","));
    let again = read_json(body.as_bytes(), rules, now);
    assert_eq!(again.as_deref(), Ok(events), "{body}");

    let again = read_ndjson(objects.join("\n").as_bytes(), rules, now);
    assert_eq!(again.as_deref(), Ok(events), "{body}");
}

/// An event as a journey shows it, without the time of its receipt: that one
/// is not a sender's to say. The payload as it is written, not by way of a value:
/// the order of its keys and the form of its numbers are what is looked at.
fn as_sent(event: &Event) -> String {
    let text = |text: &str| Value::from(text).to_string();
    let mut fields = vec![
        format!("\"eventId\":{}", text(&event.event_id)),
        format!("\"type\":{}", text(&event.kind)),
        format!("\"occurredAt\":\"{}\"", event.occurred_at),
        format!("\"payload\":{}", event.payload.to_json()),
    ];
    // Sent beside itself, an anonymous id would be a user's.
    if event.known_as() != KnownAs::Visitor {
        fields.push(format!("\"userId\":{}", text(&event.user_id)));
    }
    for (name, value) in [
        ("anonymousId", &event.anonymous_id),
        ("sessionId", &event.session_id),
        ("accountId", &event.account_id),
    ] {
        fields.extend(value.iter().map(|value| format!("\"{name}\":{}", text(value))));
    }
    format!("{{{}}}", fields.join(","))
}
