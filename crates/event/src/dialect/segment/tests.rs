#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};

use super::*;
use crate::dialect::tests::{left_out, on_terms, payload};
use crate::{Event, KnownAs};

fn call(call: Call, body: &Value) -> Taken {
    on_terms(|terms| read_call(body.to_string().as_bytes(), call, terms)).unwrap()
}

fn batch(body: &str) -> Taken {
    on_terms(|terms| read_batch(body.as_bytes(), false, terms)).unwrap()
}

fn one(kind: Call, body: &Value) -> Event {
    let mut taken = call(kind, body);
    assert_eq!(taken.events.len(), 1, "{body}: {:?}", taken.left_out);
    taken.events.remove(0)
}

#[test]
fn each_call_is_an_event_of_its_type() {
    for (name, short, kind) in [
        ("track", "t", "Order Placed"),
        ("identify", "i", "identify"),
        ("page", "p", "page_view"),
        ("screen", "s", "screen_view"),
        ("group", "g", "group"),
        ("alias", "a", "alias"),
        ("merge", "merge", "merge"),
    ] {
        let sent = json!({"type": name, "event": "Order Placed", "userId": "ann"});
        for at in [name, short] {
            assert_eq!(&*one(Call::at(at).unwrap(), &sent).kind, kind);
        }
        let taken = batch(&json!({"batch": [sent]}).to_string());
        assert_eq!(&*taken.events[0].kind, kind);
    }
    assert_eq!(Call::at("b").or(Call::at("projects")), None);
    let taken = batch(
        r#"{"batch":[{"userId":"a"},{"userId":"a","type":"buy"},{"type":"track","userId":"a"}]}"#,
    );
    let fields: Vec<&str> = left_out(&taken).iter().map(|(_, field, _)| *field).collect();
    assert_eq!(fields, ["type", "type", "event"]);
}

#[test]
fn a_name_that_is_too_long_for_a_type_is_whole_in_the_payload() {
    let name = "n".repeat(100);
    let event = one(Call::Track, &json!({"event": name, "userId": "ann"}));
    assert_eq!(&*event.kind, "n".repeat(64));
    assert_eq!(payload(&event), json!({"event": name}));
}

#[test]
fn who_it_is_comes_from_the_first_that_says_so() {
    let who = |body: Value| {
        let event = one(Call::Track, &body);
        (event.user_id.to_string(), event.anonymous_id.map(String::from))
    };
    let some = |id: &str| Some(id.to_owned());
    let track = |fields: Value| {
        let mut body = json!({"event": "e"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        body
    };
    assert_eq!(who(track(json!({"userId": 42}))), ("42".into(), None));
    assert_eq!(
        who(track(json!({"userId": "ann", "anonymousId": "d1"}))),
        ("ann".into(), some("d1"))
    );
    assert_eq!(who(track(json!({"userId": null, "anonymousId": "d1"}))), ("d1".into(), some("d1")));
    let context = json!({"userId": "", "context": {"traits": {"id": 7}}});
    assert_eq!(who(track(context)), ("7".into(), None));
}

#[test]
fn an_alias_joins_the_id_from_before() {
    let event = one(Call::Alias, &json!({"userId": "ann", "previousId": "d1"}));
    assert_eq!(event.known_as(), KnownAs::Both { anonymous_id: "d1" });
    let to_itself = one(Call::Alias, &json!({"userId": "ann", "previousId": "ann"}));
    assert_eq!(to_itself.known_as(), KnownAs::User);
}

#[test]
fn a_payload_has_the_properties_and_of_the_context_what_is_kept() {
    let event = one(
        Call::Page,
        &json!({
            "context": {"page": {"url": "/a"}, "locale": "de", "ip": "192.0.2.7",
                "library": {"name": "l"}, "userAgent": "Mozilla/5.0 (iPhone) Safari/604.1",
                "timezone": "UTC", "other": 1, "os": null},
            "properties": {"path": "/a", "name": "own"},
            "name": "Home", "category": "Docs", "userId": "ann",
            "integrations": {"All": true}, "_metadata": {}, "channel": "web"
        }),
    );
    assert_eq!(
        payload(&event),
        json!({"path": "/a", "name": "own", "page": {"url": "/a"}, "locale": "de",
            "library": {"name": "l"}, "timezone": "UTC", "category": "Docs",
            "$browser": "Safari", "$os": "iOS", "$device": "phone"})
    );
}

#[test]
fn traits_are_those_of_the_call_and_beneath_them_those_of_the_context() {
    let event = one(
        Call::Identify,
        &json!({"userId": "ann", "traits": {"plan": "pro"},
            "context": {"traits": {"plan": "free", "name": "Ann"}}}),
    );
    assert_eq!(payload(&event), json!({"traits": {"plan": "pro", "name": "Ann"}}));
    let bare = one(Call::Identify, &json!({"userId": "ann", "traits": [], "properties": []}));
    assert_eq!(payload(&bare), json!({"traits": {}}));
    let track = one(Call::Track, &json!({"event": "e", "userId": "a", "traits": {"a": 1}}));
    assert_eq!(payload(&track), json!({}));
}

#[test]
fn session_and_account_are_found_where_sdks_put_them() {
    for (fields, session, account) in [
        (json!({"context": {"sessionId": 17, "groupId": "g"}}), Some("17"), Some("g")),
        (json!({"properties": {"sessionId": "s", "groupId": 3}}), Some("s"), Some("3")),
        (
            json!({"properties": {"session_id": "s"}, "context": {"traits": {"company": {"id": 9}}}}),
            Some("s"),
            Some("9"),
        ),
        (json!({"context": {"sessionId": {}, "groupId": []}}), None, None),
    ] {
        let mut body = json!({"event": "e", "userId": "ann"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let event = one(Call::Track, &body);
        assert_eq!(event.session_id.as_deref(), session, "{body}");
        assert_eq!(event.account_id.as_deref(), account, "{body}");
    }
    let group = one(Call::Group, &json!({"userId": "ann", "groupId": "acme", "traits": {"a": 1}}));
    assert_eq!(group.account_id.as_deref(), Some("acme"));
    assert_eq!(payload(&group), json!({"traits": {"a": 1}}));
}

#[test]
fn the_context_of_a_batch_is_the_default_of_its_calls_wherever_it_stands() {
    let context = json!({"locale": "de", "library": {"name": "l"}, "sessionId": "s"});
    let calls = json!([
        {"type": "track", "event": "a", "userId": "ann"},
        {"type": "track", "event": "b", "userId": "ann", "context": {"locale": "en"}},
    ]);
    for body in [
        format!(r#"{{"context":{context},"batch":{calls},"writeKey":"k"}}"#),
        format!(r#"{{"batch":{calls},"writeKey":"k","context":{context}}}"#),
    ] {
        let taken = batch(&body);
        let payloads: Vec<Value> = taken.events.iter().map(payload).collect();
        assert_eq!(payloads[0], json!({"locale": "de", "library": {"name": "l"}}));
        assert_eq!(payloads[1], json!({"locale": "en", "library": {"name": "l"}}));
        assert_eq!(taken.events[0].session_id.as_deref(), Some("s"));
        assert_eq!(taken.key.as_deref(), Some("k"));
    }
    let large = json!({"context": {"page": "x".repeat(2000)}, "batch": []}).to_string();
    let refused = on_terms(|terms| read_batch(large.as_bytes(), false, terms)).unwrap_err();
    assert!(matches!(refused, Refusal::Faulty { .. }));
}

#[test]
fn the_time_of_an_import_is_kept_as_it_is_given() {
    let body = r#"{"sentAt":"2025-12-15T13:30:00Z","batch":[{"type":"track","event":"e",
        "userId":"a","timestamp":"2024-01-01T00:00:00+0100"}]}"#;
    let taken = on_terms(|terms| read_batch(body.as_bytes(), true, terms)).unwrap();
    assert_eq!(taken.events[0].occurred_at.to_string(), "2023-12-31T23:00:00.000Z");
}

#[test]
fn the_original_timestamp_goes_before_the_timestamp() {
    let event = one(
        Call::Track,
        &json!({"event": "e", "userId": "a", "timestamp": "2025-12-15T09:00:00Z",
            "originalTimestamp": "2025-12-15T13:00:00Z", "sentAt": "2025-12-15T13:30:00Z"}),
    );
    assert_eq!(event.occurred_at.to_string(), "2025-12-15T10:00:00.000Z");
}

#[test]
fn a_message_id_names_the_event() {
    let event = one(Call::Track, &json!({"event": "e", "userId": "a", "messageId": "m-1"}));
    assert_eq!(&*event.event_id, "m-1");
}

#[test]
fn a_property_goes_before_what_stands_beside_it_however_much_that_is() {
    for others in [1, 100] {
        let own: String = (0..others).map(|n| format!(r#""k{n}":1,"#)).collect();
        let again = r#""locale":"de","timezone":"UTC","#.repeat(others);
        let taken = batch(&format!(
            r#"{{"batch":[{{"type":"track","event":"a","userId":"ann",
                "context":{{"locale":null,{again}"timezone":"last"}},
                "properties":{{{own}"locale":"own"}}}}]}}"#
        ));
        let told = payload(&taken.events[0]);
        assert_eq!((&told["locale"], &told["timezone"]), (&json!("own"), &json!("UTC")));
        assert_eq!(told.as_object().unwrap().len(), others + 2, "{told}");
    }
}
