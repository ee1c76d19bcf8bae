#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use trailkeep_event::{Event, Payload};

use super::*;

fn read(document: Document) -> Result<StoredEvent, DocumentFault> {
    let raw = RawDocumentBuf::try_from(&document).unwrap();
    read_event(&raw, "ann")
}

#[test]
fn a_bare_foreign_document_is_an_event() {
    let event = read(doc! { "_id": "note-1", "occurredAt": DateTime::from_millis(5) }).unwrap();
    assert_eq!(event.id, StoreId::derive("ann", "note-1"));
    assert_eq!(&*event.event_id, "note-1");
    assert_eq!(&*event.user_id, "ann");
    assert_eq!(&*event.kind, "");
    assert_eq!(&*event.payload, "{}");
    assert_eq!(event.arrival, Arrival::from_i64(0));
    assert_eq!(event.received_at, event.occurred_at);
    assert_eq!(event.session_id, None);
}

#[test]
fn numbers_of_any_whole_type_are_arrivals() {
    for arrival in [bson::Bson::Int32(7), bson::Bson::Int64(7), bson::Bson::Double(7.0)] {
        let event = read(doc! { "occurredAt": DateTime::from_millis(5), "arrival": arrival });
        assert_eq!(event.unwrap().arrival, Arrival::from_i64(7));
    }
}

#[test]
fn a_document_without_a_place_in_the_order_is_left_out() {
    assert!(read(doc! { "_id": 1 }).is_err());
    assert!(read(doc! { "_id": 1, "occurredAt": "2025-01-01" }).is_err());
    for arrival in [bson::Bson::Double(1.5), bson::Bson::String("1".into())] {
        let document = doc! { "occurredAt": DateTime::from_millis(5), "arrival": arrival };
        assert!(read(document).is_err());
    }
}

#[test]
fn fields_of_another_type_are_taken_as_missing() {
    let event = read(doc! {
        "_id": 1, "occurredAt": DateTime::from_millis(5), "eventId": 2, "type": ["x"],
        "sessionId": null, "payload": "text", "receivedAt": 12,
    })
    .unwrap();
    assert_eq!(&*event.event_id, "1");
    assert_eq!(&*event.kind, "");
    assert_eq!(event.session_id, None);
    assert_eq!(&*event.payload, "{}");
    assert_eq!(event.received_at, event.occurred_at);
}

#[test]
fn the_text_of_an_id_is_what_json_shows() {
    let id = ObjectId::parse_str("64b7f0a1c2d3e4f5a6b7c8d9").unwrap();
    let at = DateTime::from_millis(5);
    for (id, text) in [
        (bson::Bson::ObjectId(id), "64b7f0a1c2d3e4f5a6b7c8d9"),
        (bson::Bson::Int64(-3), "-3"),
        (bson::Bson::String("a\"b}".into()), "a\"b}"),
        (bson::Bson::Document(doc! { "k": 1 }), "{\"k\":1}"),
    ] {
        let event = read(doc! { "_id": id, "occurredAt": at }).unwrap();
        assert_eq!(&*event.event_id, text);
    }
}

#[test]
fn a_uuid_as_id_is_taken_as_it_is() {
    let bytes = *StoreId::derive("ann", "e1").as_bytes();
    let id = bson::Binary { subtype: BinarySubtype::Uuid, bytes: bytes.to_vec() };
    let event = read(doc! { "_id": id, "occurredAt": DateTime::from_millis(5) }).unwrap();
    assert_eq!(event.id, StoreId::from_bytes(bytes));
}

fn accepted(
    anonymous_id: Option<&str>,
    session_id: Option<&str>,
    account_id: Option<&str>,
) -> Accepted {
    let event = Event {
        id: StoreId::derive("ann", "e1"),
        user_id: "ann".into(),
        event_id: "e1".into(),
        kind: "search \"é\"".into(),
        anonymous_id: anonymous_id.map(Box::from),
        session_id: session_id.map(Box::from),
        account_id: account_id.map(Box::from),
        payload: Payload::from_kept_json(r#"{"q":"shoes","n":[1,2.5,null]}"#).unwrap(),
        occurred_at: Timestamp::from_millis(-5).unwrap(),
        received_at: Timestamp::from_millis(7).unwrap(),
    };
    Accepted { event, arrival: Arrival::from_i64(9) }
}

#[test]
fn what_we_wrote_is_read_as_any_other_document_would_be() {
    for accepted in [
        accepted(None, None, None),
        accepted(None, Some("s-1"), None),
        accepted(None, Some("s-1"), Some("acme")),
        accepted(Some("v-1"), Some("s-1"), Some("acme")),
        accepted(Some("v-1"), None, None),
    ] {
        let document = RawDocumentBuf::from_bytes(encode(&accepted)).unwrap();
        let event = own::read_event(document.as_bytes(), "ann").unwrap();
        assert_eq!(event, read_any(&document, "ann").unwrap());
        assert_eq!(event.id, accepted.event.id);
        assert_eq!(event.arrival, accepted.arrival);
        assert_eq!(event.payload, accepted.event.payload.to_json());
    }
}

#[test]
fn a_document_with_a_field_that_is_not_ours_is_read_all_the_same() {
    let written = RawDocumentBuf::from_bytes(encode(&accepted(None, None, None))).unwrap();
    let mut document = Document::try_from(&*written).unwrap();
    document.insert("tag", ObjectId::from_bytes([1; 12]));
    assert_eq!(read(document).unwrap(), read_event(&written, "ann").unwrap());
}
