//! What is looked for in payloads.

use bson::raw::{RawBsonRef, RawDocument};
use serde_json::Number;
use trailkeep_event::Payload;

use super::key::PayloadKey;

/// Bytes of a text that is looked for at the most; no index has to have longer ones.
pub const MAX_VALUE_BYTES: usize = 256;

/// A text, and the number that it is too where it is one. `1234` is found as `"1234"` and
/// as `1234`; `0042` and `A-1001` are texts alone, as is what has an exponent. Texts are
/// compared byte for byte, numbers by what they are: `1234` is `1234.0`.
#[derive(Debug, Clone, PartialEq)]
pub struct PayloadValue {
    text: String,
    number: Option<Number>,
}

impl PayloadValue {
    /// What a person typed; `None` where nothing has it, as it is empty or too long.
    pub fn typed(text: &str) -> Option<Self> {
        let is_right = (1..=MAX_VALUE_BYTES).contains(&text.len());
        is_right.then(|| Self { text: text.to_owned(), number: number(text) })
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number that the text is: an integer within 64 signed bits, or the nearest
    /// double, as in payloads.
    pub fn number(&self) -> Option<&Number> {
        self.number.as_ref()
    }

    /// Whether a payload has it at a key.
    pub fn is_in(&self, payload: &Payload, key: &PayloadKey) -> bool {
        let document = RawDocument::from_bytes(payload.as_bson()).ok();
        let found = document.and_then(|document| document.get(key.as_str()).ok().flatten());
        match found {
            Some(RawBsonRef::String(text)) => text == self.text,
            Some(RawBsonRef::Int32(number)) => self.is_integer(number.into()),
            Some(RawBsonRef::Int64(number)) => self.is_integer(number),
            Some(RawBsonRef::Double(number)) => self.is_double(number),
            _ => false,
        }
    }

    fn is_integer(&self, other: i64) -> bool {
        let Some(number) = &self.number else { return false };
        match number.as_i64() {
            Some(number) => number == other,
            None => number.as_f64().is_some_and(|number| are_equal(other, number)),
        }
    }

    fn is_double(&self, other: f64) -> bool {
        let Some(number) = &self.number else { return false };
        match number.as_i64() {
            Some(number) => are_equal(number, other),
            None => number.as_f64() == Some(other),
        }
    }
}

/// Without rounding the integer: of two neighbours beyond 2^53 only one is equal.
fn are_equal(integer: i64, double: f64) -> bool {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    double.fract() == 0.0 && (-BEYOND..BEYOND).contains(&double) && double as i64 == integer
}

/// As JSON has a number, but without an exponent: who types `12e3` types a name.
fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    if !are_digits(whole) || !are_digits(fraction) || has_leading_zero {
        return None;
    }
    match text.parse::<i64>() {
        Ok(number) => Some(number.into()),
        Err(_) => Number::from_f64(text.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use trailkeep_event::payload::PayloadLimits;

    use super::*;

    fn is_found(typed: &str, json: &str) -> bool {
        let limits = PayloadLimits { max_bytes: 1 << 20, max_depth: 8 };
        let payload = Payload::from_json(format!("{{\"k\":{json}}}").as_bytes(), limits).unwrap();
        let key = PayloadKey::new("k").unwrap();
        PayloadValue::typed(typed).unwrap().is_in(&payload, &key)
    }

    #[test]
    fn what_is_typed_is_a_text_and_may_be_a_number() {
        for (typed, json) in [
            ("A-1001", "\"A-1001\""),
            ("1234", "\"1234\""),
            ("1234", "1234"),
            ("1234", "1234.0"),
            ("1234.0", "1234"),
            ("-7", "-7"),
            ("0", "0"),
            ("-0", "0"),
            ("19.90", "19.9"),
            ("19.90", "\"19.90\""),
            ("0042", "\"0042\""),
            ("9223372036854775807", "9223372036854775807"),
            ("12345678901234567890", "12345678901234567890"),
            ("9007199254740993", "9007199254740993"),
            ("true", "\"true\""),
        ] {
            assert!(is_found(typed, json), "{typed} in {json}");
        }
    }

    #[test]
    fn nothing_else_is_found_for_it() {
        for (typed, json) in [
            ("a-1001", "\"A-1001\""),
            ("A-100", "\"A-1001\""),
            ("1234", "\"01234\""),
            ("01234", "1234"),
            ("1e3", "1000"),
            ("+7", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1", "true"),
            ("true", "true"),
            ("null", "null"),
            ("1", "[1]"),
            ("[1]", "[1]"),
            ("A", "{\"k\":\"A\"}"),
            // Neighbours that one double stands for.
            ("9007199254740993", "9007199254740992.0"),
            ("9223372036854775807", "9223372036854775808.0"),
            ("NaN", "null"),
            ("٣", "3"),
        ] {
            assert!(!is_found(typed, json), "{typed} in {json}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_looked_for() {
        assert!(PayloadValue::typed(&"x".repeat(MAX_VALUE_BYTES)).is_some());
        assert_eq!(PayloadValue::typed(&"x".repeat(MAX_VALUE_BYTES + 1)), None);
        assert_eq!(PayloadValue::typed(""), None);
        // More digits than a double reaches.
        assert_eq!(
            PayloadValue::typed(&"9".repeat(256)).unwrap().number(),
            Some(&Number::from_f64(1e256).unwrap())
        );
    }
}
