//! The payload of an event, read from JSON.

use std::borrow::Cow;

use serde::de::{DeserializeSeed as _, MapAccess};

use super::bson_reader::MAX_DEPTH;
use super::encoder::Encoder;
use super::json::{JsonReader, Read};
use super::payload::{Payload, PayloadLimits};

/// What a payload's value turned out to be: `None` is JSON's null.
pub type PayloadValue = Option<Result<Payload, Cow<'static, str>>>;

/// Where payloads are built. One for all events of a batch, so that its growing
/// is paid for once.
#[derive(Default)]
pub struct Scratch {
    /// Where a payload is written.
    pub(super) out: Vec<u8>,
    /// Where its keys lie in that.
    pub(super) keys: Vec<(usize, usize)>,
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
        Self { encoder: Encoder::new(limits, out, keys) }
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
