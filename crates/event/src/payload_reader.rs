//! JSON into BSON in one pass, without a tree in between.
//!
//! The reader never stops the parse for a fault of the payload: it remembers
//! the first one and reads on, so that the faults of later events are found
//! too. Only broken JSON ends it.
//!
//! BSON wants a value's type before its key and a document's length before its
//! fields; both are known only afterwards, so their places are left open and
//! filled in.

use std::borrow::Cow;
use std::collections::HashSet;
use std::{fmt, io};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::bson_reader::MAX_DEPTH;
use super::bson_tag as tag;
use super::fault::clip;
use super::json::{JsonReader, Read};
use super::json_writer::{escape_of, has_no_escape};
use super::payload::{Payload, PayloadLimits};

/// What a payload's value turned out to be: `None` is JSON's null.
pub type PayloadValue = Option<Result<Payload, Cow<'static, str>>>;

/// Where payloads are built. One for all events of a batch, so that its growing
/// is paid for once.
pub struct Scratch {
    out: Vec<u8>,
    keys: Vec<(usize, usize)>,
}

impl Scratch {
    /// Room for most payloads that come out of so many bytes of JSON.
    pub fn for_json(bytes: usize) -> Self {
        const USUAL_BYTES: usize = 1024;
        const USUAL_KEYS: usize = 16;
        Self {
            out: Vec::with_capacity(bytes.min(USUAL_BYTES)),
            keys: Vec::with_capacity(USUAL_KEYS),
        }
    }
}

/// Reads one payload.
pub struct PayloadReader<'a> {
    encoder: Encoder<'a>,
}

impl<'a> PayloadReader<'a> {
    /// A reader for one payload.
    pub fn new(limits: PayloadLimits, scratch: &'a mut Scratch) -> Self {
        let Scratch { out, keys } = scratch;
        out.clear();
        keys.clear();
        Self { encoder: Encoder { out, limits, json_bytes: 0, fault: None, keys } }
    }
}

/// The payload itself: an object, or null for none.
impl<'de> JsonReader<'de> for PayloadReader<'_> {
    type Value = PayloadValue;

    fn object<A: MapAccess<'de>>(mut self, map: A) -> Result<PayloadValue, A::Error> {
        self.encoder.document(map, 1)?;
        Ok(Some(match self.encoder.fault {
            None => Ok(Payload::from_encoded(self.encoder.out)),
            Some(fault) => Err(fault),
        }))
    }

    fn null<E>(self) -> Result<PayloadValue, E> {
        Ok(None)
    }

    fn other<E>(self, kind: &'static str) -> Result<PayloadValue, E> {
        Ok(Some(Err(format!("must be a JSON object, not {kind}").into())))
    }
}

impl Payload {
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
        const ANY: PayloadLimits = PayloadLimits { max_bytes: usize::MAX, max_depth: MAX_DEPTH };
        Self::from_json(json.as_bytes(), ANY)
    }
}

struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    limits: PayloadLimits,
    /// Length so far as compact JSON.
    json_bytes: usize,
    fault: Option<Cow<'static, str>>,
    /// Where the keys of the objects being read lie in `out`, outermost first.
    keys: &'a mut Vec<(usize, usize)>,
}

impl Encoder<'_> {
    /// Writes an object's fields as a document.
    fn document<'de, A: MapAccess<'de>>(
        &mut self,
        mut map: A,
        depth: usize,
    ) -> Result<(), A::Error> {
        let start = self.open(depth);
        let mut names = SeenKeys::new(self.keys.len());
        let mut first = true;
        while self.fault.is_none() {
            let type_at = self.out.len();
            if map.next_key_seed(KeySeed { encoder: self, names: &mut names, first })?.is_none() {
                break;
            }
            first = false;
            map.next_value_seed(ValueSeed { encoder: self, type_at, depth })?;
        }
        if self.fault.is_some() {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        }
        self.keys.truncate(names.base);
        self.close(start);
        Ok(())
    }

    /// Writes an array as BSON has it: a document with the keys "0", "1", ...
    fn array<'de, A: SeqAccess<'de>>(&mut self, mut seq: A, depth: usize) -> Result<(), A::Error> {
        let start = self.open(depth);
        let mut index = 0_usize;
        while self.fault.is_none() {
            let type_at = self.out.len();
            self.out.push(0);
            self.out.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
            self.out.push(0);
            if seq.next_element_seed(ValueSeed { encoder: self, type_at, depth })?.is_none() {
                self.out.truncate(type_at);
                break;
            }
            self.count(usize::from(index > 0));
            index += 1;
        }
        if self.fault.is_some() {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
        }
        self.close(start);
        Ok(())
    }

    fn open(&mut self, depth: usize) -> usize {
        if depth > self.limits.max_depth {
            let limit = self.limits.max_depth;
            self.refuse(|| format!("is nested deeper than {limit} levels").into());
        }
        self.count(2);
        let start = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        start
    }

    fn close(&mut self, start: usize) {
        self.out.push(0);
        let length = i32::try_from(self.out.len() - start).unwrap_or(i32::MAX);
        self.out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    fn string(&mut self, text: &str) {
        self.count_string(text);
        let length = i32::try_from(text.len() + 1).unwrap_or(i32::MAX);
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(0);
    }

    /// Adds to the length as JSON, and refuses what passes the limit.
    fn count(&mut self, bytes: usize) {
        self.json_bytes += bytes;
        if self.json_bytes > self.limits.max_bytes {
            let limit = self.limits.max_bytes;
            self.refuse(|| format!("is larger than {limit} bytes").into());
        }
    }

    fn count_string(&mut self, text: &str) {
        self.count(text.len() + 2);
        if has_no_escape(text.as_bytes()) {
            return;
        }
        let escapes = text.bytes().map(|byte| match escape_of(byte) {
            None => 0,
            Some(b'u') => 5,
            Some(_) => 1,
        });
        if text.contains('\0') {
            self.refuse(|| "holds a NUL character".into());
        }
        self.count(escapes.sum());
    }

    fn refuse(&mut self, fault: impl FnOnce() -> Cow<'static, str>) {
        self.fault.get_or_insert_with(fault);
    }
}

/// The keys that the object being read has had so far: looked through one by
/// one while they are few, hashed when they are many.
struct SeenKeys {
    base: usize,
    many: Option<HashSet<Box<[u8]>>>,
}

const FEW: usize = 32;

impl SeenKeys {
    fn new(base: usize) -> Self {
        Self { base, many: None }
    }

    /// Notes the key that lies at `range` in `out`; false if it was there before.
    fn insert(
        &mut self,
        range: (usize, usize),
        keys: &mut Vec<(usize, usize)>,
        out: &[u8],
    ) -> bool {
        let key = &out[range.0..range.1];
        if let Some(many) = &mut self.many {
            return many.insert(key.into());
        }
        let seen = &keys[self.base..];
        if seen.iter().any(|&(start, end)| &out[start..end] == key) {
            return false;
        }
        if seen.len() == FEW {
            let mut many: HashSet<Box<[u8]>> =
                seen.iter().map(|&(start, end)| out[start..end].into()).collect();
            many.insert(key.into());
            self.many = Some(many);
        } else {
            keys.push(range);
        }
        true
    }
}

/// Reads a key: an open place for the type, the key and its end.
struct KeySeed<'a, 'b> {
    encoder: &'a mut Encoder<'b>,
    names: &'a mut SeenKeys,
    first: bool,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        let encoder = self.encoder;
        encoder.count_string(key);
        encoder.count(if self.first { 1 } else { 2 });
        encoder.out.push(0);
        let start = encoder.out.len();
        encoder.out.extend_from_slice(key.as_bytes());
        let range = (start, encoder.out.len());
        encoder.out.push(0);
        if !self.names.insert(range, encoder.keys, encoder.out) {
            encoder.refuse(|| format!("has the key {:?} twice in one object", clip(key)).into());
        }
        Ok(())
    }
}

/// Counts what is written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a value behind its key and fills in its type.
struct ValueSeed<'a, 'b> {
    encoder: &'a mut Encoder<'b>,
    type_at: usize,
    depth: usize,
}

impl ValueSeed<'_, '_> {
    fn set_type(&mut self, tag: u8) {
        self.encoder.out[self.type_at] = tag;
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        if self.encoder.fault.is_some() {
            return reader.deserialize_ignored_any(IgnoredAny).map(|_| ());
        }
        Read(self).deserialize(reader)
    }
}

impl<'de> JsonReader<'de> for ValueSeed<'_, '_> {
    type Value = ();

    fn text<E>(mut self, text: &str) -> Result<(), E> {
        self.set_type(tag::STRING);
        self.encoder.string(text);
        Ok(())
    }

    fn integer<E>(mut self, number: i64) -> Result<(), E> {
        self.encoder.count(itoa::Buffer::new().format(number).len());
        match i32::try_from(number) {
            Ok(small) => {
                self.set_type(tag::INT32);
                self.encoder.out.extend_from_slice(&small.to_le_bytes());
            }
            Err(_) => {
                self.set_type(tag::INT64);
                self.encoder.out.extend_from_slice(&number.to_le_bytes());
            }
        }
        Ok(())
    }

    fn double<E>(mut self, number: f64) -> Result<(), E> {
        self.set_type(tag::DOUBLE);
        let mut length = Length(0);
        // Writing to it never fails.
        let _ = serde_json::to_writer(&mut length, &number);
        self.encoder.count(length.0);
        self.encoder.out.extend_from_slice(&number.to_le_bytes());
        Ok(())
    }

    fn boolean<E>(mut self, value: bool) -> Result<(), E> {
        self.set_type(tag::BOOLEAN);
        self.encoder.count(if value { 4 } else { 5 });
        self.encoder.out.push(u8::from(value));
        Ok(())
    }

    fn object<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        self.set_type(tag::DOCUMENT);
        self.encoder.document(map, self.depth + 1)
    }

    fn array<A: SeqAccess<'de>>(mut self, seq: A) -> Result<(), A::Error> {
        self.set_type(tag::ARRAY);
        self.encoder.array(seq, self.depth + 1)
    }

    /// Null: every other kind has its method.
    fn other<E>(mut self, _kind: &'static str) -> Result<(), E> {
        self.set_type(tag::NULL);
        self.encoder.count(4);
        Ok(())
    }
}
