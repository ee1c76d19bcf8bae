#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trailkeep_event::{Arrival, StoreId, Timestamp};

use super::*;

fn event() -> StoredEvent {
    StoredEvent {
        id: StoreId::derive("ann", "e-1"),
        user_id: "ann".into(),
        event_id: "e-1".into(),
        kind: "search".into(),
        anonymous_id: None,
        session_id: None,
        account_id: None,
        payload: r#"{"q":"x"}"#.into(),
        occurred_at: Timestamp::from_millis_clamped(1_765_794_600_000),
        received_at: Timestamp::from_millis_clamped(1_765_794_600_120),
        arrival: Arrival::from_i64(1),
    }
}

fn json(event: &StoredEvent) -> String {
    let mut out = Vec::new();
    write_json(event, &mut out);
    String::from_utf8(out).unwrap()
}

fn csv(event: &StoredEvent) -> String {
    let mut out = Vec::new();
    write_csv(event, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn json_leaves_out_what_the_event_does_not_have() {
    assert_eq!(
        json(&event()),
        r#"{"eventId":"e-1","userId":"ann","type":"search","occurredAt":"2025-12-15T10:30:00.000Z","receivedAt":"2025-12-15T10:30:00.120Z","payload":{"q":"x"}}"#
    );
    let full = StoredEvent {
        anonymous_id: Some("v".into()),
        session_id: Some("s\"\n".into()),
        account_id: Some("é".into()),
        ..event()
    };
    let value: serde_json::Value = serde_json::from_str(&json(&full)).unwrap();
    assert_eq!(value["anonymousId"], "v");
    assert_eq!(value["sessionId"], "s\"\n");
    assert_eq!(value["accountId"], "é");
    assert_eq!(value.as_object().unwrap().len(), 9);
}

#[test]
fn csv_is_rfc_4180() {
    assert_eq!(
        String::from_utf8(csv_head().unwrap()).unwrap(),
        "eventId,userId,anonymousId,sessionId,accountId,type,occurredAt,receivedAt,payload\r\n"
    );
    assert_eq!(
        csv(&event()),
        "e-1,ann,,,,search,2025-12-15T10:30:00.000Z,2025-12-15T10:30:00.120Z,\
         \"{\"\"q\"\":\"\"x\"\"}\"\r\n"
    );
    let odd = StoredEvent { user_id: "a,b\r\n\"c\"".into(), ..event() };
    assert!(csv(&odd).starts_with("e-1,\"a,b\r\n\"\"c\"\"\",,,,search,"));
}

#[test]
fn csv_holds_no_formula() {
    for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
        let hostile =
            StoredEvent { event_id: text.into(), session_id: Some(text.into()), ..event() };
        let line = csv(&hostile);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        assert_eq!(&record[0], format!("'{text}"));
        assert_eq!(&record[3], format!("'{text}"));
        assert_eq!(&record[1], "ann");
    }
}
