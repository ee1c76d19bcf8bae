//! Payloads as this service writes them, as JSON.

use crate::bson_reader::{Elements, Foreign, MAX_DEPTH, Value};
use crate::json_writer::{write_bytes, write_double};

/// The JSON of a payload that was made from JSON.
pub fn to_json(bson: &[u8]) -> Result<String, Foreign> {
    let mut out = Vec::with_capacity(bson.len());
    write_document(bson, &mut out, 1)?;
    // All its texts at once: what else is in it is ASCII.
    String::from_utf8(out).map_err(|_| Foreign)
}

fn write_document(document: &[u8], out: &mut Vec<u8>, depth: usize) -> Result<(), Foreign> {
    let mut elements = within(document, depth)?;
    out.push(b'{');
    let mut is_first = true;
    while let Some(element) = elements.next_element()? {
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        write_bytes(element.key, out);
        out.push(b':');
        write_value(element.value, out, depth)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_array(array: &[u8], out: &mut Vec<u8>, depth: usize) -> Result<(), Foreign> {
    let mut elements = within(array, depth)?;
    out.push(b'[');
    let mut is_first = true;
    while let Some(element) = elements.next_element()? {
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        write_value(element.value, out, depth)?;
    }
    out.push(b']');
    Ok(())
}

fn within(document: &[u8], depth: usize) -> Result<Elements<'_>, Foreign> {
    if depth > MAX_DEPTH {
        return Err(Foreign);
    }
    Elements::of(document)
}

fn write_value(value: Value<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), Foreign> {
    match value {
        Value::Text(text) => write_bytes(text, out),
        Value::Int32(number) => {
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
        Value::Int64(number) => {
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
        Value::Double(number) => write_double(number, out),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Null => out.extend_from_slice(b"null"),
        Value::Document(inner) => write_document(inner, out, depth + 1)?,
        Value::Array(inner) => write_array(inner, out, depth + 1)?,
        // JSON has neither.
        Value::Date(_) | Value::Uuid(_) => return Err(Foreign),
    }
    Ok(())
}
