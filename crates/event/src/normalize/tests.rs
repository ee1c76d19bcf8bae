#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod times;

use super::*;
use crate::KnownAs;
use crate::tests::{fault, faults, faults_of, now, one, read, rules, with};
use crate::wire::read_json;

#[test]
fn every_alias_names_its_field() {
    for alias in ["userId", "user_id", "patientId", "patient_id", "distinctId", "distinct_id"] {
        let event = one(&format!(r#"{{"{alias}":"ann","type":"search"}}"#));
        assert_eq!(&*event.user_id, "ann", "{alias}");
    }
    for alias in ["anonymousId", "anonymous_id", "deviceId", "device_id"] {
        let event = one(&with(&format!(r#""{alias}":"v-1""#)));
        assert_eq!(event.anonymous_id.as_deref(), Some("v-1"), "{alias}");
    }
    for alias in ["type", "event"] {
        let event = one(&format!(r#"{{"userId":"ann","{alias}":"search"}}"#));
        assert_eq!(&*event.kind, "search", "{alias}");
    }
    for alias in ["sessionId", "session_id"] {
        let event = one(&with(&format!(r#""{alias}":"s-1""#)));
        assert_eq!(event.session_id.as_deref(), Some("s-1"), "{alias}");
    }
    for alias in ["accountId", "account_id"] {
        let event = one(&with(&format!(r#""{alias}":"a-1""#)));
        assert_eq!(event.account_id.as_deref(), Some("a-1"), "{alias}");
    }
    for alias in ["occurredAt", "timestamp", "ts"] {
        let event = one(&with(&format!(r#""{alias}":5"#)));
        assert_eq!(event.occurred_at.as_millis(), 5, "{alias}");
    }
    for alias in ["eventId", "event_id", "messageId"] {
        let event = one(&with(&format!(r#""{alias}":"e-1""#)));
        assert_eq!(&*event.event_id, "e-1", "{alias}");
    }
    for alias in ["payload", "data", "metadata", "properties"] {
        let event = one(&with(&format!(r#""{alias}":{{"k":1}}"#)));
        assert_eq!(&*event.payload.to_json(), r#"{"k":1}"#, "{alias}");
    }
}

#[test]
fn names_are_told_apart_by_case_and_underscores() {
    for name in ["userid", "UserId", "USER_ID", "user-id", "Payload", "id", ""] {
        let (field, message) = fault(&with(&format!(r#""{name}":"x""#)));
        assert_eq!(field, name);
        assert!(message.contains("is not a field of an event"), "{message}");
    }
}

#[test]
fn what_is_left_out_gets_its_default() {
    let event = one(r#"{"userId":"ann","type":"search"}"#);
    assert_eq!(event.session_id, None);
    assert_eq!(event.account_id, None);
    assert_eq!(event.payload, Payload::empty());
    assert_eq!(event.occurred_at, now());
    assert_eq!(event.received_at, now());
    let id = Uuid::try_parse(&event.event_id).unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(event.id, StoreId::derive("ann", &event.event_id));
}

#[test]
fn null_counts_as_left_out() {
    let event = one(&with(
        r#""sessionId":null,"accountId":null,"payload":null,"occurredAt":null,"eventId":null"#,
    ));
    assert_eq!(event.session_id, None);
    assert_eq!(event.account_id, None);
    assert_eq!(event.payload, Payload::empty());
    assert_eq!(event.occurred_at, now());
    assert_eq!(event.event_id.len(), 36);
}

#[test]
fn ids_that_the_service_makes_are_in_order() {
    let body = format!("[{}]", [r#"{"userId":"ann","type":"search"}"#; 100].join(","));
    let ids: Vec<Box<str>> = read(&body).unwrap().into_iter().map(|e| e.event_id).collect();
    assert!(ids.is_sorted_by(|left, right| left < right), "{ids:?}");
}

#[test]
fn a_user_and_a_type_are_required() {
    let missing = |field: &str| (Some(0), field.to_owned(), "is missing".to_owned());
    assert_eq!(faults("{}"), [missing("userId"), missing("type")]);
    assert_eq!(
        faults(r#"{"distinct_id":null,"event":null}"#),
        [missing("distinct_id"), missing("event")]
    );
}

#[test]
fn placeholders_are_no_users() {
    for placeholder in [
        "undefined",
        "Undefined",
        "null",
        "NULL",
        "nan",
        "NaN",
        "none",
        "None",
        "[object Object]",
        "[OBJECT OBJECT]",
        " undefined ",
    ] {
        let (field, message) = fault(&format!(r#"{{"user_id":"{placeholder}","type":"search"}}"#));
        assert_eq!(field, "user_id");
        assert!(message.contains("placeholder"), "{placeholder}: {message}");
    }
    for blank in [" ", "   ", "\u{a0}", "\u{3000} "] {
        let (_, message) = fault(&format!(r#"{{"userId":"{blank}","type":"search"}}"#));
        assert_eq!(message, "is blank", "{blank:?}");
    }
    let (_, message) = fault(r#"{"userId":"","type":"search"}"#);
    assert_eq!(message, "is empty");
}

#[test]
fn users_that_only_look_like_placeholders_are_taken() {
    for user in ["nancy", "nullable", "none1", "0", "false", "object", "[object Objects]", "nån"] {
        let event = one(&format!(r#"{{"userId":"{user}","type":"search"}}"#));
        assert_eq!(&*event.user_id, user);
    }
}

#[test]
fn placeholders_count_for_users_alone() {
    let event = one(&with(r#""sessionId":"null","accountId":"undefined","eventId":"none""#));
    assert_eq!(event.session_id.as_deref(), Some("null"));
    assert_eq!(event.account_id.as_deref(), Some("undefined"));
    assert_eq!(&*event.event_id, "none");
}

#[test]
fn a_default_user_stands_in_for_none_and_for_nothing_else() {
    let rules = Rules { default_user: Some("everybody".into()), ..rules() };
    let read = |body: &str| read_json(body.as_bytes(), &rules, now());
    for body in [r#"{"type":"search"}"#, r#"{"userId":null,"type":"search"}"#] {
        assert_eq!(&*read(body).unwrap()[0].user_id, "everybody");
    }
    let named = read(r#"{"userId":"ann","type":"search"}"#).unwrap();
    assert_eq!(&*named[0].user_id, "ann");
    for wrong in [r#""""#, r#"" ""#, r#""undefined""#, "7", "{}"] {
        let body = format!(r#"{{"userId":{wrong},"type":"search"}}"#);
        assert_eq!(faults_of(read(&body)).total(), 1, "{wrong}");
    }
}

/// Reads an event of any type with one field of that value.
fn read_field(field: &str, value: &str) -> Result<(), String> {
    let any_type = Rules { types: TypeRule::Any, default_user: Some("ann".into()), ..rules() };
    let kind = if field == "type" { "" } else { r#","type":"t""# };
    let body = format!(r#"{{"{field}":"{value}"{kind}}}"#);
    match read_json(body.as_bytes(), &any_type, now()) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(faults_of(Err(refusal)).listed()[0].message.clone().into_owned()),
    }
}

const TEXTS: [(&str, usize); 5] =
    [("userId", 256), ("type", 64), ("sessionId", 256), ("accountId", 256), ("eventId", 128)];

#[test]
fn texts_are_limited_in_bytes() {
    for (field, max) in TEXTS {
        let too_long = Err(format!("is longer than {max} bytes"));
        assert_eq!(read_field(field, "x"), Ok(()));
        assert_eq!(read_field(field, &"x".repeat(max)), Ok(()), "{field}");
        assert_eq!(read_field(field, &"x".repeat(max + 1)), too_long);
        // Characters of two and of four bytes.
        assert_eq!(read_field(field, &"é".repeat(max / 2)), Ok(()));
        assert_eq!(read_field(field, &format!("{}x", "é".repeat(max / 2))), too_long);
        assert_eq!(read_field(field, &"😀".repeat(max / 4)), Ok(()));
        assert_eq!(read_field(field, &"😀".repeat(max / 4 + 1)), too_long);
        // An escape counts as the character that it stands for.
        assert_eq!(read_field(field, &r"\u00e9".repeat(max / 2)), Ok(()));
        assert_eq!(read_field(field, ""), Err("is empty".to_owned()));
    }
}

#[test]
fn texts_hold_no_control_characters() {
    for (field, _) in TEXTS {
        for bad in [r"a\u0000", r"\n", r"a\tb", r"\u001f", r"\u007f", r"\u0085"] {
            let refused = Err("holds a control character".to_owned());
            assert_eq!(read_field(field, bad), refused, "{field} {bad}");
        }
        for good in ["a b", "ünï", "\u{a0}x", "x\u{200d}y", "日本", r"\ud83d\ude00", r#"\"\\"#]
        {
            assert_eq!(read_field(field, good), Ok(()), "{field} {good}");
        }
    }
}

#[test]
fn texts_are_strings() {
    for (field, _) in TEXTS {
        for (value, kind) in [
            ("7", "a number"),
            ("-7", "a number"),
            ("1.5", "a number"),
            ("18446744073709551615", "a number"),
            ("true", "a boolean"),
            ("[\"x\"]", "an array"),
            ("{\"x\":1}", "an object"),
        ] {
            let others = match field {
                "userId" => r#""type":"search""#,
                "type" => r#""userId":"ann""#,
                _ => r#""userId":"ann","type":"search""#,
            };
            let (named, message) = fault(&format!(r#"{{{others},"{field}":{value}}}"#));
            assert_eq!(named, field);
            assert_eq!(message, format!("must be a string, not {kind}"), "{value}");
        }
    }
}

#[test]
fn a_type_is_one_of_the_list() {
    let (field, message) = fault(r#"{"userId":"ann","event":"Search"}"#);
    assert_eq!(field, "event");
    assert_eq!(message, "is none of the accepted types: page_view, search");
}

#[test]
fn a_list_of_types_has_those_of_the_tracker_beside_it() {
    let listed = TypeRule::listed(&["search"]);
    assert!(["search", "page_leave", "alias"].iter().all(|kind| listed.accepts(kind)));
    assert!(!listed.accepts("purchase"));
    assert_eq!(TypeRule::listed::<&str>(&[]), TypeRule::Any);
}

#[test]
fn any_type_is_taken_without_a_list() {
    assert_eq!(read_field("type", "Something else!"), Ok(()));
    assert_eq!(read_field("type", ""), Err("is empty".to_owned()));
}

#[test]
fn one_field_is_sent_once() {
    for (first, again) in [
        ("sessionId", "session_id"),
        ("sessionId", "sessionId"),
        ("ts", "timestamp"),
        ("eventId", "messageId"),
    ] {
        let (field, message) = fault(&with(&format!(r#""{first}":null,"{again}":null"#)));
        assert_eq!(field, again);
        let told = format!("gives a second time what {first:?} gives; send one");
        assert_eq!(message, told);
    }
    let payloads = fault(&with(r#""data":{},"properties":{}"#));
    assert_eq!(payloads.0, "properties");
    let users = fault(r#"{"userId":"ann","patientId":"ann","type":"search"}"#);
    assert_eq!(users.0, "patientId");
}

#[test]
fn all_that_is_wrong_is_named() {
    let body = r#"[
        {"userId":"undefined","type":"nothing","sessionId":7,"accountId":"","payload":[],
         "occurredAt":"then","eventId":"\u0000","extra":1,"ts":1},
        {"userId":"ann","type":"search"},
        {"userId":"bob"}
    ]"#;
    let named: Vec<(Option<usize>, String)> =
        faults(body).into_iter().map(|(index, field, _)| (index, field)).collect();
    let expected = [
        (0, "extra"),
        (0, "ts"),
        (0, "userId"),
        (0, "type"),
        (0, "sessionId"),
        (0, "accountId"),
        (0, "payload"),
        (0, "occurredAt"),
        (0, "eventId"),
        (2, "type"),
    ];
    let expected = expected.map(|(index, field)| (Some(index), field.to_owned()));
    assert_eq!(named, expected);
}

#[test]
fn a_hostile_key_is_not_sent_back_whole() {
    let key = "é".repeat(10_000);
    let (field, _) = fault(&with(&format!(r#""{key}":1"#)));
    assert_eq!(field, format!("{}...", "é".repeat(64)));

    let kept = "é".repeat(64);
    assert_eq!(fault(&with(&format!(r#""{kept}":1"#))).0, kept);

    let body = format!(r#"{{"events":[{}],"{key}":1}}"#, with(r#""eventId":"e""#));
    assert_eq!(faults(&body)[0].1, format!("{}...", "é".repeat(64)));

    let inner = &key[..10_000];
    let (_, message) = fault(&with(&format!(r#""payload":{{"{inner}":1,"{inner}":2}}"#)));
    assert!(message.len() < 256, "{} bytes", message.len());
}

#[test]
fn a_hundred_faults_are_listed_and_all_are_counted() {
    for (events, listed) in [(99, 99), (100, 100), (101, 100), (500, 100)] {
        let body = format!("[{}]", vec![r#"{"userId":"ann"}"#; events].join(","));
        let faults = faults_of(read(&body));
        assert_eq!(faults.total(), events);
        assert_eq!(faults.listed().len(), listed);
        assert_eq!(faults.listed()[listed - 1].index, Some(listed - 1));
    }
}

/// The user's id and the anonymous one of an event with these fields.
fn who(fields: &str) -> (String, Option<String>) {
    let event = one(&format!(r#"{{"type":"search",{fields}}}"#));
    (event.user_id.into(), event.anonymous_id.map(Into::into))
}

#[test]
fn an_anonymous_id_alone_is_the_user() {
    for fields in [r#""anonymousId":"v-1""#, r#""userId":null,"deviceId":"v-1""#] {
        assert_eq!(who(fields), ("v-1".to_owned(), Some("v-1".to_owned())));
        let event = one(&format!(r#"{{"type":"search",{fields}}}"#));
        assert_eq!(event.known_as(), KnownAs::Visitor);
        assert_eq!(event.id, StoreId::derive("v-1", &event.event_id));
    }
}

#[test]
fn an_anonymous_id_beside_a_user_says_something_where_it_is_another() {
    let both = r#""userId":"ann","anonymousId":"v-1""#;
    assert_eq!(who(both), ("ann".to_owned(), Some("v-1".to_owned())));
    let event = one(&format!(r#"{{"type":"search",{both}}}"#));
    assert_eq!(event.known_as(), KnownAs::Both { anonymous_id: "v-1" });
    for same in [
        r#""userId":"ann""#,
        r#""userId":"ann","anonymousId":null"#,
        r#""userId":"ann","anonymousId":"ann""#,
        r#""device_id":"ann","user_id":"ann""#,
    ] {
        assert_eq!(who(same), ("ann".to_owned(), None), "{same}");
        let event = one(&format!(r#"{{"type":"search",{same}}}"#));
        assert_eq!(event.known_as(), KnownAs::User);
    }
}

#[test]
fn an_anonymous_id_comes_before_the_default_user() {
    let rules = Rules { default_user: Some("everybody".into()), ..rules() };
    let read = |fields: &str| {
        let body = format!(r#"{{"type":"search",{fields}}}"#);
        read_json(body.as_bytes(), &rules, now()).unwrap().remove(0)
    };
    assert_eq!(read(r#""anonymousId":"v-1""#).known_as(), KnownAs::Visitor);
    let nobody = read(r#""anonymousId":null"#);
    assert_eq!((&*nobody.user_id, nobody.known_as()), ("everybody", KnownAs::User));
}

#[test]
fn an_anonymous_id_keeps_to_the_rules_of_a_user() {
    for (value, expected) in [
        (r#""""#, "is empty"),
        (r#"" ""#, "is blank"),
        ("7", "must be a string, not a number"),
        (r#""undefined""#, "is the placeholder \"undefined\", not an id"),
        (r#""NULL""#, "is the placeholder \"NULL\", not an id"),
        (r#""a\u0000""#, "holds a control character"),
    ] {
        // Alone it is what is wrong, and not that the user is missing.
        for user in [r#""userId":"ann","#, ""] {
            let body = format!(r#"{{{user}"type":"search","device_id":{value}}}"#);
            assert_eq!(fault(&body), ("device_id".to_owned(), expected.to_owned()), "{body}");
        }
    }
    let long = "v".repeat(257);
    let (field, message) = fault(&with(&format!(r#""anonymousId":"{long}""#)));
    assert_eq!((&*field, &*message), ("anonymousId", "is longer than 256 bytes"));
}
