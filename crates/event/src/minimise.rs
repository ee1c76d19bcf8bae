//! Less of people: payload keys whose values are not kept, or not as they were sent.
//!
//! A key is meant wherever it stands in a payload, in traits and in lists as well: who
//! leaves `email` out does not mean the one at the top alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::bson_reader::{Elements, Foreign, Value};
use super::bson_tag as tag;
use super::{Event, Payload};

/// What is done to payloads before anything keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Minimise {
    /// Keys that are left out with their values.
    pub drop: BTreeSet<Box<str>>,
    /// Keys whose values become the SHA-256 of what they were, in 64 digits: of a text its
    /// bytes, of anything else its JSON. It joins what had the same value; whoever guesses
    /// the value can check the guess.
    pub hash: BTreeSet<Box<str>>,
}

impl Minimise {
    /// Whether payloads stay as they are.
    pub fn is_idle(&self) -> bool {
        self.drop.is_empty() && self.hash.is_empty()
    }

    /// Leaves of events what is left of their payloads.
    pub fn apply(&self, events: &mut [Event]) {
        if !self.is_idle() {
            events.iter_mut().for_each(|event| event.payload = self.of(&event.payload));
        }
    }

    /// What is left of a payload.
    fn of(&self, payload: &Payload) -> Payload {
        let mut out = Vec::with_capacity(payload.as_bson().len());
        // Ours, so it can be walked; if it could not, nothing of it would be kept.
        match self.document(payload.as_bson(), &mut out, true) {
            Ok(()) => Payload::from_encoded(&out),
            Err(Foreign) => Payload::empty(),
        }
    }

    /// `is_object`: an array's keys are places, and no names.
    fn document(&self, from: &[u8], out: &mut Vec<u8>, is_object: bool) -> Result<(), Foreign> {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        let mut elements = Elements::of(from)?;
        while let Some((element, raw)) = elements.next_raw()? {
            let key = std::str::from_utf8(element.key).ok().filter(|_| is_object);
            if key.is_some_and(|key| self.drop.contains(key)) {
                continue;
            }
            let head = element.key.len() + 2;
            if key.is_some_and(|key| self.hash.contains(key)) && element.value != Value::Null {
                out.push(tag::STRING);
                out.extend_from_slice(&raw[1..head]);
                text(&hash(&element.value, raw[0], &raw[head..])?, out);
                continue;
            }
            match element.value {
                Value::Document(inner) => {
                    out.extend_from_slice(&raw[..head]);
                    self.document(inner, out, true)?;
                }
                Value::Array(inner) => {
                    out.extend_from_slice(&raw[..head]);
                    self.document(inner, out, false)?;
                }
                _ => out.extend_from_slice(raw),
            }
        }
        out.push(0);
        let length = i32::try_from(out.len() - start).unwrap_or(i32::MAX);
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    // 64 digits.
    let length = i32::try_from(text.len() + 1).unwrap_or(i32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

/// `raw` is the value as it stands in BSON, behind its type and its key.
fn hash(value: &Value<'_>, kind: u8, raw: &[u8]) -> Result<String, Foreign> {
    if let Value::Text(text) = value {
        return Ok(hex(&Sha256::digest(text)));
    }
    // As the one value of a document, because JSON is written of documents.
    let mut document = vec![0, 0, 0, 0, kind, b'v', 0];
    document.extend_from_slice(raw);
    let json = Payload::closed(&mut document).to_json();
    let json = json.strip_prefix(r#"{"v":"#).and_then(|json| json.strip_suffix('}'));
    Ok(hex(&Sha256::digest(json.ok_or(Foreign)?)))
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a text never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tests::rules;

    fn left(drop: &[&str], hash: &[&str], json: &str) -> String {
        let names = |names: &[&str]| names.iter().copied().map(Box::from).collect();
        let minimise = Minimise { drop: names(drop), hash: names(hash) };
        let payload = Payload::from_json(json.as_bytes(), rules().payload).unwrap();
        let left = minimise.of(&payload);
        let bson = bson::raw::RawDocument::from_bytes(left.as_bson()).unwrap();
        bson::Document::try_from(bson).unwrap();
        left.to_json()
    }

    #[test]
    fn a_key_is_dropped_wherever_it_stands() {
        let json = r#"{"email":"a","traits":{"email":"b","plan":"pro"},"all":[{"email":"c"},7]}"#;
        assert_eq!(left(&["email"], &[], json), r#"{"traits":{"plan":"pro"},"all":[{},7]}"#);
        assert_eq!(left(&["0"], &[], r#"{"all":[1],"0":2}"#), r#"{"all":[1]}"#);
    }

    #[test]
    fn a_value_is_hashed_as_anybody_would_hash_it() {
        // printf abc | sha256sum
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(left(&[], &["key"], r#"{"key":"abc"}"#), format!(r#"{{"key":"{abc}"}}"#));
        // printf 7 | sha256sum
        let seven = "7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451";
        assert_eq!(
            left(&[], &["key"], r#"{"a":{"key":7}}"#),
            format!(r#"{{"a":{{"key":"{seven}"}}}}"#)
        );
        assert_eq!(left(&[], &["key"], r#"{"key":null}"#), r#"{"key":null}"#);
        let of_object = left(&[], &["key"], r#"{"key":{"b":[1,true]}}"#);
        // printf '{"b":[1,true]}' | sha256sum
        let object = "aae406764b60166ef1e96796741ffc7c299d05a21fb8fbe51357d75031c80b76";
        assert_eq!(of_object, format!(r#"{{"key":"{object}"}}"#));
    }

    #[test]
    fn what_is_dropped_is_not_hashed_as_well() {
        assert_eq!(left(&["key"], &["key"], r#"{"key":"abc","b":1}"#), r#"{"b":1}"#);
    }
}
