//! The payload: a JSON object, held as the BSON that goes to the database.
//!
//! A payload is data. Keys that mean something elsewhere (`$oid`, `$date`,
//! `a.b`, `__proto__`, the empty key) are plain keys here, so neither way
//! between JSON and BSON goes through a conversion that reads extended JSON.
//!
//! Numbers: an integer within 64 signed bits stays an integer; any other
//! number, an integer beyond that included, becomes the nearest double, which
//! is what it is in the browser that sent it. A double comes back with a
//! decimal point (`1.0`).

use std::io::Write as _;

use bson::RawBsonRef;
use bson::raw::{RawArray, RawDocument};
use serde::de::DeserializeSeed as _;

use super::json::Read;
use super::payload_reader::{PayloadReader, Scratch};

mod plain;

/// What a payload may be at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadLimits {
    /// Bytes as compact JSON.
    pub max_bytes: usize,
    /// Levels of nesting, the payload itself being the first.
    pub max_depth: usize,
}

/// A JSON object, encoded as a BSON document.
#[derive(Clone, PartialEq)]
pub struct Payload(Box<[u8]>);

/// The BSON document without fields: its length, and the end.
const EMPTY: [u8; 5] = [5, 0, 0, 0, 0];

impl Payload {
    /// `{}`.
    pub fn empty() -> Self {
        Self(Box::new(EMPTY))
    }

    pub(super) fn from_encoded(bson: &[u8]) -> Self {
        Self(bson.into())
    }

    /// Takes a payload that [`as_bson`](Self::as_bson) gave; `None` if the
    /// bytes cannot be one.
    pub fn from_bson(bson: &[u8]) -> Option<Self> {
        RawDocument::from_bytes(bson).ok()?;
        Some(Self(bson.into()))
    }

    /// Reads a payload from JSON text. The error says what is wrong with it.
    pub fn from_json(json: &[u8], limits: PayloadLimits) -> Result<Self, String> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let mut scratch = Scratch::for_json(json.len());
        let value = Read(PayloadReader::new(limits, &mut scratch))
            .deserialize(&mut reader)
            .and_then(|value| reader.end().map(|()| value))
            .map_err(|error| error.to_string())?;
        match value {
            Some(Ok(payload)) => Ok(payload),
            Some(Err(fault)) => Err(fault.into_owned()),
            None => Err("must be a JSON object".to_owned()),
        }
    }

    /// Reads a payload that [`to_json`](Self::to_json) gave and that was kept
    /// since: what was accepted under other settings is still accepted.
    pub fn from_kept_json(json: &str) -> Result<Self, String> {
        const ANY: PayloadLimits =
            PayloadLimits { max_bytes: usize::MAX, max_depth: MAX_READ_DEPTH };
        Self::from_json(json.as_bytes(), ANY)
    }

    /// The BSON document.
    pub fn as_bson(&self) -> &[u8] {
        &self.0
    }

    /// The payload as compact JSON.
    pub fn to_json(&self) -> String {
        bson_to_json(&self.0).unwrap_or_else(|_| "{}".into())
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_json())
    }
}

/// Bytes that are no BSON document, or one nested too deep to be walked.
#[derive(Debug, thiserror::Error)]
#[error("not a readable BSON document: {0}")]
pub struct BsonFault(String);

impl From<bson::error::Error> for BsonFault {
    fn from(error: bson::error::Error) -> Self {
        Self(error.to_string())
    }
}

/// Levels that [`bson_to_json`] follows: MongoDB's own limit for a document.
const MAX_READ_DEPTH: usize = 100;

/// A BSON document as compact JSON.
///
/// Takes any document, also one that another tool wrote: a date becomes its
/// RFC 3339 text, an ObjectId, a UUID and a decimal their usual text, other
/// binary its base64, and what JSON has no word for (NaN, infinities, MinKey
/// and their like) null.
pub fn bson_to_json(bson: &[u8]) -> Result<String, BsonFault> {
    plain::to_json(bson).or_else(|_| any_to_json(bson))
}

/// The same without the short cut for payloads of our own.
fn any_to_json(bson: &[u8]) -> Result<String, BsonFault> {
    let document = RawDocument::from_bytes(bson)?;
    let mut out = Vec::with_capacity(bson.len());
    write_document(document, &mut out, 1)?;
    String::from_utf8(out).map_err(|error| BsonFault(error.to_string()))
}

fn write_document(
    document: &RawDocument,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), BsonFault> {
    if depth > MAX_READ_DEPTH {
        return Err(BsonFault(format!("nested deeper than {MAX_READ_DEPTH} levels")));
    }
    out.push(b'{');
    for (position, element) in document.iter().enumerate() {
        let (key, value) = element?;
        if position > 0 {
            out.push(b',');
        }
        write_string(key.as_str(), out);
        out.push(b':');
        write_value(value, out, depth)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_array(array: &RawArray, out: &mut Vec<u8>, depth: usize) -> Result<(), BsonFault> {
    if depth > MAX_READ_DEPTH {
        return Err(BsonFault(format!("nested deeper than {MAX_READ_DEPTH} levels")));
    }
    out.push(b'[');
    for (position, value) in array.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_value(value?, out, depth)?;
    }
    out.push(b']');
    Ok(())
}

fn write_value(value: RawBsonRef<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), BsonFault> {
    match value {
        RawBsonRef::String(text) => write_string(text, out),
        RawBsonRef::Int32(number) => {
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
        RawBsonRef::Int64(number) => {
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
        RawBsonRef::Double(number) => write_double(number, out),
        RawBsonRef::Boolean(true) => out.extend_from_slice(b"true"),
        RawBsonRef::Boolean(false) => out.extend_from_slice(b"false"),
        RawBsonRef::Document(inner) => write_document(inner, out, depth + 1)?,
        RawBsonRef::Array(inner) => write_array(inner, out, depth + 1)?,
        RawBsonRef::DateTime(moment) => {
            let moment = super::Timestamp::from_millis_clamped(moment.timestamp_millis());
            write_string(&moment.to_string(), out);
        }
        RawBsonRef::ObjectId(id) => write_string(&id.to_hex(), out),
        RawBsonRef::Decimal128(number) => write_string(&number.to_string(), out),
        RawBsonRef::Symbol(text) | RawBsonRef::JavaScriptCode(text) => write_string(text, out),
        RawBsonRef::Binary(binary) => match <[u8; 16]>::try_from(binary.bytes) {
            Ok(bytes) if binary.subtype == bson::spec::BinarySubtype::Uuid => {
                write_string(&uuid::Uuid::from_bytes(bytes).to_string(), out);
            }
            _ => {
                use base64::Engine as _;
                let text = base64::engine::general_purpose::STANDARD.encode(binary.bytes);
                write_string(&text, out);
            }
        },
        _ => out.extend_from_slice(b"null"),
    }
    Ok(())
}

/// As `serde_json` writes it, so that every way out prints the same number.
fn write_double(number: f64, out: &mut Vec<u8>) {
    if !number.is_finite() {
        out.extend_from_slice(b"null");
    } else if serde_json::to_writer(&mut *out, &number).is_err() {
        let _ = write!(out, "{number:?}");
    }
}

/// A JSON string, quotes included.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    write_bytes(text.as_bytes(), out);
}

/// The same for what may be no UTF-8, and then is written as it is.
fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    if has_no_escape(bytes) {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    let mut done = 0;
    for (position, &byte) in bytes.iter().enumerate() {
        let Some(escape) = escape_of(byte) else {
            continue;
        };
        out.extend_from_slice(&bytes[done..position]);
        if escape == b'u' {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        } else {
            out.extend_from_slice(&[b'\\', escape]);
        }
        done = position + 1;
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
}

/// Whether JSON takes the text as it is, as it does most. Looks at every byte
/// without a branch, which compilers turn into a look at sixteen at once.
pub(super) fn has_no_escape(text: &[u8]) -> bool {
    text.iter()
        .fold(true, |is_plain, &byte| is_plain & (byte >= 0x20) & (byte != b'"') & (byte != b'\\'))
}

/// The letter behind the backslash for a byte that JSON does not take as it is.
pub(super) fn escape_of(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        0x08 => Some(b'b'),
        b'\t' => Some(b't'),
        b'\n' => Some(b'n'),
        0x0c => Some(b'f'),
        b'\r' => Some(b'r'),
        0..0x20 => Some(b'u'),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
