//! Events whose sender's clock is wrong.

use super::*;

/// The bodies of one envelope, with `sentAt` before and behind its events.
fn envelopes(events: &str, sent_at: &str) -> [String; 2] {
    [
        format!(r#"{{"sentAt":{sent_at},"events":[{events}]}}"#),
        format!(r#"{{"events":[{events}],"sentAt":{sent_at}}}"#),
    ]
}

fn at_time(occurred_at: &str) -> String {
    format!(r#"{{"userId":"ann","type":"search","eventId":"e","ts":{occurred_at}}}"#)
}

#[test]
fn times_are_moved_by_what_the_senders_clock_is_off() {
    // It is 10:30 here.
    for (sent_at, occurred_at, kept) in [
        // Three hours behind, and ahead.
        (r#""2025-12-15T07:30:00Z""#, r#""2025-12-15T07:29:58.5Z""#, "2025-12-15T10:29:58.500Z"),
        (r#""2025-12-15T13:30:00Z""#, r#""2025-12-15T15:29:58+02:00""#, "2025-12-15T10:29:58.000Z"),
        // An event that waited for days.
        (r#""2025-12-15T07:30:00Z""#, r#""2025-12-12T07:30:00Z""#, "2025-12-12T10:30:00.000Z"),
        // Five seconds are the way of the request.
        (r#""2025-12-15T10:29:55Z""#, r#""2025-12-15T10:29:54Z""#, "2025-12-15T10:29:54.000Z"),
        ("1765794594999", "1765794594000", "2025-12-15T10:29:59.001Z"),
        // A clock that was never set.
        ("0", "5", "1970-01-01T00:00:00.005Z"),
    ] {
        for body in envelopes(&at_time(occurred_at), sent_at) {
            let event = one(&body);
            assert_eq!(event.occurred_at.to_string(), kept, "{body}");
            assert_eq!(event.received_at, now());
        }
    }
}

/// Two days in the future by the sender's clock, and an hour by ours; and the
/// other way round.
#[test]
fn the_rule_of_the_future_is_applied_to_what_is_moved() {
    let ahead = r#""2025-12-17T09:30:00Z""#;
    for body in envelopes(&at_time(r#""2025-12-17T10:30:00Z""#), ahead) {
        assert_eq!(one(&body).occurred_at.to_string(), "2025-12-15T11:30:00.000Z");
    }
    let behind = r#""2025-12-13T09:30:00Z""#;
    for body in envelopes(&at_time(r#""2025-12-15T09:30:00Z""#), behind) {
        let (index, field, message) = faults(&body).remove(0);
        assert_eq!((index, &*field), (Some(0), "ts"));
        assert_eq!(
            message,
            "is 2025-12-17T10:30:00.000Z once moved by what sentAt is off, \
             more than 24 h in the future"
        );
    }
}

#[test]
fn what_is_moved_out_of_the_years_is_a_fault() {
    let ahead = r#""2025-12-15T13:30:00Z""#;
    for body in envelopes(&at_time(r#""0000-01-01T00:00:00Z""#), ahead) {
        let (_, field, message) = faults(&body).remove(0);
        assert_eq!(field, "ts");
        assert!(message.contains("leaves the years 0000 to 9999"), "{message}");
    }
}

/// All of it is said as it is by the right clock, also where `sentAt` comes last.
#[test]
fn faults_are_those_of_the_moved_events() {
    let events = format!(r#"{},{{"type":"search"}}"#, at_time(r#""2025-12-17T10:30:00Z""#));
    for body in envelopes(&events, r#""2025-12-17T10:30:00Z""#) {
        assert_eq!(named(&body), [at(1, "userId")]);
    }
    let broken = format!(r#"{{"events":[{EVENT}],"sentAt":"2025-12-17T10:30:00Z""#);
    assert!(matches!(read(&broken), Err(Refusal::Syntax { .. })));
}
