//! Values that break somebody: the database, the reader, the next tool.

use serde_json::{Value, json};

use super::{assert_unharmed, start};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    keys_that_mean_something_elsewhere_come_back_as_plain_keys,
    numbers_come_back_as_the_number_they_were_or_the_nearest_double,
);

async fn keys_that_mean_something_elsewhere_come_back_as_plain_keys(home: Home) {
    let service = Service::start(&home).await;
    let payload = json!({
        "$oid": "507f1f77bcf86cd799439011",
        "$date": "x",
        "nested": { "$oid": "not an id" },
        "date": { "$date": { "$numberLong": "1" } },
        "number": { "$numberDecimal": "1.5" },
        "a.b": { "c.d": 1 },
        "$set": { "userId": "v" },
        "": { "": "" },
        "__proto__": { "admin": true },
        "constructor": null,
        "_id": 5,
    });
    let mut event = sample::event("u", "e");
    event["payload"] = payload.clone();
    service.post(&event).await.expect(202);

    let buffered = service.journey("u", "").await;
    assert_eq!(buffered["events"][0]["payload"], payload);
    service.wait_until_flushed().await;
    let stored = service.journey("u", "").await;
    assert_eq!(stored["events"][0]["payload"], payload);
    assert_eq!(home.stored().await, 1);
}

async fn numbers_come_back_as_the_number_they_were_or_the_nearest_double(home: Home) {
    let service = Service::start(&home).await;
    let numbers = "[0,-1,2147483648,9223372036854775807,-9223372036854775808,\
                   18446744073709551616,9223372036854775808,1.5,-0.0,5e-324,1.7976931348623157e308]";
    let body = format!(r#"{{"userId":"u","type":"search","payload":{{"n":{numbers}}}}}"#);
    service.post_as("application/json", body).await.expect(202);
    service.wait_until_flushed().await;

    let page = service.journey("u", "").await;

    let kept = page["events"][0]["payload"]["n"].as_array().unwrap().clone();
    let integers: Vec<_> = kept[..5].iter().map(Value::as_i64).collect();
    let expected = [0, -1, 1 << 31, i64::MAX, i64::MIN].map(Some);
    assert_eq!(integers, expected);
    let doubles: Vec<_> = kept[5..].iter().filter_map(Value::as_f64).collect();
    let expected =
        [18_446_744_073_709_551_616.0, 9_223_372_036_854_775_808.0, 1.5, -0.0, 5e-324, f64::MAX];
    assert_eq!(doubles, expected);
    assert!(kept[5].is_f64(), "2^64 is kept as a double");
}

#[tokio::test]
async fn a_number_beyond_a_double_is_refused() {
    let (_home, service) = start().await;
    for number in ["1e400", "-1e400", "1e999999999999", "NaN", "Infinity", "01"] {
        let body = format!(r#"{{"userId":"u","type":"search","payload":{{"n":{number}}}}}"#);
        service.post_as("application/json", body).await.problem(400);
    }
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn control_characters_are_refused_in_every_field() {
    let (_home, service) = start().await;
    for field in ["userId", "anonymousId", "type", "sessionId", "accountId", "eventId"] {
        for character in ['\0', '\u{1}', '\n', '\u{1b}', '\u{7f}', '\u{85}'] {
            let mut event = sample::event("u", "e");
            event[field] = format!("a{character}b").into();
            let fault = service.post(&event).await.only_fault();
            assert_eq!(fault.field, field, "{character:?}");
        }
    }
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn a_raw_control_character_is_no_json() {
    let (_home, service) = start().await;
    for byte in [0_u8, 1, b'\n', 0x1f] {
        let mut body = br#"{"type":"search","userId":"u"#.to_vec();
        body.push(byte);
        body.extend_from_slice(b"\"}");
        service.post_as("application/json", body).await.problem(400);
    }
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn a_payload_holds_no_nul_but_keeps_its_line_breaks() {
    let (_home, service) = start().await;
    for payload in [json!({ "a": "x\0y" }), json!({ "a\0b": 1 }), json!({ "l": [["\0"]] })] {
        let mut event = sample::event("u", "e");
        event["payload"] = payload;
        assert_eq!(service.post(&event).await.only_fault().field, "payload");
    }
    assert_unharmed(&service).await;

    let text = json!({ "text": "one\r\ntwo\tthree \u{1f600} \u{2028}" });
    let mut event = sample::event("u", "e");
    event["payload"] = text.clone();
    service.post(&event).await.expect(202);
    assert_eq!(service.journey("u", "").await["events"][0]["payload"], text);
}

#[tokio::test]
async fn a_payload_that_is_no_object_is_refused() {
    let (_home, service) = start().await;
    for payload in [json!([{ "a": 1 }]), json!("{}"), json!(1), json!(true)] {
        let mut event = sample::event("u", "e");
        event["payload"] = payload;
        assert_eq!(service.post(&event).await.only_fault().field, "payload");
    }
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn times_that_are_none_are_refused() {
    let (_home, service) = start().await;
    for time in [
        json!("10000-01-01T00:00:00Z"),
        json!("+10000-01-01T00:00:00Z"),
        json!("0000-00-00"),
        json!("0000-00-00T00:00:00Z"),
        json!("2025-02-29T00:00:00Z"),
        json!("2025-12-15T25:00:00Z"),
        json!("2025-12-15T10:30:00"),
        json!("2025-12-15"),
        json!("1765794600123"),
        json!(""),
        json!(253_402_300_800_000_i64),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1.5),
        json!(true),
        json!({ "$date": 0 }),
    ] {
        let mut event = sample::event("u", "e");
        event["occurredAt"] = time.clone();
        let fault = service.post(&event).await.only_fault();
        assert_eq!(fault.field, "occurredAt", "{time}");
    }
    assert_unharmed(&service).await;
}
