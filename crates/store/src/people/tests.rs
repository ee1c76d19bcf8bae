//! What a row says, and how two become one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bounds;
mod links;
mod merging;
mod terms;

use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Arrival, Payload, Timestamp};

use super::{Decision, Parts, Person};

fn arrival(number: i64) -> Arrival {
    Arrival::from_i64(number)
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn payload(json: &str) -> Payload {
    let limits = PayloadLimits { max_bytes: 1 << 20, max_depth: 64 };
    Payload::from_json(json.as_bytes(), limits).unwrap()
}

/// What one `identify` of ann with these traits says.
fn identify(traits: &str, number: i64) -> Person {
    Person::new("ann").identified(&payload(traits), arrival(number))
}

fn merged(all: &[Person]) -> Person {
    let mut rows = all.iter();
    let mut whole = rows.next().unwrap().clone();
    rows.for_each(|row| whole.merge(row));
    whole
}

fn decision(millis: i64, by: &str, user: Option<&str>) -> Decision {
    Decision { at: at(millis), by: by.into(), user: user.map(Box::from) }
}

/// Read back from what a store keeps of it.
fn kept(person: &Person) -> Person {
    let json = serde_json::to_string(&Parts::of(person)).unwrap();
    let parts: Parts = serde_json::from_str(&json).unwrap();
    parts.into_person(person.id.clone(), person.seen, person.user_since)
}
