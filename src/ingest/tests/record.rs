//! Batches as records, and back.

use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Accepted, Arrival};

use super::*;
use crate::ingest::record::{self, NotDecoded};

#[test]
fn a_batch_comes_back_as_it_was_with_its_key_and_its_numbers() {
    let limits = PayloadLimits { max_bytes: 1000, max_depth: 3 };
    let mut all = events("\u{fc}ser", 0..3);
    all[1].session_id = Some("s".into());
    all[1].payload = Payload::from_json(br#"{"a":[1,2.5,null,{"b":"\u00e4"}]}"#, limits).unwrap();
    all[2].account_id = Some("account".into());
    let without = all.clone();
    all[0].anonymous_id = Some("\u{fc}ser".into());
    all[2].anonymous_id = Some("before".into());
    for (all, key, version) in
        [(&without, None, 1), (&all, None, 2), (&without, Some("shop"), 1), (&all, Some("shop"), 2)]
    {
        let mut record = record::encode(all, key);
        assert_eq!(record.header.version, version);
        assert_eq!(record.body.len(), record::body_bytes(all, key));
        let first = 1_000_000 << 8;
        record::number(&mut record, Arrival::from_i64(first), Arrival::from_i64(first + 512));
        assert_eq!((record.header.weight, record.header.number), (3, first + 512));
        let batch = record::decode(&record).unwrap();
        assert_eq!(batch.key.as_deref(), key);
        for (place, found) in batch.events.iter().enumerate() {
            let expected = Accepted {
                event: all[place].clone(),
                arrival: Arrival::from_i64(first + 256 * i64::try_from(place).unwrap()),
            };
            assert_eq!(**found, expected);
        }
        assert_eq!(batch.events.len(), 3);
    }
}

/// Byte for byte as version 1 was first written: a journal may hold such records.
#[test]
fn a_record_of_version_1_is_read() {
    let text = |text: &str| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let absent = u32::MAX.to_le_bytes().to_vec();
    let mut body = (9_i64 << 8).to_le_bytes().to_vec();
    body.extend(absent.iter().chain(&1_u32.to_le_bytes()));
    body.extend(5_i64.to_le_bytes().iter().chain(&7_i64.to_le_bytes()));
    for part in [text("ann"), text("e-1"), text("search"), absent.clone(), text("acme")] {
        body.extend(part);
    }
    body.extend(5_u32.to_le_bytes().iter().chain(&[5, 0, 0, 0, 0]));
    let mut record = record::encode(&events("u", 0..1), None);
    assert_eq!(record.header.version, 1);
    record.body = body;

    let event = record::decode(&record).unwrap().events[0].event.clone();

    assert_eq!((&*event.user_id, &*event.event_id, &*event.kind), ("ann", "e-1", "search"));
    assert_eq!((event.session_id, event.account_id.as_deref()), (None, Some("acme")));
    assert_eq!(event.anonymous_id, None);
    assert_eq!((event.occurred_at.as_millis(), event.received_at.as_millis()), (5, 7));
    assert_eq!(event.payload, Payload::empty());
}

#[test]
fn a_record_of_a_newer_version_is_told_from_one_that_is_cut_short() {
    let mut all = events("u", 0..2);
    all[1].anonymous_id = Some("before".into());
    let record = record::encode(&all, None);
    let mut other = record.clone();
    other.header.kind += 1;
    assert_eq!(record::decode(&other), Err(NotDecoded::Newer));
    other = record.clone();
    other.header.version += 1;
    assert_eq!(record::decode(&other), Err(NotDecoded::Newer));
    for length in 0..record.body.len() {
        other = record.clone();
        other.body.truncate(length);
        assert_eq!(record::decode(&other), Err(NotDecoded::Unreadable));
    }
    assert!(record::decode(&record).is_ok());
}
