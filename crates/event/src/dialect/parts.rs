//! A payload that is put together of what lies apart in the JSON.
//!
//! Values become BSON as they are met, one element after the other. Which of them stay, and
//! under which name, is known only when all of the event was read: so they are copied into
//! the payload at its end.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::de::MapAccess;

use super::values::type_of;
use crate::Payload;
use crate::bson_reader::{Elements, Value};
use crate::bson_tag as tag;
use crate::encoder::{Encoder, FEW, SeenKeys, ValueSeed};
use crate::json::Scalar;
use crate::payload::PayloadLimits;
use crate::payload_reader::Scratch;
use crate::sender::Marks;

/// Where payloads are put together. One for all events of a batch.
#[derive(Default)]
pub struct Room {
    scratch: Scratch,
    elements: Vec<Element>,
    whole: Vec<u8>,
}

impl Room {
    /// Room for most payloads that come out of so many bytes of JSON.
    pub fn for_json(bytes: usize) -> Self {
        const USUAL_ELEMENTS: usize = 32;
        let elements = Vec::with_capacity(USUAL_ELEMENTS);
        Self { scratch: Scratch::for_json(bytes), elements, whole: Vec::new() }
    }
}

/// What an element is in the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A property that the sender gave.
    Own,
    /// What stood beside the properties: it gives way to a property of its name.
    Beside,
    /// Traits, of which the one with the least number decides.
    Traits(u8),
}

#[derive(Clone, Copy)]
struct Element {
    role: Role,
    start: usize,
    /// Where its key begins, which may be told without its first byte.
    key: usize,
    key_end: usize,
    end: usize,
}

/// One payload while it is put together.
pub struct Parts<'r> {
    encoder: Encoder<'r>,
    elements: &'r mut Vec<Element>,
    whole: &'r mut Vec<u8>,
    names: SeenKeys,
}

/// How a payload is ended.
#[derive(Clone, Copy)]
pub struct Ending<'a> {
    /// Which traits are its `traits`, by their numbers; without any it has none.
    pub traits: &'a [u8],
    /// Whether it has `traits` also where none were sent.
    pub always_traits: bool,
    /// Properties that are not told.
    pub dropped: &'a [&'a str],
    /// Whether a leading `$` is taken off the names of properties.
    pub without_dollars: bool,
    /// What stands for all events of a batch.
    pub of_all: &'a [u8],
    /// What is told of the sender.
    pub marks: Marks<'a>,
}

impl<'r> Parts<'r> {
    pub fn new(limits: PayloadLimits, room: &'r mut Room) -> Self {
        let Room { scratch, elements, whole } = room;
        elements.clear();
        whole.clear();
        let encoder = Encoder::new(limits, &mut scratch.out, &mut scratch.keys);
        Self { encoder, elements, whole, names: SeenKeys::new(0) }
    }

    /// Takes the next value under this name.
    pub fn take<'de, A: MapAccess<'de>>(
        &mut self,
        role: Role,
        key: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let start = self.encoder.out.len();
        let names = (role == Role::Own).then_some(&mut self.names);
        self.encoder.key(key, names, self.elements.is_empty());
        let key_end = self.encoder.out.len() - 1;
        map.next_value_seed(ValueSeed { encoder: &mut self.encoder, type_at: start, depth: 1 })?;
        self.elements.push(Element {
            role,
            start,
            key: start + 1,
            key_end,
            end: self.encoder.out.len(),
        });
        Ok(())
    }

    /// The same of a value that is to be an object; of any other nothing is kept.
    pub fn take_object<'de, A: MapAccess<'de>>(
        &mut self,
        role: Role,
        key: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.take(role, key, map)?;
        if let Some(element) = self.elements.last()
            && self.encoder.fault.is_none()
            && self.encoder.out[element.start] != tag::DOCUMENT
        {
            self.encoder.out.truncate(element.start);
            self.elements.pop();
        }
        Ok(())
    }

    /// Takes a text.
    pub fn take_text(&mut self, key: &str, text: &str) {
        let start = self.encoder.out.len();
        self.encoder.key(key, None, self.elements.is_empty());
        let key_end = self.encoder.out.len() - 1;
        self.encoder.out[start] = tag::STRING;
        self.encoder.string(text);
        let (key, end) = (start + 1, self.encoder.out.len());
        self.elements.push(Element { role: Role::Beside, start, key, key_end, end });
    }

    /// The type of an event of this name. Where the name is too long for one, the payload
    /// has the whole of it.
    pub fn type_of<'de>(&mut self, name: &Cow<'de, str>) -> Scalar<'de> {
        let kind = type_of(name);
        if kind.len() < name.len() {
            self.take_text("event", name);
        }
        Scalar::Text(kind)
    }

    /// The text or number that a property has.
    pub fn property(&self, name: &str) -> Scalar<'static> {
        self.value(Role::Own, name).map_or(Scalar::Null, scalar)
    }

    /// The same of traits, a path of names further in.
    pub fn of_traits(&self, number: u8, path: &[&str]) -> Scalar<'static> {
        let traits = self.elements.iter().find(|element| element.role == Role::Traits(number));
        let mut value = traits.and_then(|element| self.value_of(element));
        for name in path {
            let Some(Value::Document(document)) = value else { return Scalar::Null };
            value = field(document, name);
        }
        value.map_or(Scalar::Null, scalar)
    }

    fn value(&self, role: Role, name: &str) -> Option<Value<'_>> {
        let is_it =
            |element: &&Element| element.role == role && self.name(element) == name.as_bytes();
        self.value_of(self.elements.iter().find(is_it)?)
    }

    fn value_of(&self, element: &Element) -> Option<Value<'_>> {
        if self.encoder.fault.is_some() {
            return None;
        }
        let mut elements = Elements::in_bytes(&self.encoder.out[element.start..element.end]);
        Some(elements.next_element().ok()??.value)
    }

    fn name(&self, element: &Element) -> &[u8] {
        &self.encoder.out[element.key..element.key_end]
    }

    /// Whether the payload is larger than one may be.
    pub fn is_too_large(&self) -> bool {
        self.encoder.is_too_large()
    }

    /// What stands beside the properties, as elements without a document around them, where
    /// that is no more than so many bytes.
    pub fn beside(&self, most_bytes: usize) -> Option<Vec<u8>> {
        let beside = self.elements.iter().filter(|element| element.role == Role::Beside);
        let bytes = beside.flat_map(|element| &self.encoder.out[element.start..element.end]);
        let bytes: Vec<u8> = bytes.copied().collect();
        (self.encoder.fault.is_none() && bytes.len() <= most_bytes).then_some(bytes)
    }

    /// The payload.
    pub fn finish(mut self, ending: Ending<'_>) -> Result<Payload, Cow<'static, str>> {
        if let Some(fault) = self.encoder.fault.take() {
            return Err(fault);
        }
        if ending.without_dollars {
            self.take_dollars_off();
        }
        let mut whole = std::mem::take(self.whole);
        whole.extend_from_slice(&[0; 4]);
        self.write_elements(&ending, &mut whole);
        self.write_traits(&ending, &mut whole);
        self.write_of_all(ending.of_all, &mut whole);
        ending.marks.write(&mut whole, |key| self.has(key.as_bytes()));
        let payload = Payload::closed(&mut whole);
        whole.clear();
        *self.whole = whole;
        Ok(payload)
    }

    fn write_elements(&self, ending: &Ending<'_>, whole: &mut Vec<u8>) {
        let of_role = |role| self.elements.iter().filter(move |element| element.role == role);
        // Few are compared with each other; a sender may make them so many that this would
        // take long.
        let is_many = self.elements.len() > FEW;
        let own = of_role(Role::Own).filter(|_| is_many).map(|element| self.name(element));
        let mut many: HashSet<&[u8]> = own.collect();
        let mut is_first = |name, place: usize| {
            let is_same = |other: &Element| other.role == Role::Beside && self.name(other) == name;
            if is_many {
                return many.insert(name);
            }
            let is_own = of_role(Role::Own).any(|other| self.name(other) == name);
            !is_own && !self.elements[..place].iter().any(is_same)
        };
        for (place, element) in self.elements.iter().enumerate() {
            let name = self.name(element);
            let is_told = match element.role {
                Role::Own => !ending.dropped.iter().any(|dropped| dropped.as_bytes() == name),
                Role::Beside => {
                    // What SDKs write for nothing.
                    let is_nothing = self.encoder.out[element.start] == tag::NULL;
                    is_first(name, place) && !is_nothing
                }
                Role::Traits(_) => false,
            };
            if is_told {
                let out = &self.encoder.out;
                whole.push(out[element.start]);
                whole.extend_from_slice(&out[element.key..element.end]);
            }
        }
    }

    /// Whether there is an element of this name that is told.
    fn has(&self, name: &[u8]) -> bool {
        let is_it = |element: &Element| {
            !matches!(element.role, Role::Traits(_)) && self.name(element) == name
        };
        self.elements.iter().any(is_it)
    }

    /// Takes the leading `$` off names where no other element has what is left.
    fn take_dollars_off(&mut self) {
        let plain = |element: &&Element| {
            !matches!(element.role, Role::Traits(_)) && self.encoder.out[element.key] != b'$'
        };
        let plain = self.elements.iter().filter(plain);
        let plain: Vec<&[u8]> = plain.map(|element| self.name(element)).collect();
        let many: Option<HashSet<&[u8]>> =
            (plain.len() > FEW).then(|| plain.iter().copied().collect());
        let clashes = |rest: &[u8]| match &many {
            Some(many) => many.contains(rest),
            None => plain.contains(&rest),
        };
        let is_bare = |element: &Element| {
            let name = self.name(element);
            let is_ours = crate::sender::NAMES.iter().any(|ours| ours.as_bytes() == name);
            match name {
                [b'$', rest @ ..] if !is_ours && element.role == Role::Own => {
                    !rest.is_empty() && rest[0] != b'$' && !clashes(rest)
                }
                _ => false,
            }
        };
        let bare: Vec<bool> = self.elements.iter().map(is_bare).collect();
        for (element, is_bare) in self.elements.iter_mut().zip(bare) {
            element.key += usize::from(is_bare);
        }
    }

    fn write_traits(&self, ending: &Ending<'_>, whole: &mut Vec<u8>) {
        const NAME: &[u8] = b"traits";
        if self.has(NAME) {
            return;
        }
        let documents: Vec<&[u8]> = ending
            .traits
            .iter()
            .filter_map(|number| {
                let is_it = |element: &&Element| element.role == Role::Traits(*number);
                match self.value_of(self.elements.iter().find(is_it)?)? {
                    Value::Document(document) => Some(document),
                    _ => None,
                }
            })
            .collect();
        if documents.is_empty() && !ending.always_traits {
            return;
        }
        whole.push(tag::DOCUMENT);
        whole.extend_from_slice(NAME);
        whole.push(0);
        match documents.as_slice() {
            [one] => whole.extend_from_slice(one),
            several => merge(several, whole),
        }
    }

    /// Writes of what stands for all events those that the event has not.
    fn write_of_all(&self, of_all: &[u8], whole: &mut Vec<u8>) {
        let mut elements = Elements::in_bytes(of_all);
        while let Ok(Some((element, raw))) = elements.next_raw() {
            if !self.has(element.key) {
                whole.extend_from_slice(raw);
            }
        }
    }
}

/// Writes one document of several, of which an earlier one decides.
fn merge(documents: &[&[u8]], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let mut seen: HashSet<&[u8]> = HashSet::new();
    for document in documents {
        let Ok(mut elements) = Elements::of(document) else { continue };
        while let Ok(Some((element, raw))) = elements.next_raw() {
            if seen.insert(element.key) {
                out.extend_from_slice(raw);
            }
        }
    }
    out.push(0);
    let length = i32::try_from(out.len() - start).unwrap_or(i32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn field<'a>(document: &'a [u8], name: &str) -> Option<Value<'a>> {
    let mut elements = Elements::of(document).ok()?;
    while let Ok(Some(element)) = elements.next_element() {
        if element.key == name.as_bytes() {
            return Some(element.value);
        }
    }
    None
}

fn scalar(value: Value<'_>) -> Scalar<'static> {
    match value {
        Value::Text(text) => Scalar::Text(Cow::Owned(String::from_utf8_lossy(text).into_owned())),
        Value::Int32(number) => Scalar::Integer(number.into()),
        Value::Int64(number) => Scalar::Integer(number),
        Value::Null => Scalar::Null,
        _ => Scalar::Other("another value"),
    }
}
