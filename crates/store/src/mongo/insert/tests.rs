#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bson::doc;
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Arrival, Event, Payload, StoreId, Timestamp};

use super::*;
use crate::mongo::periods::{Calendar, PeriodSettings};

fn accepted(payload_bytes: usize) -> Arc<Accepted> {
    let limits = PayloadLimits { max_bytes: usize::MAX, max_depth: 8 };
    let json = format!("{{\"k\":\"{}\"}}", "x".repeat(payload_bytes));
    let at = Timestamp::from_millis(1_000).unwrap();
    Arc::new(Accepted {
        event: Event {
            id: StoreId::derive("ann", "e1"),
            user_id: "ann".into(),
            event_id: "e1".into(),
            kind: "search".into(),
            anonymous_id: None,
            session_id: Some("s1".into()),
            account_id: None,
            payload: Payload::from_json(json.as_bytes(), limits).unwrap(),
            occurred_at: at,
            received_at: at.plus_millis(5),
        },
        arrival: Arrival::from_i64(7),
    })
}

fn take(events: &[Arc<Accepted>]) -> NextInsert {
    let none = Calendar::new(PeriodSettings::DEFAULT).known();
    NextInsert::take(events, &none, &doc! { "w": "majority", "j": true }).unwrap()
}

/// The command for these events, and how many of them are in it.
fn command(events: &[Arc<Accepted>]) -> (RawDocumentBuf, usize) {
    match take(events) {
        NextInsert::Command { command, documents } => (command, documents),
        NextInsert::TooLarge { bytes } => panic!("too large: {bytes}"),
    }
}

#[test]
fn the_command_is_what_the_driver_would_have_built() {
    let (command, _) = command(&[accepted(2), accepted(0)]);
    let command = Document::try_from(&command).unwrap();
    let id = bson::Binary {
        subtype: bson::spec::BinarySubtype::Uuid,
        bytes: StoreId::derive("ann", "e1").as_bytes().to_vec(),
    };
    let event = |payload: &str| {
        doc! {
            "_id": id.clone(), "userId": "ann", "eventId": "e1", "type": "search",
            "sessionId": "s1", "payload": { "k": payload },
            "occurredAt": bson::DateTime::from_millis(1_000),
            "receivedAt": bson::DateTime::from_millis(1_005),
            "arrival": 7_i64,
        }
    };
    assert_eq!(
        command,
        doc! {
            "insert": "events", "ordered": false,
            "writeConcern": { "w": "majority", "j": true },
            "documents": [event("xx"), event("")],
        }
    );
}

#[test]
fn what_does_not_fit_into_one_command_goes_into_the_next() {
    let large = accepted(6 * 1024 * 1024);
    let (command, documents) = command(&vec![large; 5]);
    assert_eq!(documents, 2);
    assert!(command.as_bytes().len() < MAX_COMMAND_BYTES);
}

#[test]
fn an_event_too_large_for_any_command_ends_the_batch_before_it() {
    let (small, large) = (accepted(1), accepted(MAX_DOCUMENT_BYTES));
    let (_, documents) = command(&[small.clone(), large.clone(), small.clone()]);
    assert_eq!(documents, 1);
    assert!(matches!(
        take(&[large, small]),
        NextInsert::TooLarge { bytes } if bytes > MAX_DOCUMENT_BYTES
    ));
}

#[test]
fn every_document_without_a_fault_is_stored() {
    let answer = doc! {
        "ok": 1, "n": 2_i64,
        "writeErrors": [
            { "index": 1, "code": 11000, "keyPattern": { "_id": 1 } },
            { "index": 3, "code": 91, "errmsg": "shutting down" },
        ],
    };
    assert_eq!(
        verdicts(&answer, 4).unwrap(),
        [Outcome::Stored, Outcome::Duplicate, Outcome::Stored, Outcome::Retry]
    );
}

#[test]
fn documents_that_the_server_never_came_to_do_not_count_as_stored() {
    let answer = doc! { "ok": 1, "n": 1, "writeErrors": [{ "index": 1, "code": 91 }] };
    assert!(matches!(verdicts(&answer, 5), Err(StoreError::Unavailable(_))));
    assert!(matches!(verdicts(&doc! { "ok": 1 }, 1), Err(StoreError::Unavailable(_))));
}

#[test]
fn a_write_concern_that_was_not_met_means_try_again() {
    let answer = doc! {
        "ok": 1, "n": 2,
        "writeConcernError": { "code": 11602, "errmsg": "state changed" },
    };
    assert!(matches!(verdicts(&answer, 2), Err(StoreError::Unavailable(_))));
}
