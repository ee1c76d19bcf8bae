#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bson::raw::RawDocumentBuf;
use bson::{Bson, Document, doc};
use proptest::prelude::*;

use super::*;
use crate::payload::{Payload, PayloadLimits};

fn payload(json: &str) -> Payload {
    let limits = PayloadLimits { max_bytes: 32 * 1024, max_depth: 32 };
    Payload::from_json(json.as_bytes(), limits).unwrap_or_else(|fault| panic!("{json}: {fault}"))
}

fn encoded(document: &Document) -> Vec<u8> {
    RawDocumentBuf::try_from(document).unwrap().into_bytes()
}

#[test]
fn documents_of_other_tools_become_json() {
    let binary = |subtype, bytes: &[u8]| bson::Binary { subtype, bytes: bytes.to_vec() };
    let document = doc! {
        "date": bson::DateTime::from_millis(1_765_794_600_000),
        "far": bson::DateTime::from_millis(i64::MAX),
        "id": bson::oid::ObjectId::parse_str("64b7f0a1c2d3e4f5a6b7c8d9").unwrap(),
        "decimal": "12.50".parse::<bson::Decimal128>().unwrap(),
        "uuid": binary(bson::spec::BinarySubtype::Uuid, &[0x11; 16]),
        "bytes": binary(bson::spec::BinarySubtype::Generic, b"\xff\x00hi"),
        "odd": binary(bson::spec::BinarySubtype::Uuid, b"short"),
        "nan": f64::NAN,
        "up": f64::INFINITY,
        "down": f64::NEG_INFINITY,
        "regex": Bson::RegularExpression(bson::Regex {
            pattern: "a".try_into().unwrap(), options: "i".try_into().unwrap(),
        }),
        "min": Bson::MinKey,
        "max": Bson::MaxKey,
        "time": Bson::Timestamp(bson::Timestamp { time: 1, increment: 2 }),
        "symbol": Bson::Symbol("s".into()),
        "code": Bson::JavaScriptCode("f()".into()),
        "undefined": Bson::Undefined,
        "nested": [{ "date": bson::DateTime::from_millis(0) }],
    };
    let json = bson_to_json(&encoded(&document)).unwrap();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let expected = serde_json::json!({
        "date": "2025-12-15T10:30:00.000Z",
        "far": "9999-12-31T23:59:59.999Z",
        "id": "64b7f0a1c2d3e4f5a6b7c8d9",
        "decimal": "12.50",
        "uuid": "11111111-1111-1111-1111-111111111111",
        "bytes": "/wBoaQ==",
        "odd": "c2hvcnQ=",
        "nan": null, "up": null, "down": null,
        "regex": null, "min": null, "max": null, "time": null,
        "symbol": "s", "code": "f()", "undefined": null,
        "nested": [{"date": "1970-01-01T00:00:00.000Z"}],
    });
    assert_eq!(value, expected);
}

#[test]
fn what_is_no_document_is_told_and_not_shown() {
    let bad_text = {
        let mut bson = payload(r#"{"k":"ab"}"#).as_bson().to_vec();
        let at = bson.iter().position(|&byte| byte == b'b').unwrap();
        bson[at] = 0xff;
        bson
    };
    let mut cut = payload(r#"{"k":{"l":1}}"#).as_bson().to_vec();
    cut.pop();
    for bson in [&b""[..], &[4, 0, 0, 0], &[5, 0, 0, 0, 1], &[0xff; 16], &bad_text, &cut] {
        assert!(bson_to_json(bson).is_err(), "{bson:?}");
    }
    let deep = (0..101).fold(doc! {}, |inner, _| doc! { "k": inner });
    assert!(bson_to_json(&encoded(&deep)).is_err());
}

fn any_value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let fields = proptest::collection::hash_map("[a-z\"\\\\é]{0,6}", inner.clone(), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..6).prop_map(Value::from),
            fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_short_cut_writes_what_the_long_way_writes(value in any_value()) {
        let payload = payload(&serde_json::json!({ "k": value }).to_string());
        let short = plain::to_json(payload.as_bson()).unwrap();
        prop_assert_eq!(short, any_to_json(payload.as_bson()).unwrap());
    }
}
