//! One visitor for all that is read from JSON.
//!
//! serde asks a visitor for a method for each kind of value. What we read has
//! a use for one or two kinds and must go on reading past any other, so a
//! [`JsonReader`] names those and says once what any other kind means.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Timestamp;

/// Reads one JSON value of any kind.
pub trait JsonReader<'de>: Sized {
    /// What comes of it.
    type Value;

    /// A value of a kind that has no method of its own here; it has been read
    /// to its end. `kind` is a noun with its article.
    fn other<E: Error>(self, kind: &'static str) -> Result<Self::Value, E>;

    /// An object.
    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.other("an object")
    }

    /// An array.
    fn array<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        self.other("an array")
    }

    /// A string that had escapes, and so is not in the input as it is.
    fn text<E: Error>(self, _text: &str) -> Result<Self::Value, E> {
        self.other("a string")
    }

    /// A string that lies in the input as it is.
    fn borrowed_text<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        self.text(text)
    }

    /// A whole number within 64 signed bits.
    fn integer<E: Error>(self, _number: i64) -> Result<Self::Value, E> {
        self.other("a number")
    }

    /// Any other number, as the nearest double.
    fn double<E: Error>(self, _number: f64) -> Result<Self::Value, E> {
        self.other("a number")
    }

    /// `true` or `false`.
    fn boolean<E: Error>(self, _value: bool) -> Result<Self::Value, E> {
        self.other("a boolean")
    }

    /// `null`.
    fn null<E: Error>(self) -> Result<Self::Value, E> {
        self.other("null")
    }
}

/// Makes a [`JsonReader`] known to serde.
pub struct Read<R>(pub R);

impl<'de, R: JsonReader<'de>> DeserializeSeed<'de> for Read<R> {
    type Value = R::Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<R::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de, R: JsonReader<'de>> Visitor<'de> for Read<R> {
    type Value = R::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<R::Value, A::Error> {
        self.0.object(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<R::Value, A::Error> {
        self.0.array(seq)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<R::Value, E> {
        self.0.text(text)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<R::Value, E> {
        self.0.borrowed_text(text)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<R::Value, E> {
        self.0.integer(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<R::Value, E> {
        match i64::try_from(number) {
            Ok(number) => self.0.integer(number),
            #[allow(clippy::cast_precision_loss)] // the nearest double is what is wanted
            Err(_) => self.0.double(number as f64),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<R::Value, E> {
        self.0.double(number)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<R::Value, E> {
        self.0.boolean(value)
    }

    fn visit_unit<E: Error>(self) -> Result<R::Value, E> {
        self.0.null()
    }
}

/// A value where a string, a time or nothing is expected.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'de> {
    /// `null`.
    Null,
    /// A string.
    Text(Cow<'de, str>),
    /// A whole number within 64 signed bits.
    Integer(i64),
    /// Anything else: a noun with its article.
    Other(&'static str),
}

impl Scalar<'_> {
    /// The time that it says: RFC 3339, or milliseconds since the epoch.
    pub fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Text(text) => Timestamp::parse_rfc3339(text),
            Self::Integer(millis) => Timestamp::from_millis(*millis),
            Self::Null | Self::Other(_) => None,
        }
    }
}

/// Reads a [`Scalar`].
pub struct ScalarReader;

impl<'de> JsonReader<'de> for ScalarReader {
    type Value = Scalar<'de>;

    fn other<E: Error>(self, kind: &'static str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Other(kind))
    }

    fn text<E: Error>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn borrowed_text<E: Error>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn integer<E: Error>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Integer(number))
    }

    fn null<E: Error>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }
}

/// Reads the key of an object, borrowing it where it can.
pub struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Cow<'de, str>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }
}
