//! What holds of every body and every payload.

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::generators::{AMPLE, Manner, event, manner, object};
use super::{now, rules};
use crate::wire::{Refusal, read_json, read_ndjson};
use crate::{Event, Payload, Rules, Timestamp};

fn ample() -> Rules {
    Rules { payload: AMPLE, ..rules() }
}

/// How several events are put into one body.
#[derive(Debug, Clone, Copy)]
enum Form {
    Array,
    Envelope,
    EnvelopeWithTimeBefore,
    EnvelopeWithTimeBehind,
    Lines,
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![
        Just(Form::Array),
        Just(Form::Envelope),
        Just(Form::EnvelopeWithTimeBefore),
        Just(Form::EnvelopeWithTimeBehind),
        Just(Form::Lines),
    ]
}

impl Form {
    fn write(self, events: &[String]) -> String {
        let list = events.join(",\n");
        match self {
            Self::Array => format!("[{list}]"),
            Self::Envelope => format!(r#"{{"events":[{list}]}}"#),
            // A clock that was never set.
            Self::EnvelopeWithTimeBefore => format!(r#"{{"sentAt":0,"events":[{list}]}}"#),
            // As our clock has it.
            Self::EnvelopeWithTimeBehind => {
                format!(r#"{{"events":[{list}],"sentAt":"2025-12-15T10:30:00Z"}}"#)
            }
            Self::Lines => events.join("\r\n\n"),
        }
    }

    fn read(self, body: &[u8]) -> Result<Vec<Event>, Refusal> {
        match self {
            Self::Lines => read_ndjson(body, &ample(), now()),
            _ => read_json(body, &ample(), now()),
        }
    }
}

fn written(events: &[(Event, Manner)]) -> Vec<String> {
    events.iter().map(|(event, manner)| manner.write(event)).collect()
}

/// A valid body and its events.
fn body() -> impl Strategy<Value = (Form, String, Vec<Event>)> {
    (form(), proptest::collection::vec((event(), manner()), 1..4)).prop_map(|(form, events)| {
        let body = form.write(&written(&events));
        (form, body, events.into_iter().map(|(event, _)| event).collect())
    })
}

/// Valid events, or a refusal that says why.
fn check(answer: &Result<Vec<Event>, Refusal>) -> Result<(), TestCaseError> {
    match answer {
        Ok(events) => {
            prop_assert!(!events.is_empty());
            for event in events {
                let raw = RawDocument::from_bytes(event.payload.as_bson());
                prop_assert!(raw.is_ok_and(|raw| Document::try_from(raw).is_ok()));
                prop_assert!(serde_json::from_str::<Value>(&event.payload.to_json()).is_ok());
            }
        }
        Err(Refusal::Faulty { faults, .. }) => {
            prop_assert!(!faults.listed().is_empty());
            prop_assert!(faults.listed().iter().all(|fault| !fault.message.is_empty()));
        }
        Err(Refusal::Syntax { message, line, .. }) => {
            prop_assert!(!message.is_empty() && *line > 0);
        }
        Err(Refusal::TooMany { .. }) => {}
    }
    Ok(())
}

/// The rule for numbers: what is no 64-bit integer is a double.
fn as_kept(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.as_i64().is_none() => number.as_f64().unwrap().into(),
        Value::Array(list) => list.iter().map(as_kept).collect(),
        Value::Object(fields) => Value::Object(kept_fields(fields)),
        other => other.clone(),
    }
}

fn kept_fields(fields: &Map<String, Value>) -> Map<String, Value> {
    fields.iter().map(|(key, value)| (key.clone(), as_kept(value))).collect()
}

/// BSON made the long way round.
fn bson_of(value: &Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(value) => Bson::Boolean(*value),
        Value::String(text) => Bson::String(text.clone()),
        Value::Number(number) => match number.as_i64() {
            Some(number) => i32::try_from(number).map_or(Bson::Int64(number), Bson::Int32),
            None => Bson::Double(number.as_f64().unwrap()),
        },
        Value::Array(list) => Bson::Array(list.iter().map(bson_of).collect()),
        Value::Object(fields) => Bson::Document(document_of(fields)),
    }
}

fn document_of(fields: &Map<String, Value>) -> Document {
    fields.iter().map(|(key, value)| (key.clone(), bson_of(value))).collect()
}

/// A change to a valid body.
#[derive(Debug, Clone)]
enum Mutation {
    Cut(prop::sample::Index),
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index),
    Repeat(prop::sample::Index, prop::sample::Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    let token = proptest::sample::select(vec![
        "null",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        "1e400",
        "-",
        "0",
        "\"userId\":",
        "\"events\":",
        "\"sentAt\":",
        "\n",
    ]);
    prop_oneof![
        at().prop_map(Mutation::Cut),
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (at(), token).prop_map(|(at, token)| Mutation::Insert(at, token.into())),
        at().prop_map(Mutation::Remove),
        (at(), at()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
    ]
}

impl Mutation {
    fn apply(&self, body: &mut Vec<u8>) {
        if body.is_empty() {
            return;
        }
        let length = body.len();
        match self {
            Self::Cut(at) => body.truncate(at.index(length)),
            Self::Replace(at, byte) => body[at.index(length)] = *byte,
            Self::Insert(at, token) => {
                let at = at.index(length);
                body.splice(at..at, token.iter().copied());
            }
            Self::Remove(at) => {
                body.remove(at.index(length));
            }
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                let part = body[from.min(to)..from.max(to)].to_vec();
                body.splice(to..to, part);
            }
        }
    }
}

/// How far a clock may be off, most often around the bounds of what counts.
fn behind_ms() -> impl Strategy<Value = i64> {
    let ten_years = 3_652 * super::DAY_MS;
    prop_oneof![
        -7_000_i64..7_000,
        -super::DAY_MS..super::DAY_MS,
        ten_years - 2..ten_years + 2,
        -ten_years - 2..-ten_years + 2,
        -2 * ten_years..2 * ten_years,
    ]
}

/// The event as a sender has it whose clock is behind, if that can be written.
fn as_sent(event: &Event, behind_ms: i64) -> Option<Event> {
    let occurred_at = Timestamp::from_millis(event.occurred_at.as_millis() - behind_ms)?;
    Some(Event { occurred_at, ..event.clone() })
}

proptest! {
    #[test]
    fn a_clock_that_is_wrong_changes_nothing(
        events in proptest::collection::vec((event(), manner()), 1..4),
        behind_ms in behind_ms(),
        is_first in any::<bool>(),
    ) {
        let counts = (5_001..3_652 * super::DAY_MS).contains(&behind_ms.abs());
        let off = if counts { behind_ms } else { 0 };
        let sent = events.iter().map(|(event, manner)| Some(manner.write(&as_sent(event, off)?)));
        let Some(sent) = sent.collect::<Option<Vec<_>>>() else { return Ok(()) };
        let list = sent.join(",");
        let sent_at = now().as_millis() - behind_ms;
        let body = if is_first {
            format!(r#"{{"sentAt":{sent_at},"events":[{list}]}}"#)
        } else {
            format!(r#"{{"events":[{list}],"sentAt":{sent_at}}}"#)
        };
        let events: Vec<_> = events.into_iter().map(|(event, _)| event).collect();
        prop_assert_eq!(read_json(body.as_bytes(), &ample(), now()), Ok(events), "{}", body);
    }

    #[test]
    fn an_event_is_the_same_however_it_is_written((form, body, events) in body()) {
        prop_assert_eq!(form.read(body.as_bytes()), Ok(events), "{}", body);
    }

    #[test]
    fn a_single_event_needs_no_array(event in event(), manner in manner()) {
        let body = manner.write(&event);
        prop_assert_eq!(read_json(body.as_bytes(), &ample(), now()), Ok(vec![event]), "{}", body);
    }

    #[test]
    fn a_payload_comes_back_as_it_was_sent(fields in object()) {
        let sent = Value::Object(fields.clone());
        let payload = Payload::from_json(sent.to_string().as_bytes(), AMPLE).unwrap();
        let back: Value = serde_json::from_str(&payload.to_json()).unwrap();
        prop_assert_eq!(back, as_kept(&sent));

        let raw = RawDocumentBuf::try_from(&document_of(&fields)).unwrap();
        prop_assert_eq!(payload.as_bson(), raw.as_bytes());
    }

    #[test]
    fn a_payload_is_refused_exactly_above_its_size(fields in object(), less in 0_usize..3) {
        let kept = as_kept(&Value::Object(fields)).to_string();
        let limits = |max_bytes| crate::payload::PayloadLimits { max_bytes, ..AMPLE };
        let fits = Payload::from_json(kept.as_bytes(), limits(kept.len() - less));
        prop_assert_eq!(fits.is_ok(), less == 0);
    }

    #[test]
    fn any_bytes_are_events_or_are_refused(body in any::<Vec<u8>>()) {
        check(&read_json(&body, &rules(), now()))?;
        check(&read_ndjson(&body, &rules(), now()))?;
    }

    #[test]
    fn a_damaged_body_is_events_or_is_refused(
        (_, body, _) in body(),
        mutations in proptest::collection::vec(mutation(), 1..4),
    ) {
        let mut body = body.into_bytes();
        for mutation in &mutations {
            mutation.apply(&mut body);
        }
        check(&read_json(&body, &rules(), now()))?;
        check(&read_ndjson(&body, &rules(), now()))?;
    }

    #[test]
    fn one_faulty_event_refuses_all_of_its_body(
        events in proptest::collection::vec((event(), manner()), 0..4),
        at in any::<prop::sample::Index>(),
        form in form(),
    ) {
        let mut events = written(&events);
        let count = events.len() + 1;
        let at = at.index(count);
        events.insert(at, r#"{"userId":"ann","type":"search","sesionId":"s"}"#.to_owned());
        let Err(Refusal::Faulty { faults, events: found }) = form.read(form.write(&events).as_bytes()) else {
            return Err(TestCaseError::fail("accepted"));
        };
        prop_assert_eq!((faults.total(), found), (1, count));
        prop_assert_eq!(faults.listed()[0].index, Some(at));
        prop_assert_eq!(&faults.listed()[0].field, "sesionId");
    }
}
