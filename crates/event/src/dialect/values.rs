//! Single values as SDKs send them, made into what the rules of events take.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime};
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess};
use sha2::{Digest as _, Sha256};

use crate::Timestamp;
use crate::json::{JsonReader, Read, Scalar, ScalarReader};
use crate::minimise::hex;
use crate::normalize::{MAX_EVENT_ID, MAX_ID, MAX_TYPE};

/// The next value, of any kind.
pub fn scalar<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Scalar<'de>, A::Error> {
    map.next_value_seed(Read(ScalarReader))
}

/// Passes over the next value.
pub fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// An id: a number becomes a text, and an empty text is none.
pub fn id(value: Scalar<'_>) -> Scalar<'_> {
    match value {
        Scalar::Integer(number) => Scalar::Text(number.to_string().into()),
        Scalar::Text(text) if text.trim().is_empty() => Scalar::Null,
        other => other,
    }
}

/// The same of an id that may be there for other reasons: what cannot be one is none.
pub fn likely_id(value: Scalar<'_>) -> Scalar<'_> {
    match id(value) {
        Scalar::Text(text) if text.len() <= MAX_ID && !text.chars().any(char::is_control) => {
            Scalar::Text(text)
        }
        _ => Scalar::Null,
    }
}

/// The name of an event: one that is too long for an id of an event becomes its hash, and
/// what is no text is none.
pub fn event_id(value: Scalar<'_>) -> Scalar<'_> {
    match id(value) {
        Scalar::Text(text) if text.len() > MAX_EVENT_ID => {
            Scalar::Text(hex(&Sha256::digest(text.as_bytes())).into())
        }
        Scalar::Text(text) => Scalar::Text(text),
        _ => Scalar::Null,
    }
}

/// As much of a name as a type may have.
pub fn type_of<'de>(name: &Cow<'de, str>) -> Cow<'de, str> {
    match name {
        _ if name.len() <= MAX_TYPE => name.clone(),
        Cow::Borrowed(name) => Cow::Borrowed(&name[..name.floor_char_boundary(MAX_TYPE)]),
        Cow::Owned(name) => Cow::Owned(name[..name.floor_char_boundary(MAX_TYPE)].to_owned()),
    }
}

/// A time: as our own wire has it, or without an offset, and then of UTC, or with one that
/// lacks its colon.
pub fn time(value: &Scalar<'_>) -> Option<Timestamp> {
    value.time().or_else(|| {
        let Scalar::Text(text) = value else { return None };
        let millis = match DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z") {
            Ok(time) => time.timestamp_millis(),
            Err(_) => {
                let text = text.replacen(' ', "T", 1);
                let time = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
                time.and_utc().timestamp_millis()
            }
        };
        Timestamp::from_millis(millis)
    })
}

/// Whether one is there.
pub fn is_some(value: &Scalar<'_>) -> bool {
    !matches!(value, Scalar::Null)
}

/// The first that is there.
pub fn first<'de>(values: impl IntoIterator<Item = Scalar<'de>>) -> Scalar<'de> {
    values.into_iter().find(is_some).unwrap_or(Scalar::Null)
}

/// What is expected to be an object and is none: nothing at all, or at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoObject {
    /// null or an empty list, which is what PHP makes of an object without fields.
    Empty,
    /// Anything else: a noun with its article.
    Wrong(&'static str),
}

/// Reads an object, or says what it was where it is none.
struct ObjectReader<F>(F);

/// What reads the fields of an object.
pub trait ReadFields<'de> {
    /// Reads them to their end.
    fn fields<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error>;
}

impl<'de, F: ReadFields<'de>> JsonReader<'de> for ObjectReader<F> {
    type Value = Result<(), NoObject>;

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.0.fields(map).map(Ok)
    }

    fn array<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut is_empty = true;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            is_empty = false;
        }
        Ok(Err(if is_empty { NoObject::Empty } else { NoObject::Wrong("an array") }))
    }

    fn null<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Err(NoObject::Empty))
    }

    fn other<E: Error>(self, kind: &'static str) -> Result<Self::Value, E> {
        Ok(Err(NoObject::Wrong(kind)))
    }
}

/// Reads the next value as an object; where it is none, and not nothing either, answers what
/// it is.
pub fn fields<'de, A: MapAccess<'de>>(
    map: &mut A,
    reader: impl ReadFields<'de>,
) -> Result<Option<&'static str>, A::Error> {
    Ok(match map.next_value_seed(Read(ObjectReader(reader)))? {
        Err(NoObject::Wrong(kind)) => Some(kind),
        Ok(()) | Err(NoObject::Empty) => None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn text(text: &str) -> Scalar<'_> {
        Scalar::Text(text.into())
    }

    #[test]
    fn a_number_is_an_id_and_an_empty_text_is_none() {
        assert_eq!(id(Scalar::Integer(7)), text("7"));
        assert_eq!(id(text(" ")), Scalar::Null);
        assert_eq!(id(Scalar::Other("an object")), Scalar::Other("an object"));
        assert_eq!(likely_id(Scalar::Other("an object")), Scalar::Null);
        assert_eq!(likely_id(text(&"x".repeat(257))), Scalar::Null);
    }

    #[test]
    fn a_long_name_of_an_event_becomes_a_hash_that_is_the_same_again() {
        let long = "m".repeat(10_000);
        let hashed = event_id(text(&long));
        assert!(matches!(&hashed, Scalar::Text(hash) if hash.len() == 64), "{hashed:?}");
        assert_eq!(event_id(text(&long)), hashed);
        let kept = "m".repeat(128);
        assert_eq!(event_id(text(&kept)), text(&kept));
        assert_eq!(event_id(Scalar::Other("an array")), Scalar::Null);
    }

    #[test]
    fn a_type_is_cut_between_characters() {
        let name = Cow::Owned(format!("{}é!", "x".repeat(63)));
        assert_eq!(type_of(&name), "x".repeat(63));
        assert_eq!(type_of(&Cow::Borrowed("Order Placed")), "Order Placed");
    }

    #[test]
    fn times_are_read_in_the_ways_that_sdks_write_them() {
        for written in [
            "2025-12-15T10:30:00Z",
            "2025-12-15T10:30:00.000000+00:00",
            "2025-12-15T12:30:00+0200",
            "2025-12-15T10:30:00",
            "2025-12-15 10:30:00.000",
        ] {
            assert_eq!(time(&text(written)).unwrap().as_millis(), 1_765_794_600_000, "{written}");
        }
        assert_eq!(time(&Scalar::Integer(1_765_794_600_000)).unwrap(), crate::tests::now());
        for wrong in [text("yesterday"), text(""), Scalar::Other("a number"), Scalar::Null] {
            assert_eq!(time(&wrong), None, "{wrong:?}");
        }
    }
}
