//! What the SDKs of PostHog send.
//!
//! The body is one event, a list of them, or `{"api_key": "...", "batch": [...], "sent_at":
//! "..."}`, in any order. Where `sent_at` comes behind the events and moves them, the body is
//! read once more.

mod capture;
mod properties;

use serde::de::{DeserializeSeed as _, Error, MapAccess, SeqAccess};

use super::batch::{Batch, Taken, Terms};
use super::parts::Parts;
use super::values::{scalar, skip, time};
use crate::Timestamp;
use crate::json::{JsonReader, Key, Read};
use crate::sending::Clocks;
use crate::wire::Refusal;
use capture::Sent;
pub use capture::Unwanted;

/// The name under which it is counted.
pub const NAME: &str = "posthog";

/// Reads a body. `sent_at` is when its address says that it was sent; what the body says
/// goes before it. Events of types that are `unwanted` are left out.
///
/// # Errors
///
/// Where it is no JSON, neither an object nor a list, or has more events than a request may.
pub fn read(
    body: &[u8],
    sent_at: Option<Timestamp>,
    unwanted: &Unwanted,
    terms: Terms<'_>,
) -> Result<Taken, Refusal> {
    let clocks = match sent_at {
        Some(sent_at) => Clocks::of_sender(terms.now, sent_at),
        None => Clocks::alike(terms.now),
    };
    let mut batch = Batch::new(body, terms, clocks, sent_at.is_some());
    let mut read = read_body(body, &mut batch, unwanted);
    if let (Ok(()), Some(clocks)) = (&read, batch.sent_behind) {
        // First, so that no two lists of events are held at once.
        drop(batch);
        batch = Batch::new(body, terms, clocks, true);
        read = read_body(body, &mut batch, unwanted);
    }
    batch.finish(read.err())
}

fn read_body(body: &[u8], batch: &mut Batch<'_>, unwanted: &Unwanted) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    Read(Body { batch, unwanted }).deserialize(&mut reader)?;
    reader.end()
}

/// The body, or the list in it.
struct Body<'a, 't> {
    batch: &'a mut Batch<'t>,
    unwanted: &'a Unwanted,
}

impl<'de> JsonReader<'de> for Body<'_, '_> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        read_object(self.batch, self.unwanted, map)
    }

    fn array<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        List { batch: self.batch, unwanted: self.unwanted }.array(seq)
    }

    fn other<E: Error>(self, kind: &'static str) -> Result<(), E> {
        self.batch.wrong_form("", format!("must be an event, a list or a batch, not {kind}"));
        Ok(())
    }
}

/// An object that is an event, or a batch once it shows to be one.
fn read_object<'de, A: MapAccess<'de>>(
    batch: &mut Batch<'_>,
    unwanted: &Unwanted,
    mut map: A,
) -> Result<(), A::Error> {
    let mut room = std::mem::take(&mut batch.room);
    let mut parts = Parts::new(batch.terms.rules.payload, &mut room);
    let mut sent = Sent::default();
    let mut is_batch = false;
    while let Some(key) = map.next_key_seed(Key)? {
        match &*key {
            "batch" if !is_batch => {
                is_batch = true;
                map.next_value_seed(Read(List { batch, unwanted }))?;
            }
            "sent_at" | "sentAt" => batch.sent_at(time(&scalar(&mut map)?)),
            "api_key" | "token" | "$token" => batch.names_key(&scalar(&mut map)?),
            _ if is_batch => skip(&mut map)?,
            key => sent.take(key, &mut parts, &mut map)?,
        }
    }
    if !is_batch {
        let index = batch.begin()?;
        sent.add_to(batch, index, unwanted, parts);
    }
    batch.room = room;
    Ok(())
}

/// A list of events.
struct List<'a, 't> {
    batch: &'a mut Batch<'t>,
    unwanted: &'a Unwanted,
}

impl<'de> JsonReader<'de> for List<'_, '_> {
    type Value = ();

    fn array<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { batch, unwanted } = self;
        while seq.next_element_seed(Read(Item { batch, unwanted }))?.is_some() {}
        Ok(())
    }

    fn other<E: Error>(self, kind: &'static str) -> Result<(), E> {
        self.batch.wrong_form("batch", format!("must be a list of events, not {kind}"));
        Ok(())
    }
}

/// One event of a list.
struct Item<'a, 't> {
    batch: &'a mut Batch<'t>,
    unwanted: &'a Unwanted,
}

impl<'de> JsonReader<'de> for Item<'_, '_> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { batch, unwanted } = self;
        let index = batch.begin()?;
        let mut room = std::mem::take(&mut batch.room);
        let mut parts = Parts::new(batch.terms.rules.payload, &mut room);
        let mut sent = Sent::default();
        while let Some(key) = map.next_key_seed(Key)? {
            match &*key {
                "api_key" | "token" | "$token" => batch.names_key(&scalar(&mut map)?),
                key => sent.take(key, &mut parts, &mut map)?,
            }
        }
        sent.add_to(batch, index, unwanted, parts);
        batch.room = room;
        Ok(())
    }

    fn other<E: Error>(self, kind: &'static str) -> Result<(), E> {
        let index = self.batch.begin()?;
        self.batch.leave_out(index, "", format!("must be an object, not {kind}"));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
