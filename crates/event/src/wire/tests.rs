#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sending;

use super::*;
use crate::tests::{faults, faults_of, now, one, read, rules};

const EVENT: &str = r#"{"userId":"ann","type":"search","eventId":"e"}"#;

fn lines(body: &str) -> Result<Vec<Event>, Refusal> {
    read_ndjson(body.as_bytes(), &rules(), now())
}

fn named(body: &str) -> Vec<(Option<usize>, String)> {
    faults(body).into_iter().map(|(index, field, _)| (index, field)).collect()
}

fn at(index: impl Into<Option<usize>>, field: &str) -> (Option<usize>, String) {
    (index.into(), field.to_owned())
}

/// Line and column of a syntax error.
fn syntax_at(answer: Result<Vec<Event>, Refusal>) -> (usize, usize) {
    match answer {
        Err(Refusal::Syntax { message, line, column }) => {
            assert!(!message.is_empty() && !message.contains(" at line "), "{message}");
            (line, column)
        }
        other => panic!("no syntax error: {other:?}"),
    }
}

#[test]
fn every_form_gives_the_same_event() {
    let event = one(EVENT);
    for body in [
        format!("[{EVENT}]"),
        format!(" \r\n\t[ {EVENT} ] \n"),
        format!(r#"{{"events":[{EVENT}]}}"#),
        format!(r#"{{"events":[{EVENT}],"sentAt":"2025-12-15T10:30:00Z"}}"#),
        format!(r#"{{"sentAt":"2025-12-15T10:30:00Z","events":[{EVENT}]}}"#),
    ] {
        assert_eq!(one(&body), event, "{body}");
    }
    assert_eq!(lines(EVENT), Ok(vec![event]));
}

#[test]
fn events_keep_the_order_in_which_they_were_sent() {
    let events: Vec<String> = (0..50)
        .map(|number| format!(r#"{{"userId":"ann","type":"search","eventId":"e-{number}"}}"#))
        .collect();
    let ids = |events: Vec<Event>| events.into_iter().map(|e| e.event_id).collect::<Vec<_>>();
    let expected: Vec<Box<str>> = (0..50).map(|number| format!("e-{number}").into()).collect();
    assert_eq!(ids(read(&format!("[{}]", events.join(","))).unwrap()), expected);
    assert_eq!(ids(lines(&events.join("\n")).unwrap()), expected);
}

#[test]
fn the_time_of_sending_is_a_time() {
    let event = one(EVENT);
    for valid in [r#""2025-12-15T10:30:00+02:00""#, r#""1999-01-01T00:00:00Z""#, "0", "-1", "null"]
    {
        // An event without a time happened when it was received, whatever the clock.
        assert_eq!(one(&format!(r#"{{"sentAt":{valid},"events":[{EVENT}]}}"#)), event);
        assert_eq!(one(&format!(r#"{{"events":[{EVENT}],"sentAt":{valid}}}"#)), event);
    }
    for wrong in [r#""""#, r#""today""#, "1.5", "true", "[]", "{}", "9223372036854775807"] {
        let before = format!(r#"{{"sentAt":{wrong},"events":[{EVENT}]}}"#);
        assert_eq!(named(&before), [at(None, "sentAt")], "{wrong}");
        let after = format!(r#"{{"events":[{EVENT}],"sentAt":{wrong}}}"#);
        assert_eq!(named(&after), [at(None, "sentAt")], "{wrong}");
    }
}

#[test]
fn nothing_else_belongs_into_an_envelope() {
    let stray =
        format!(r#"{{"userId":"ann","extra":1,"events":[{EVENT}],"data":{{}},"user_id":"ann"}}"#);
    let mut found = named(&stray);
    found.sort();
    let expected = ["data", "extra", "userId", "user_id"].map(|field| at(None, field));
    assert_eq!(found, expected);

    let again = "is given a second time; send one";
    for (body, field) in [
        (format!(r#"{{"events":[{EVENT}],"events":[{EVENT}]}}"#), "events"),
        (format!(r#"{{"sentAt":1,"events":[{EVENT}],"sentAt":1}}"#), "sentAt"),
    ] {
        assert_eq!(faults(&body), [(None, field.to_owned(), again.to_owned())]);
    }
}

#[test]
fn the_faults_of_an_envelope_and_of_its_events_are_named_together() {
    let body =
        r#"{"sentAt":"x","events":[{"userId":"ann","type":"search"},{"type":"search"}],"y":1}"#;
    assert_eq!(named(body), [at(1, "userId"), at(None, "y"), at(None, "sentAt")]);
}

#[test]
fn events_are_an_array() {
    for (wrong, kind) in [
        (EVENT, "an object"),
        ("null", "null"),
        (r#""x""#, "a string"),
        ("7", "a number"),
        ("false", "a boolean"),
    ] {
        let faults = faults(&format!(r#"{{"events":{wrong}}}"#));
        let message = format!("must be an array of events, not {kind}");
        assert_eq!(faults, [(None, "events".to_owned(), message)]);
    }
}

#[test]
fn only_the_body_itself_is_an_envelope() {
    let envelope = format!(r#"{{"events":[{EVENT}],"sentAt":1}}"#);
    let missing = [at(0, "events"), at(0, "sentAt"), at(0, "userId"), at(0, "type")];
    assert_eq!(named(&format!("[{envelope}]")), missing);
    assert_eq!(faults_of(lines(&envelope)).total(), 4);
    assert_eq!(named(&format!(r#"{{"events":[{envelope}]}}"#)), missing);
}

#[test]
fn an_event_says_nothing_of_its_sending() {
    let body = r#"{"userId":"ann","type":"search","sentAt":1}"#;
    assert_eq!(named(body), [at(0, "sentAt")]);
    assert_eq!(named(&format!("[{body}]")), [at(0, "sentAt")]);
}

#[test]
fn a_body_holds_an_event() {
    let none = |field: &str| {
        let message = "holds no event; send at least one";
        (None, field.to_owned(), message.to_owned())
    };
    assert_eq!(faults("[]"), [none("")]);
    assert_eq!(faults(r#"{"events":[]}"#), [none("events")]);
    assert_eq!(faults(r#"{"events":[],"sentAt":1}"#), [none("events")]);
    let more = r#"{"events":[],"sentAt":"x","user":1}"#;
    assert_eq!(named(more), [at(None, "events"), at(None, "user"), at(None, "sentAt")]);
    assert_eq!(faults_of(lines("")).total(), 1);
    assert_eq!(faults_of(lines("\n \r\n\t\n")).total(), 1);
}

#[test]
fn a_body_is_an_object_or_an_array() {
    for (body, kind) in [
        ("null", "null"),
        ("7", "a number"),
        ("-1.5e3", "a number"),
        (r#""x""#, "a string"),
        (r#""\u0041""#, "a string"),
        ("true", "a boolean"),
    ] {
        let message = format!("must be an event, an array or an envelope, not {kind}");
        assert_eq!(faults(body), [(None, String::new(), message)]);
    }
}

#[test]
fn elements_are_objects() {
    let body = format!(r#"[1,"x",{EVENT},null,[{EVENT}],true]"#);
    let kinds: Vec<(Option<usize>, String)> =
        faults(&body).into_iter().map(|(index, _, message)| (index, message)).collect();
    let expected =
        [(0, "a number"), (1, "a string"), (3, "null"), (4, "an array"), (5, "a boolean")];
    let expected =
        expected.map(|(index, kind)| at(index, &format!("must be an event object, not {kind}")));
    assert_eq!(kinds, expected);
}

#[test]
fn a_syntax_error_has_its_place() {
    assert_eq!(syntax_at(read("")), (1, 0));
    assert_eq!(syntax_at(read("x")), (1, 1));
    assert_eq!(syntax_at(read("{\"userId\": ann}")), (1, 12));
    assert_eq!(syntax_at(read("[\n  {\"userId\": \"ann\",}\n]")), (2, 20));
    assert_eq!(syntax_at(read("[\n{}")), (2, 2));
    assert_eq!(syntax_at(read(&format!("{EVENT}\n{EVENT}"))), (2, 1));
    assert_eq!(syntax_at(read("[1e400]")), (1, 6));
}

#[test]
fn broken_texts_are_syntax_errors() {
    for text in [
        r#"{"userId":"\ud800","type":"search"}"#,
        r#"{"userId":"\udc00x","type":"search"}"#,
        r#"{"userId":"ann","type":"search","payload":{"k":"\ud800\u0041"}}"#,
        "{\"userId\":\"a\u{0}b\",\"type\":\"search\"}",
        "{\"userId\":\"a\nb\",\"type\":\"search\"}",
        r#"{"userId":"\x41","type":"search"}"#,
        r#"{"userId":'ann'}"#,
        r#"{"userId":NaN}"#,
        r#"{"payload":{"n":01}}"#,
        r#"{"payload":{"n":1e400}}"#,
        r#"{"payload":{"n":-1e400}}"#,
        "\u{feff}{}",
    ] {
        syntax_at(read(text));
    }
    syntax_at(read_json(b"{\"userId\":\"\xff\"}", &rules(), now()));
}

#[test]
fn nesting_of_any_depth_is_refused_without_a_fall() {
    let deep = "[".repeat(100_000);
    syntax_at(read(&deep));
    syntax_at(read(&format!(r#"{{"payload":{deep}"#)));
    syntax_at(read(&format!(r#"{{"unknown":{deep}"#)));
    let closed = format!("{deep}{}", "]".repeat(100_000));
    assert!(read(&format!(r#"{{"payload":{{"a":{closed}}}}}"#)).is_err());
    assert!(read(&format!(r#"{{"unknown":{closed}}}"#)).is_err());
    assert!(lines(&closed).is_err());
}

#[test]
fn a_request_has_a_limit_of_events() {
    let rules = Rules { max_events: 3, ..rules() };
    let too_many = Err(Refusal::TooMany { limit: 3 });
    for (element, is_valid) in [(EVENT, true), ("7", false), ("{}", false)] {
        let many = |count: usize| vec![element; count];
        let json =
            |count| read_json(format!("[{}]", many(count).join(",")).as_bytes(), &rules, now());
        let envelope = |count| {
            let body = format!(r#"{{"events":[{}]}}"#, many(count).join(","));
            read_json(body.as_bytes(), &rules, now())
        };
        let ndjson = |count| read_ndjson(many(count).join("\n").as_bytes(), &rules, now());
        for read in [&json as &dyn Fn(usize) -> _, &envelope, &ndjson] {
            match read(3) {
                Ok(events) => assert!(is_valid && events.len() == 3),
                refused => assert!(!is_valid && faults_of(refused).total() >= 3),
            }
            assert_eq!(read(4), too_many);
            assert_eq!(read(1000), too_many);
        }
    }
}

#[test]
fn lines_may_be_empty_and_end_in_either_way() {
    let event = one(EVENT);
    for body in [
        format!("{EVENT}\n{EVENT}"),
        format!("{EVENT}\n{EVENT}\n"),
        format!("{EVENT}\r\n{EVENT}\r\n"),
        format!("\n\r\n  \n{EVENT}\n\n\t\r\n {EVENT} \n\n"),
    ] {
        assert_eq!(lines(&body), Ok(vec![event.clone(), event.clone()]), "{body:?}");
    }
}

#[test]
fn a_line_holds_one_event() {
    assert_eq!(syntax_at(lines(&format!("{EVENT} {EVENT}"))), (1, EVENT.len() + 2));
    assert_eq!(faults_of(lines(&format!("[{EVENT}]"))).total(), 1);
    // An event does not go on in the next line.
    assert_eq!(syntax_at(lines("{\n}")).0, 1);
}

#[test]
fn faults_of_lines_have_the_index_and_errors_the_line() {
    let faults = faults_of(lines(&format!("\n{EVENT}\n\n{{}}\n7\n")));
    let found: Vec<_> = faults.listed().iter().map(|fault| at(fault.index, &fault.field)).collect();
    assert_eq!(found, [at(1, "userId"), at(1, "type"), at(2, "")]);

    assert_eq!(syntax_at(lines(&format!("{EVENT}\n\r\n{EVENT}\r\n {{x}}\n"))), (4, 3));
    assert_eq!(syntax_at(lines(&format!("{EVENT}\n{{"))), (2, 1));
}
