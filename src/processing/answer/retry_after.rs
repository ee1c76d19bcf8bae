//! The header `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.

use std::time::{Duration, UNIX_EPOCH};

use trailkeep_event::Timestamp;

/// How long it asks to wait from now on; nothing for a date that has passed. `None`
/// for what is neither form.
pub fn read(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has mean a long time.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let date = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
    Some(date.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT, and half a second.
    fn now() -> Timestamp {
        Timestamp::from_millis_clamped(784_111_777_500)
    }

    #[test]
    fn seconds_and_dates_of_each_form_are_read() {
        for (value, millis) in [
            ("0", 0),
            ("120", 120_000),
            (" 7\t", 7_000),
            ("Sun, 06 Nov 1994 08:50:37 GMT", 59_500),
            ("Sunday, 06-Nov-94 08:50:37 GMT", 59_500),
            ("Sun Nov  6 08:50:37 1994", 59_500),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ] {
            assert_eq!(read(value, now()), Some(Duration::from_millis(millis)), "{value}");
        }
        let endless = read("99999999999999999999999", now());
        assert_eq!(endless, Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn what_is_neither_is_not_guessed_at() {
        for value in ["", " ", "-1", "1.5", "soon", "10 s", "١٢", "2030-01-01T00:00:00Z"] {
            assert_eq!(read(value, now()), None, "{value}");
        }
    }
}
