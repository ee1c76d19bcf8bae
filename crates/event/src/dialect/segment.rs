//! What the SDKs of Segment and of RudderStack send.
//!
//! A call is an object whose `type` says what it is, or whose address does; a batch is
//! `{"batch": [...], "context": {...}, "sentAt": "...", "writeKey": "..."}`, in any order.
//! Where `context` or `sentAt` comes behind the calls and changes something in them, the body
//! is read once more.

mod call;
mod context;

use serde::de::{DeserializeSeed as _, Error, MapAccess, SeqAccess};

use super::batch::{Batch, Taken, Terms};
use super::values::{self, scalar, skip};
use crate::json::{JsonReader, Key, Read};
use crate::sending::Clocks;
use crate::wire::Refusal;
pub use call::Call;
use call::CallReader;
use context::Context;

/// The name under which it is counted.
pub const NAME: &str = "segment";

/// Reads the body of one call, of which its address says what it is.
///
/// # Errors
///
/// Where it is no JSON object.
pub fn read_call(body: &[u8], call: Call, terms: Terms<'_>) -> Result<Taken, Refusal> {
    let mut batch = Batch::new(body, terms, Clocks::alike(terms.now), false);
    let mut reader = serde_json::Deserializer::from_slice(body);
    let context = Context::default();
    let item = Item { batch: &mut batch, call: Some(call), context: &context, moves: true };
    let read = Read(item).deserialize(&mut reader).and_then(|()| reader.end());
    batch.finish(read.err())
}

/// Reads the body of a batch. The times of one that `is_import` are kept as they are given.
///
/// # Errors
///
/// Where it is no JSON object with a list `batch`, or has more calls than a request may.
pub fn read_batch(body: &[u8], is_import: bool, terms: Terms<'_>) -> Result<Taken, Refusal> {
    let mut batch = Batch::new(body, terms, Clocks::alike(terms.now), false);
    let mut context = Context::default();
    let mut read = read_body(body, &mut batch, &mut context, is_import);
    let sent_behind = batch.sent_behind.filter(|_| !is_import);
    if let Ok(is_behind) = read
        && (is_behind || sent_behind.is_some())
    {
        let mut known = if is_behind { context } else { Context::default() };
        let (clocks, is_sent) = (sent_behind.unwrap_or(batch.clocks), batch.is_sent);
        // First, so that no two lists of events are held at once.
        drop(batch);
        batch = Batch::new(body, terms, clocks, is_sent || sent_behind.is_some());
        read = read_body(body, &mut batch, &mut known, is_import);
    }
    batch.finish(read.err())
}

/// Whether a context came behind the calls that was not known before.
fn read_body(
    body: &[u8],
    batch: &mut Batch<'_>,
    context: &mut Context,
    is_import: bool,
) -> serde_json::Result<bool> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let is_behind = Read(Body { batch, context, is_import }).deserialize(&mut reader)?;
    reader.end()?;
    Ok(is_behind)
}

/// The body of a batch.
struct Body<'a, 't> {
    batch: &'a mut Batch<'t>,
    context: &'a mut Context,
    is_import: bool,
}

impl<'de> JsonReader<'de> for Body<'_, '_> {
    type Value = bool;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let Self { batch, context, is_import } = self;
        let (mut has_batch, mut is_behind) = (false, false);
        while let Some(key) = map.next_key_seed(Key)? {
            match &*key {
                "batch" if !has_batch => {
                    has_batch = true;
                    let items = Items { batch, context, moves: !is_import };
                    map.next_value_seed(Read(items))?;
                }
                "context" if context.is_empty() => {
                    *context = context::of_batch(batch, &mut map)?;
                    is_behind = batch.has_begun() && !context.is_empty();
                }
                "sentAt" => {
                    let sent_at = values::time(&scalar(&mut map)?);
                    if !is_import {
                        batch.sent_at(sent_at);
                    }
                }
                "writeKey" => batch.names_key(&scalar(&mut map)?),
                _ => skip(&mut map)?,
            }
        }
        if !has_batch {
            batch.wrong_form("batch", "is missing");
        }
        Ok(is_behind)
    }

    fn other<E: Error>(self, kind: &'static str) -> Result<bool, E> {
        self.batch.wrong_form("", format!("must be an object with \"batch\", not {kind}"));
        Ok(false)
    }
}

/// The calls of a batch.
struct Items<'a, 't> {
    batch: &'a mut Batch<'t>,
    context: &'a Context,
    moves: bool,
}

impl<'de> JsonReader<'de> for Items<'_, '_> {
    type Value = ();

    fn array<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { batch, context, moves } = self;
        loop {
            let item = Item { batch, call: None, context, moves };
            if seq.next_element_seed(Read(item))?.is_none() {
                return Ok(());
            }
        }
    }

    fn other<E: Error>(self, kind: &'static str) -> Result<(), E> {
        self.batch.wrong_form("batch", format!("must be a list of calls, not {kind}"));
        Ok(())
    }
}

/// One call.
struct Item<'a, 't> {
    batch: &'a mut Batch<'t>,
    /// What it is, where its address says so.
    call: Option<Call>,
    context: &'a Context,
    /// Whether its times are moved by how far the sender's clock is off.
    moves: bool,
}

impl<'de> JsonReader<'de> for Item<'_, '_> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self { batch, call, context, moves } = self;
        let index = batch.begin()?;
        CallReader { batch, index, call, of_batch: context, moves }.read(map)
    }

    fn other<E: Error>(self, kind: &'static str) -> Result<(), E> {
        if self.call.is_some() {
            self.batch.wrong_form("", format!("must be an object, not {kind}"));
        } else {
            let index = self.batch.begin()?;
            self.batch.leave_out(index, "", format!("must be an object, not {kind}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
