#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bson::raw::RawDocumentBuf;
use bson::{Bson, Document, doc};

use super::*;

const LIMITS: PayloadLimits = PayloadLimits { max_bytes: 32 * 1024, max_depth: 32 };

fn payload(json: &str) -> Payload {
    Payload::from_json(json.as_bytes(), LIMITS).unwrap_or_else(|fault| panic!("{json}: {fault}"))
}

fn fault(json: &str) -> String {
    Payload::from_json(json.as_bytes(), LIMITS).expect_err(json)
}

fn encoded(document: &Document) -> Vec<u8> {
    RawDocumentBuf::try_from(document).unwrap().into_bytes()
}

#[test]
fn the_bson_is_what_the_bson_crate_writes() {
    for (json, document) in [
        ("{}", doc! {}),
        (r#"{"a":1}"#, doc! { "a": 1 }),
        (
            r#"{"text":"é\n\"😀\"","yes":true,"no":false,"nothing":null}"#,
            doc! { "text": "é\n\"😀\"", "yes": true, "no": false, "nothing": Bson::Null },
        ),
        (
            r#"{"o":{"p":{"q":[]}},"l":[1,[2,{"x":"y"}],"z"]}"#,
            doc! { "o": { "p": { "q": [] } }, "l": [1, [2, { "x": "y" }], "z"] },
        ),
        (r#"{ "b" : 1 , "a" : [ 0 , 1.5 ] }"#, doc! { "b": 1, "a": [0, 1.5] }),
    ] {
        assert_eq!(payload(json).as_bson(), encoded(&document), "{json}");
    }
    let long = format!(r#"{{"l":{:?}}}"#, (0..120).collect::<Vec<i32>>());
    let list = Bson::Array((0..120).map(Bson::Int32).collect());
    assert_eq!(payload(&long).as_bson(), encoded(&doc! { "l": list }));
}

#[test]
fn keys_are_plain_whatever_they_mean_elsewhere() {
    let json = r#"{"$oid":"64b7f0a1c2d3e4f5a6b7c8d9","$date":"x","a.b":1,"":2,"__proto__":{},"$numberLong":"7","_id":3,"é\t":4,"n":{"$oid":5},"o":{"$date":{"$numberLong":"1"}}}"#;
    let document = doc! {
        "$oid": "64b7f0a1c2d3e4f5a6b7c8d9", "$date": "x", "a.b": 1, "": 2, "__proto__": {},
        "$numberLong": "7", "_id": 3, "é\t": 4, "n": { "$oid": 5 },
        "o": { "$date": { "$numberLong": "1" } },
    };
    let payload = payload(json);
    assert_eq!(payload.as_bson(), encoded(&document));
    assert_eq!(&*payload.to_json(), json);
}

#[test]
fn numbers_follow_one_rule() {
    let biggest = i64::MAX.to_string();
    #[allow(clippy::cast_precision_loss)]
    for (sent, held, shown) in [
        ("0", Bson::Int32(0), "0"),
        ("2147483647", Bson::Int32(i32::MAX), "2147483647"),
        ("2147483648", Bson::Int64(1 << 31), "2147483648"),
        ("-2147483648", Bson::Int32(i32::MIN), "-2147483648"),
        ("-2147483649", Bson::Int64(-(1 << 31) - 1), "-2147483649"),
        (&biggest, Bson::Int64(i64::MAX), &biggest),
        ("-9223372036854775808", Bson::Int64(i64::MIN), "-9223372036854775808"),
        ("9223372036854775808", Bson::Double((1_u64 << 63) as f64), "9.223372036854776e+18"),
        ("-9223372036854775809", Bson::Double(i64::MIN as f64), "-9.223372036854776e+18"),
        ("18446744073709551615", Bson::Double(u64::MAX as f64), "1.8446744073709552e+19"),
        ("18446744073709551616", Bson::Double(1.8446744073709552e19), "1.8446744073709552e+19"),
        ("-0", Bson::Double(-0.0), "-0.0"),
        ("1.0", Bson::Double(1.0), "1.0"),
        ("1e2", Bson::Double(100.0), "100.0"),
        ("0.1", Bson::Double(0.1), "0.1"),
        ("1e308", Bson::Double(1e308), "1e+308"),
        ("5e-324", Bson::Double(5e-324), "5e-324"),
        ("1e-400", Bson::Double(0.0), "0.0"),
        // Read as its neighbour by a parser that is only nearly right.
        ("983.8805087604259", Bson::Double(983.8805087604259), "983.8805087604259"),
    ] {
        let payload = payload(&format!(r#"{{"n":{sent}}}"#));
        assert_eq!(payload.as_bson(), encoded(&doc! { "n": held }), "{sent}");
        assert_eq!(&*payload.to_json(), format!(r#"{{"n":{shown}}}"#), "{sent}");
    }
    assert!(fault(r#"{"n":1e400}"#).contains("number out of range"));
}

#[test]
fn a_payload_is_an_object() {
    for (json, kind) in [
        ("[]", "an array"),
        (r#"[{"a":1}]"#, "an array"),
        (r#""{}""#, "a string"),
        ("7", "a number"),
        ("1.5", "a number"),
        ("true", "a boolean"),
    ] {
        assert_eq!(fault(json), format!("must be a JSON object, not {kind}"));
    }
    assert_eq!(fault("null"), "must be a JSON object");
    assert!(fault("{} {}").contains("trailing characters"));
}

#[test]
fn the_size_is_that_of_compact_json() {
    for compact in [
        "{}",
        r#"{"":""}"#,
        r#"{"a":1,"b":-20,"c":3000000000}"#,
        r#"{"l":[],"m":[1],"n":[1,2,[3,[]]],"o":{"p":{}}}"#,
        r#"{"t":true,"f":false,"n":null}"#,
        r#"{"d":1.5,"e":1e+300,"z":-0.0,"i":100.0,"u":1.8446744073709552e+19}"#,
        r#"{"é":"ünï😀"}"#,
        r#"{"\"\\\b\t\n\f\r\u0001\u001f":"\"\\\b\t\n\f\r\u0001\u001f/"}"#,
    ] {
        let read = |json: &str, max_bytes| {
            let limits = PayloadLimits { max_bytes, ..LIMITS };
            Payload::from_json(json.as_bytes(), limits)
        };
        let size = compact.len();
        assert_eq!(&*read(compact, size).unwrap().to_json(), compact);
        let refused = Err(format!("is larger than {} bytes", size - 1));
        assert_eq!(read(compact, size - 1), refused, "{compact}");
        // Neither blanks nor a longer spelling count.
        let value: serde_json::Value = serde_json::from_str(compact).unwrap();
        let spaced = serde_json::to_string_pretty(&value).unwrap();
        assert!(read(&spaced, size).is_ok(), "{compact}");
        assert_eq!(read(&spaced, size - 1), refused);
    }
    let escaped = r#"{"k":"\u0041\u00e9\/"}"#;
    let size = r#"{"k":"Aé/"}"#.len();
    for (max_bytes, fits) in [(size, true), (size - 1, false)] {
        let limits = PayloadLimits { max_bytes, ..LIMITS };
        assert_eq!(Payload::from_json(escaped.as_bytes(), limits).is_ok(), fits);
    }
}

#[test]
fn thirty_two_kibibytes_are_taken_and_one_more_is_not() {
    let of_size = |bytes: usize| format!(r#"{{"k":"{}"}}"#, "x".repeat(bytes - 8));
    let edge = of_size(32 * 1024);
    assert_eq!(edge.len(), 32 * 1024);
    assert_eq!(&*payload(&edge).to_json(), edge);
    assert_eq!(fault(&of_size(32 * 1024 + 1)), "is larger than 32768 bytes");
}

#[test]
fn the_depth_counts_the_payload_and_all_in_it() {
    let objects =
        |levels: usize| format!("{}{{}}{}", r#"{"k":"#.repeat(levels - 1), "}".repeat(levels - 1));
    let arrays =
        |levels: usize| format!(r#"{{"k":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
    for nested in [&objects as &dyn Fn(usize) -> String, &arrays] {
        assert_eq!(&*payload(&nested(32)).to_json(), nested(32));
        assert_eq!(fault(&nested(33)), "is nested deeper than 32 levels");
        // The most that can be configured is read and written too.
        let limits = PayloadLimits { max_depth: 100, ..LIMITS };
        let deepest = Payload::from_json(nested(100).as_bytes(), limits).unwrap();
        assert_eq!(&*deepest.to_json(), nested(100));
        assert!(Payload::from_json(nested(101).as_bytes(), limits).is_err());
    }
}

#[test]
fn a_key_stands_once_in_an_object() {
    let twice = |json: &str, key: &str| {
        assert_eq!(fault(json), format!("has the key {key:?} twice in one object"), "{json}");
    };
    twice(r#"{"a":1,"a":1}"#, "a");
    twice(r#"{"":1,"":2}"#, "");
    twice(r#"{"a":1,"\u0061":2}"#, "a");
    twice(r#"{"a":1,"b":{"a":1,"c":2},"a":3}"#, "a");
    twice(r#"{"a":{"b":1,"b":2}}"#, "b");
    twice(r#"{"l":[{"b":1},{"b":1,"c":2,"b":3}]}"#, "b");
    payload(r#"{"a":{"a":{"a":1}},"b":{"a":1},"l":[{"a":1},{"a":1}],"A":1}"#);
}

#[test]
fn a_key_stands_once_also_among_many() {
    let object = |keys: &[String]| {
        let fields: Vec<String> = keys.iter().map(|key| format!(r#""{key}":1"#)).collect();
        format!("{{{}}}", fields.join(","))
    };
    for count in [31, 32, 33, 34, 65, 1000] {
        let keys: Vec<String> = (0..count).map(|number| format!("k{number}")).collect();
        let once = object(&keys);
        assert_eq!(&*payload(&once).to_json(), once);
        for again in [0, count / 2, count - 1] {
            let mut keys = keys.clone();
            keys.push(format!("k{again}"));
            let told = format!("has the key \"k{again}\" twice in one object");
            assert_eq!(fault(&object(&keys)), told, "{count}");
        }
        // Many keys within, and the outer object still knows its own.
        assert_eq!(
            fault(&format!(r#"{{"a":{once},"b":{once},"a":1}}"#)),
            "has the key \"a\" twice in one object"
        );
    }
}

#[test]
fn nul_is_refused_and_other_control_characters_are_data() {
    for json in
        [r#"{"k":"a\u0000b"}"#, r#"{"a\u0000":1}"#, r#"{"l":["\u0000"]}"#, r#"{"o":{"\u0000":{}}}"#]
    {
        assert_eq!(fault(json), "holds a NUL character");
    }
    let json = r#"{"k":"\u0001\u001f\n"}"#;
    assert_eq!(&*payload(json).to_json(), json);
}

#[test]
fn a_faulty_payload_is_read_to_its_end() {
    // The fault is the first one, and broken JSON behind it is still found.
    assert_eq!(
        fault(r#"{"a":1,"a":[1,{"b":1,"b":2}],"c":"\u0000"}"#),
        "has the key \"a\" twice in one object"
    );
    assert!(fault(r#"{"a":1,"a":[1,{"b":}]}"#).contains("expected value"));
}

#[test]
fn a_payload_shows_itself_as_json() {
    assert_eq!(format!("{:?}", payload(r#"{"a":1}"#)), r#"{"a":1}"#);
    assert_eq!(&*Payload::empty().to_json(), "{}");
}
