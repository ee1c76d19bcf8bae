//! What the tests of this module share: rules, a fixed moment, and short ways
//! from a body to its events or its faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod generators;
mod properties;

use std::collections::HashSet;

use super::payload::PayloadLimits;
use super::wire::{Refusal, read_json};
use super::{Event, Fault, Faults, Rules, Timestamp, TypeRule};

pub const DAY_MS: i64 = 86_400_000;

/// 2025-12-15T10:30:00.000Z.
pub fn now() -> Timestamp {
    Timestamp::from_millis(1_765_794_600_000).unwrap()
}

/// The rules as they are by default, with a short list of types.
pub fn rules() -> Rules {
    Rules {
        types: TypeRule::OneOf(HashSet::from(["search", "page_view"].map(Box::from))),
        default_user: None,
        max_events: 1000,
        payload: PayloadLimits { max_bytes: 32 * 1024, max_depth: 32 },
        max_future_ms: DAY_MS,
    }
}

pub fn read(body: &str) -> Result<Vec<Event>, Refusal> {
    read_json(body.as_bytes(), &rules(), now())
}

/// A valid event with these further fields.
pub fn with(fields: &str) -> String {
    format!(r#"{{"userId":"ann","type":"page_view",{fields}}}"#)
}

/// The one event of a body that is valid.
pub fn one(body: &str) -> Event {
    let mut events = read(body).unwrap_or_else(|refusal| panic!("{body}: {refusal:?}"));
    assert_eq!(events.len(), 1, "{body}");
    events.remove(0)
}

/// The faults of an answer that names some.
pub fn faults_of(answer: Result<Vec<Event>, Refusal>) -> Faults {
    match answer {
        Err(Refusal::Faulty { faults, .. }) => faults,
        other => panic!("not refused for its events: {other:?}"),
    }
}

/// Index, field and message of each fault of a body.
pub fn faults(body: &str) -> Vec<(Option<usize>, String, String)> {
    let faults = faults_of(read(body));
    assert_eq!(faults.total(), faults.listed().len(), "{body}");
    faults.listed().iter().map(parts).collect()
}

/// The field and message of the only fault of a body with one event.
pub fn fault(body: &str) -> (String, String) {
    let mut faults = faults(body);
    assert_eq!(faults.len(), 1, "{body}: {faults:?}");
    let (index, field, message) = faults.remove(0);
    assert_eq!(index, Some(0), "{body}");
    (field, message)
}

fn parts(fault: &Fault) -> (Option<usize>, String, String) {
    (fault.index, fault.field.clone(), fault.message.clone().into_owned())
}

#[test]
fn an_event_counts_the_bytes_of_all_it_holds() {
    let bare = one(&with(r#""eventId":"e""#)).size();
    assert!(bare >= "ann".len() + "page_view".len() + "e".len());
    for (fields, more) in [
        (r#""eventId":"e2""#, 1),
        (r#""eventId":"e","anonymousId":"123456""#, 6),
        (r#""eventId":"e","sessionId":"1234""#, 4),
        (r#""eventId":"e","accountId":"12345""#, 5),
        // A type, the key with its end, four bytes of value.
        (r#""eventId":"e","payload":{"k":7}"#, 1 + 2 + 4),
    ] {
        assert_eq!(one(&with(fields)).size(), bare + more, "{fields}");
    }
}
