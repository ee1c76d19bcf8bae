//! The bytes of a request, read into drafts.
//!
//! One pass over the body. What is wrong with an event is noted and reading
//! goes on, so that one answer names every fault; only broken JSON and too
//! many events end it early.
//!
//! Three forms are taken: one event, an array of events, and an envelope
//! `{"events": [...], "sentAt": "..."}`. NDJSON has one event on each line.
//!
//! `sentAt` says how far the sender's clock is off ([`sending`](super::sending)). Where
//! it comes behind the events, and moves them, the body is read once more.

use std::borrow::Cow;

use serde::de::{DeserializeSeed as _, Error, IgnoredAny, MapAccess, SeqAccess};

use super::draft::{Draft, Field};
use super::fault::{Fault, Faults, clip};
use super::json::{JsonReader, Key, Read, Scalar, ScalarReader};
use super::normalize::{NO_TIME, Rules, normalize};
use super::payload_reader::{PayloadReader, Scratch};
use super::sending::Clocks;
use super::{Event, Timestamp};

/// Why a request's events were not taken. None of them was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The text is not JSON.
    Syntax {
        /// What the parser met.
        message: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 where a line ended too early.
        column: usize,
    },
    /// There are more events than one request may have.
    TooMany {
        /// How many it may have.
        limit: usize,
    },
    /// Something is wrong with the events themselves.
    Faulty {
        /// What is wrong.
        faults: Faults,
        /// How many events there are, faulty or not.
        events: usize,
    },
}

/// Reads a JSON body: one event, an array of events, or an envelope.
pub fn read_json(body: &[u8], rules: &Rules, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let mut batch = BatchBuilder::new(body, rules, Clocks::alike(now));
    let mut read = read_body(body, &mut batch);
    if let (Ok(()), Some(clocks)) = (&read, batch.sent_behind) {
        // First, so that no two lists of events are held at once.
        drop(batch);
        batch = BatchBuilder::new(body, rules, clocks);
        read = read_body(body, &mut batch);
    }
    batch.finish(read.err(), 0)
}

fn read_body(body: &[u8], batch: &mut BatchBuilder<'_>) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    Read(Body(batch)).deserialize(&mut reader)?;
    reader.end()
}

/// Reads a body of one event a line; empty lines are passed over.
pub fn read_ndjson(body: &[u8], rules: &Rules, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let mut batch = BatchBuilder::new(body, rules, Clocks::alike(now));
    for (index, line) in body.split(|&byte| byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut reader = serde_json::Deserializer::from_slice(line);
        let read = Read(Element(&mut batch)).deserialize(&mut reader);
        if let Err(error) = read.and_then(|()| reader.end()) {
            return batch.finish(Some(error), index);
        }
    }
    batch.has_events("");
    batch.finish(None, 0)
}

/// Bytes that come of a body at the most, beside its own.
///
/// A payload grows as it becomes BSON, by a type, a length and the number of its
/// place for each value: a long array of `0,` shows it best, of which each takes
/// eleven. Every value has a comma or a bracket before it: in a large body these are
/// counted, and of a small one each byte is taken for one, which costs nothing. The
/// keys of one payload are remembered while it is read, and so are the faults that
/// will be listed.
pub fn most_bytes(body: &[u8], rules: &Rules) -> usize {
    const FOR_FAULTS: usize = 24 << 10;
    const FOR_A_VALUE: usize = 12;
    const FOR_AN_EVENT: usize = 640;
    const FOR_A_KEYS_BYTE: usize = 8;
    const SMALL: usize = 64 << 10;
    let (values, events) = if body.len() <= SMALL {
        (body.len(), body.len() / "{}".len())
    } else {
        let values = body.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{'));
        let events = body.iter().filter(|byte| **byte == b'{');
        (values.count(), events.count())
    };
    let events = events.min(rules.max_events);
    let keys = body.len().min(rules.payload.max_bytes);
    let for_events = FOR_A_VALUE * values + FOR_AN_EVENT * events;
    FOR_FAULTS + body.len() + for_events + FOR_A_KEYS_BYTE * keys
}

/// Bytes of an event as most are sent: tells how many a body is likely to hold.
const USUAL_BYTES: usize = 200;

/// The events of one request while they are read.
struct BatchBuilder<'r> {
    rules: &'r Rules,
    clocks: Clocks,
    /// Those that would have counted, had they been known before the events.
    sent_behind: Option<Clocks>,
    events: Vec<Event>,
    faults: Faults,
    /// How many events were met, faulty ones included.
    met: usize,
    too_many: bool,
    scratch: Scratch,
}

impl<'r> BatchBuilder<'r> {
    fn new(body: &[u8], rules: &'r Rules, clocks: Clocks) -> Self {
        let expected = (body.len() / USUAL_BYTES + 1).min(rules.max_events);
        Self {
            rules,
            clocks,
            sent_behind: None,
            events: Vec::with_capacity(expected),
            faults: Faults::default(),
            met: 0,
            too_many: false,
            scratch: Scratch::for_json(body.len()),
        }
    }

    /// Counts one more event and gives its index; an error ends the reading.
    fn begin<E: Error>(&mut self) -> Result<usize, E> {
        if self.met == self.rules.max_events {
            self.too_many = true;
            return Err(E::custom("too many events"));
        }
        self.met += 1;
        Ok(self.met - 1)
    }

    fn add(&mut self, index: usize, draft: Draft<'_>) {
        if let Some(event) = normalize(draft, index, self.rules, self.clocks, &mut self.faults) {
            self.events.push(event);
        }
    }

    /// Takes note of when the request was sent, before or behind its events. What is
    /// no time is said at the end of the envelope.
    fn clocks_from(&mut self, sent_at: &Scalar<'_>) {
        let Some(sent_at) = sent_at.time() else { return };
        let clocks = Clocks::of_sender(self.clocks.now, sent_at);
        if self.met == 0 {
            self.clocks = clocks;
        } else if clocks != self.clocks {
            self.sent_behind = Some(clocks);
        }
    }

    fn fault(&mut self, index: Option<usize>, field: &str, message: impl Into<Cow<'static, str>>) {
        self.faults.add(|| Fault { index, field: clip(field), message: message.into() });
    }

    /// Notes it if the list of events, named by its field, has ended without one.
    fn has_events(&mut self, field: &str) {
        if self.met == 0 {
            self.fault(None, field, "holds no event; send at least one");
        }
    }

    /// Reads an array of events.
    fn read_array<'de, A: SeqAccess<'de>>(
        &mut self,
        mut seq: A,
        field: &str,
    ) -> Result<(), A::Error> {
        while seq.next_element_seed(Read(Element(self)))?.is_some() {}
        self.has_events(field);
        Ok(())
    }

    fn finish(
        self,
        error: Option<serde_json::Error>,
        lines_before: usize,
    ) -> Result<Vec<Event>, Refusal> {
        if self.too_many {
            return Err(Refusal::TooMany { limit: self.rules.max_events });
        }
        if let Some(error) = error {
            return Err(syntax(&error, lines_before));
        }
        if self.faults.is_empty() {
            Ok(self.events)
        } else {
            Err(Refusal::Faulty { faults: self.faults, events: self.met })
        }
    }
}

/// What the parser met, and where.
pub(super) fn syntax(error: &serde_json::Error, lines_before: usize) -> Refusal {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    Refusal::Syntax { message, line: lines_before + error.line(), column: error.column() }
}

/// The body: an event, an array or an envelope.
struct Body<'a, 'r>(&'a mut BatchBuilder<'r>);

impl<'de> JsonReader<'de> for Body<'_, '_> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        read_object(self.0, map, Level::Body)
    }

    fn array<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.0.read_array(seq, "")
    }

    fn other<E>(self, kind: &'static str) -> Result<(), E> {
        self.0.fault(None, "", format!("must be an event, an array or an envelope, not {kind}"));
        Ok(())
    }
}

/// The `events` of an envelope.
struct Events<'a, 'r>(&'a mut BatchBuilder<'r>);

impl<'de> JsonReader<'de> for Events<'_, '_> {
    type Value = ();

    fn array<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.0.read_array(seq, "events")
    }

    fn other<E>(self, kind: &'static str) -> Result<(), E> {
        self.0.fault(None, "events", format!("must be an array of events, not {kind}"));
        Ok(())
    }
}

/// One value where an event belongs.
struct Element<'a, 'r>(&'a mut BatchBuilder<'r>);

impl<'de> JsonReader<'de> for Element<'_, '_> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        read_object(self.0, map, Level::Element)
    }

    fn other<E: Error>(self, kind: &'static str) -> Result<(), E> {
        let index = self.0.begin()?;
        self.0.fault(Some(index), "", format!("must be an event object, not {kind}"));
        Ok(())
    }
}

/// Where an object stands: only the body itself may be an envelope.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Body,
    Element,
}

/// Reads an object as an event, or as an envelope once it shows to be one.
///
/// Whether the body is an envelope is known only when its `events` are met,
/// and `sentAt` or a stray field may come before them. So the object is read
/// as a draft, and what does not belong is said at the end.
fn read_object<'de, A: MapAccess<'de>>(
    batch: &mut BatchBuilder<'_>,
    mut map: A,
    level: Level,
) -> Result<(), A::Error> {
    let index = (level == Level::Element).then(|| batch.begin()).transpose()?;
    let mut draft = Draft::default();
    let mut sent_at = None;
    let mut is_envelope = false;
    while let Some(name) = map.next_key_seed(Key)? {
        match (Field::of(&name), level) {
            (Field::Events, Level::Body) if !is_envelope => {
                is_envelope = true;
                map.next_value_seed(Read(Events(batch)))?;
            }
            (Field::SentAt, Level::Body) if sent_at.is_none() => {
                let value = map.next_value_seed(Read(ScalarReader))?;
                batch.clocks_from(&value);
                sent_at = Some(value);
            }
            (Field::Events | Field::SentAt | Field::Unknown, _) => {
                draft.unknown.push(name);
                map.next_value::<IgnoredAny>()?;
            }
            (Field::Payload, _) => {
                let reader = PayloadReader::new(batch.rules.payload, &mut batch.scratch);
                let value = map.next_value_seed(Read(reader))?;
                draft.payload.set(name, value, &mut draft.repeated);
            }
            (field, _) => {
                let value = map.next_value_seed(Read(ScalarReader))?;
                draft.scalars[field as usize].set(name, value, &mut draft.repeated);
            }
        }
    }
    if is_envelope {
        check_envelope(batch, &draft, sent_at);
        return Ok(());
    }
    if sent_at.is_some() {
        draft.unknown.push(Cow::Borrowed("sentAt"));
    }
    let index = index.map_or_else(|| batch.begin(), Ok)?;
    batch.add(index, draft);
    Ok(())
}

/// An envelope holds `events` and `sentAt`, once each, and nothing else.
fn check_envelope(batch: &mut BatchBuilder<'_>, draft: &Draft<'_>, sent_at: Option<Scalar<'_>>) {
    for name in draft.names() {
        let message = match Field::of(name) {
            Field::Events | Field::SentAt => "is given a second time; send one",
            _ => "does not belong beside \"events\"; put it into each event",
        };
        batch.fault(None, name, message);
    }
    let beyond = draft.unknown.beyond + draft.repeated.beyond;
    batch.faults.count(beyond);
    let valid = match sent_at {
        None | Some(Scalar::Null) => true,
        Some(sent_at) => sent_at.time().is_some(),
    };
    if !valid {
        batch.fault(None, "sentAt", NO_TIME);
    }
}

#[cfg(test)]
mod tests;
