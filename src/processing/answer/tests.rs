#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_765_794_600_000;

fn now() -> Timestamp {
    Timestamp::from_millis_clamped(NOW)
}

fn response(status: u16, body: &[u8]) -> Response {
    let body = Bytes::copy_from_slice(body);
    Response { status, retry_after: None, delivery: None, body }
}

fn verdict(response: Response) -> Verdict {
    classify(&Answer::Response(response), now())
}

fn result(body: &[u8]) -> String {
    match verdict(response(200, body)) {
        Verdict::Done { result } => result.to_json(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_2xx_is_done() {
    for status in 200..300 {
        assert!(matches!(verdict(response(status, b"")), Verdict::Done { .. }), "{status}");
    }
}

#[test]
fn an_object_is_kept_as_it_is() {
    for body in [
        r#"{"status":"success","message":"Event processed successfully"}"#,
        r#"{"status":"error"}"#,
        r#"{"$oid":{"a.b":[1,2.5,null,true,""]},"":"é"}"#,
        "{}",
    ] {
        assert_eq!(result(body.as_bytes()), body);
    }
    assert_eq!(result(b" {\"a\" : 1}\n"), r#"{"a":1}"#);
}

#[test]
fn what_is_no_object_becomes_a_message() {
    let default = r#"{"status":"success","message":"Event processed successfully"}"#;
    for body in [&b""[..], b" \r\n", b"\0"] {
        assert_eq!(result(body), default);
    }
    for (body, message) in [
        (&b"OK\n"[..], "OK"),
        (b"[1]", "[1]"),
        (b"null", "null"),
        (b"\"a\"", "\\\"a\\\""),
        (b"{\"a\":1", "{\\\"a\\\":1"),
        (b"{\"a\":1,\"a\":2}", "{\\\"a\\\":1,\\\"a\\\":2}"),
        (b"{} {}", "{} {}"),
        (b"\xff", "\u{fffd}"),
    ] {
        assert_eq!(result(body), format!(r#"{{"status":"success","message":"{message}"}}"#));
    }
}

#[test]
fn an_object_beyond_the_limits_is_a_message_of_its_beginning() {
    let of_size = |size: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(size - 8));
    assert_eq!(result(of_size(MAX_BODY_BYTES).as_bytes()).len(), MAX_BODY_BYTES);
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(32), "]".repeat(32));
    for body in [of_size(MAX_BODY_BYTES + 1), deep] {
        let kept: serde_json::Value = serde_json::from_str(&result(body.as_bytes())).unwrap();
        assert_eq!(kept["status"], "success");
        assert!(body.starts_with(kept["message"].as_str().unwrap()));
    }
}

#[test]
fn an_event_is_given_up_where_the_processor_says_that_it_never_will() {
    for status in [400, 413, 415, 422] {
        let Verdict::GiveUp { error } = verdict(response(status, b"no such field")) else {
            panic!("{status} is no reason")
        };
        assert!(error.starts_with(&format!("answered {status} ")), "{error}");
        assert!(error.ends_with(": no such field"), "{error}");
    }
    for status in [300, 401, 404, 429, 500, 503] {
        for header in ["abort-message", " Abort-Message "] {
            let response = Response { delivery: Some(header.into()), ..response(status, b"") };
            assert!(matches!(verdict(response), Verdict::GiveUp { .. }), "{status} {header}");
        }
    }
    let other = Response { delivery: Some("retry".into()), ..response(500, b"") };
    assert!(matches!(verdict(other), Verdict::Failed { .. }));
    // It took the event, whatever else it says.
    let taken = Response { delivery: Some("abort-message".into()), ..response(200, b"") };
    assert!(matches!(verdict(taken), Verdict::Done { .. }));
}

#[test]
fn waits_are_as_long_as_they_say_within_bounds() {
    let cases = [
        (Some("7"), Some(7)),
        (Some("0"), Some(1)),
        (Some("86400"), Some(300)),
        (Some("Mon, 15 Dec 2025 10:30:42 GMT"), Some(42)),
        (Some("Mon, 15 Dec 2025 10:00:00 GMT"), Some(1)),
        (Some("Mon, 15 Dec 2036 10:30:42 GMT"), Some(300)),
        (Some("soon"), None),
        (None, None),
    ];
    for (header, seconds) in cases {
        let retry_after = header.map(Box::from);
        let user = verdict(Response { retry_after: retry_after.clone(), ..response(429, b"") });
        let Verdict::UserWaits { until, .. } = user else { panic!("{user:?}") };
        assert_eq!(until.as_millis() - NOW, seconds.unwrap_or(1) * 1_000, "{header:?}");

        let all = verdict(Response { retry_after, ..response(503, b"") });
        match (seconds, all) {
            (Some(seconds), Verdict::ProcessorWaits { until, .. }) => {
                assert_eq!(until.as_millis() - NOW, seconds * 1_000, "{header:?}");
            }
            // Without a time it is a failure as any 5xx is.
            (None, Verdict::Failed { class: Class::Other, .. }) => {}
            (_, other) => panic!("{header:?} {other:?}"),
        }
    }
}

#[test]
fn a_wrong_address_or_key_is_told_from_other_failures() {
    for status in 100..1_000 {
        let class = match verdict(response(status, b"")) {
            Verdict::Failed { class, .. } => Some(class),
            _ => None,
        };
        let expected = match status {
            200..300 | 400 | 413 | 415 | 422 | 429 => None,
            300..400 | 401 | 403 | 404 | 405 | 410 => Some(Class::Refused),
            _ => Some(Class::Other),
        };
        assert_eq!(class, expected, "{status}");
    }
}

#[test]
fn a_fault_is_an_attempt_of_its_class() {
    let text = || "it".into();
    let second = Duration::from_secs(1);
    for (fault, class, error) in [
        (Fault::Refused, Class::Unreachable, "the connection was refused"),
        (Fault::Dns(text()), Class::Unreachable, "the name cannot be resolved: it"),
        (Fault::Connect(text()), Class::Unreachable, "cannot connect: it"),
        (Fault::Tls(text()), Class::Unreachable, "no TLS connection: it"),
        (Fault::ConnectTimeout(second), Class::Unreachable, "no connection within 1 s"),
        (Fault::Timeout(second), Class::Other, "no answer within 1 s"),
        (Fault::Unreadable(text()), Class::Other, "the answer cannot be read: it"),
        (
            Fault::Reset(text()),
            Class::Reset,
            "the connection broke before the answer was complete: it",
        ),
    ] {
        let answer = Answer::Fault(fault);
        assert_eq!(answer.status(), None);
        assert_eq!(classify(&answer, now()), Verdict::Failed { error: error.into(), class });
    }
}

fn header() -> impl Strategy<Value = Option<Box<str>>> {
    let known = prop::sample::select(vec!["abort-message", "0", "30", "99999999999999999999"]);
    let any = prop_oneof![any::<String>(), known.prop_map(str::to_owned)];
    prop::option::of(any.prop_map(String::into_boxed_str))
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..2_000),
        any::<String>().prop_map(String::into_bytes),
        r#"\{("[a-z]{0,3}":(-?[0-9]{1,25}|[0-9]e[0-9]{1,3}|null|\[\]|"\\u00[0-9a-f]{2}"),?){0,4}\}"#
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn whatever_is_answered_has_a_verdict_that_can_be_kept(
        status in 0_u16..=u16::MAX,
        retry_after in header(),
        delivery in header(),
        body in body(),
        now in any::<i64>(),
    ) {
        let now = Timestamp::from_millis_clamped(now);
        let response = Response { status, retry_after, delivery, body: body.into() };
        match classify(&Answer::Response(response), now) {
            Verdict::Done { result } => {
                prop_assert!((200..300).contains(&status));
                let json = result.to_json();
                prop_assert!(json.len() <= MAX_BODY_BYTES);
                prop_assert!(Payload::from_json(json.as_bytes(), LIMITS).unwrap() == result);
            }
            Verdict::UserWaits { until, error } | Verdict::ProcessorWaits { until, error } => {
                prop_assert!(until.as_millis() - now.as_millis() <= 300_000);
                prop_assert!((1..=1_024).contains(&error.len()));
            }
            Verdict::GiveUp { error } | Verdict::Failed { error, .. } => {
                prop_assert!((1..=1_024).contains(&error.len()));
                prop_assert!(!error.chars().any(char::is_control));
            }
        }
    }
}
