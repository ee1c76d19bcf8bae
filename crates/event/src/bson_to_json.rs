//! BSON as JSON: payloads of our own on a short way, and any other document.

mod plain;

use bson::RawBsonRef;
use bson::raw::{RawArray, RawDocument};

use super::bson_reader::MAX_DEPTH;
use super::json_writer::{write_double, write_string};

/// Bytes that are no BSON document, or one nested too deep to be walked.
#[derive(Debug, thiserror::Error)]
#[error("not a readable BSON document: {0}")]
pub struct BsonFault(String);

impl From<bson::error::Error> for BsonFault {
    fn from(error: bson::error::Error) -> Self {
        Self(error.to_string())
    }
}

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
    if depth > MAX_DEPTH {
        return Err(BsonFault(format!("nested deeper than {MAX_DEPTH} levels")));
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
    if depth > MAX_DEPTH {
        return Err(BsonFault(format!("nested deeper than {MAX_DEPTH} levels")));
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

#[cfg(test)]
mod tests;
