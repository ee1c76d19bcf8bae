//! JSON into BSON in one pass, without a tree in between.
//!
//! The encoder never stops the parse for a fault: it remembers the first one and reads
//! on, so that the faults of later events are found too. Only broken JSON ends it.
//!
//! BSON wants a value's type before its key and a document's length before its
//! fields; both are known only afterwards, so their places are left open and
//! filled in.

use std::borrow::Cow;
use std::collections::HashSet;
use std::{fmt, io};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::bson_tag as tag;
use super::fault::clip;
use super::json::{JsonReader, Read};
use super::json_writer::{escape_of, has_no_escape};
use super::payload::PayloadLimits;

/// Builds a document in a buffer that is not its own.
pub struct Encoder<'a> {
    /// What is written so far.
    pub out: &'a mut Vec<u8>,
    limits: PayloadLimits,
    /// Length so far as compact JSON.
    json_bytes: usize,
    /// The first thing that is wrong; nothing more is written from then on.
    pub fault: Option<Cow<'static, str>>,
    /// Where the keys of the objects being read lie in `out`, outermost first.
    keys: &'a mut Vec<(usize, usize)>,
}

impl<'a> Encoder<'a> {
    /// Writes into these buffers, which it empties first.
    pub fn new(
        limits: PayloadLimits,
        out: &'a mut Vec<u8>,
        keys: &'a mut Vec<(usize, usize)>,
    ) -> Self {
        out.clear();
        keys.clear();
        Self { out, limits, json_bytes: 0, fault: None, keys }
    }

    /// Whether it has grown beyond its limit of bytes.
    pub fn is_too_large(&self) -> bool {
        self.json_bytes > self.limits.max_bytes
    }

    /// Writes a key: an open place for the type, the key and its end. `names` are the keys
    /// of the same object, of which none may come twice.
    pub fn key(&mut self, key: &str, names: Option<&mut SeenKeys>, first: bool) {
        self.count_string(key);
        self.count(if first { 1 } else { 2 });
        self.out.push(0);
        let start = self.out.len();
        self.out.extend_from_slice(key.as_bytes());
        let range = (start, self.out.len());
        self.out.push(0);
        if let Some(names) = names
            && !names.insert(range, self.keys, self.out)
        {
            self.refuse(|| format!("has the key {:?} twice in one object", clip(key)).into());
        }
    }

    /// Writes an object's fields as a document.
    pub fn document<'de, A: MapAccess<'de>>(
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

    /// Writes a text.
    pub fn string(&mut self, text: &str) {
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
pub struct SeenKeys {
    base: usize,
    many: Option<HashSet<Box<[u8]>>>,
}

/// Looked through one by one up to here.
pub const FEW: usize = 32;

impl SeenKeys {
    /// Those of an object within objects that have so many together.
    pub fn new(base: usize) -> Self {
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
        self.encoder.key(key, Some(self.names), self.first);
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
pub struct ValueSeed<'a, 'b> {
    /// Where it is written.
    pub encoder: &'a mut Encoder<'b>,
    /// Where its type belongs.
    pub type_at: usize,
    /// Levels of the object that it is in.
    pub depth: usize,
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
