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
    for key in [None, Some("shop")] {
        let mut record = record::encode(&all, key);
        assert_eq!(record.body.len(), record::body_bytes(&all, key));
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

#[test]
fn a_record_of_a_newer_version_is_told_from_one_that_is_cut_short() {
    let record = record::encode(&events("u", 0..2), None);
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
