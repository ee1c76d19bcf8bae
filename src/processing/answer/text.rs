//! Texts from the outside, made fit to be kept and shown.

use std::time::Duration;

/// Bytes of a text that are kept.
const MAX_TEXT: usize = 1 << 10;

/// The beginning of a body as text. What is no UTF-8 is replaced.
pub fn of_body(body: &[u8]) -> Box<str> {
    // A byte may become three, and what is cut off at the end is cut off again.
    let start = &body[..body.len().min(MAX_TEXT + 4)];
    tidy(&String::from_utf8_lossy(start))
}

/// At most 1 KiB, on one line: a control character becomes a space, because
/// databases refuse some, and terminals obey others.
pub fn tidy(text: &str) -> Box<str> {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let clean = clean.trim();
    let end = clean.floor_char_boundary(MAX_TEXT);
    clean[..end].trim_end().into()
}

/// `30 s`, `0.2 s`.
pub fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_short_and_has_no_control_characters() {
        assert_eq!(&*of_body(b" two\r\nlines\0 \x1b[31m "), "two  lines   [31m");
        assert_eq!(&*of_body(b"caf\xe9"), "caf\u{fffd}");
        assert_eq!(of_body(&[b'a'; 5_000]).len(), MAX_TEXT);
        // 1,024 is no boundary of a letter of three bytes.
        assert_eq!(&*of_body("€".repeat(500).as_bytes()), "€".repeat(341));
        assert_eq!(of_body(&[0xff; 5_000]).len(), 341 * 3);
        assert_eq!(&*of_body(&[b' '; 5_000]), "");
    }

    #[test]
    fn durations_are_told_in_seconds() {
        assert_eq!(seconds(Duration::from_millis(30_000)), "30 s");
        assert_eq!(seconds(Duration::from_millis(200)), "0.2 s");
    }
}
