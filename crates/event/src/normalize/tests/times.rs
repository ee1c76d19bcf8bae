//! When an event happened.

use crate::tests::{DAY_MS, fault, now, one, with};

#[test]
fn times_are_kept_as_sent() {
    for (sent, millis) in [
        (r#""2025-12-15T10:30:00.000Z""#, 1_765_794_600_000),
        (r#""2025-12-15T10:30:00Z""#, 1_765_794_600_000),
        (r#""2025-12-15t10:30:00z""#, 1_765_794_600_000),
        (r#""2025-12-15T12:30:00+02:00""#, 1_765_794_600_000),
        (r#""2025-12-15T00:00:00-10:30""#, 1_765_794_600_000),
        (r#""2025-12-16T10:29:00+23:59""#, 1_765_794_600_000),
        (r#""2025-12-15T10:30:00-00:00""#, 1_765_794_600_000),
        // Finer than a millisecond: cut, not rounded.
        (r#""2025-12-15T10:30:00.1239999Z""#, 1_765_794_600_123),
        (r#""2025-12-15T10:30:00.5Z""#, 1_765_794_600_500),
        // A leap second has no number of its own.
        (r#""2016-12-31T23:59:60Z""#, 1_483_228_800_000),
        (r#""0000-01-01T00:00:00Z""#, -62_167_219_200_000),
        (r#""1969-12-31T23:59:59.999Z""#, -1),
        ("1765794600000", 1_765_794_600_000),
        ("0", 0),
        ("-1", -1),
        ("-62167219200000", -62_167_219_200_000),
    ] {
        let event = one(&with(&format!(r#""occurredAt":{sent}"#)));
        assert_eq!(event.occurred_at.as_millis(), millis, "{sent}");
        assert_eq!(event.received_at, now());
    }
}

#[test]
fn what_is_no_time_is_refused() {
    for sent in [
        r#""""#,
        r#""now""#,
        r#""0000-00-00""#,
        r#""0000-00-00T00:00:00Z""#,
        r#""2025-12-15""#,
        r#""2025-12-15T10:30:00""#,
        r#""2025-12-15T10:30Z""#,
        r#""2025-12-15T10:30:00.Z""#,
        r#""2025-12-15T24:00:00Z""#,
        r#""2025-12-15T10:60:00Z""#,
        r#""2025-12-15T10:30:61Z""#,
        r#""2025-02-29T10:30:00Z""#,
        r#""2025-12-15T10:30:00+24:00""#,
        r#""2025-12-15T10:30:00+0200""#,
        r#""+10000-01-01T00:00:00Z""#,
        r#""10000-01-01T00:00:00Z""#,
        r#""-001-01-01T00:00:00Z""#,
        r#"" 2025-12-15T10:30:00Z""#,
        r#""2025-12-15T10:30:00Z ""#,
        r#""1765794600000""#,
        r#""0000-01-01T00:00:00+00:01""#,
        r#""9999-12-31T23:59:59-00:01""#,
        "1765794600000.0",
        "1.7657946e12",
        "0.5",
        "-62167219200001",
        "253402300800000",
        "9223372036854775807",
        "18446744073709551616",
        "true",
        "[1]",
        "{}",
    ] {
        let (field, message) = fault(&with(&format!(r#""ts":{sent}"#)));
        assert_eq!(field, "ts");
        assert!(message.starts_with("must be an RFC 3339 time"), "{sent}: {message}");
    }
}

#[test]
fn the_future_ends_after_24_hours() {
    let last = now().plus_millis(DAY_MS);
    let just_beyond = now().plus_millis(DAY_MS + 1);
    for edge in [format!("\"{last}\""), last.as_millis().to_string()] {
        let event = one(&with(&format!(r#""occurredAt":{edge}"#)));
        assert_eq!(event.occurred_at, last);
    }
    for beyond in [format!("\"{just_beyond}\""), just_beyond.as_millis().to_string()] {
        let (_, message) = fault(&with(&format!(r#""occurredAt":{beyond}"#)));
        let told = "is 2025-12-16T10:30:00.001Z, more than 24 h in the future";
        assert_eq!(message, told);
    }
}
