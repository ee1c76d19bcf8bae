//! The payload: a JSON object, held as the BSON that goes to the database.
//!
//! A payload is data. Keys that mean something elsewhere (`$oid`, `$date`,
//! `a.b`, `__proto__`, the empty key) are plain keys here, so neither way
//! between JSON and BSON goes through a conversion that reads extended JSON.
//!
//! Numbers: an integer within 64 signed bits stays an integer; any other
//! number, an integer beyond that included, becomes the nearest double, which
//! is what it is in the browser that sent it. A double comes back with a
//! decimal point (`1.0`).

use bson::raw::RawDocument;

use super::bson_to_json::bson_to_json;

/// What a payload may be at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadLimits {
    /// Bytes as compact JSON.
    pub max_bytes: usize,
    /// Levels of nesting, the payload itself being the first.
    pub max_depth: usize,
}

impl PayloadLimits {
    /// Levels of nesting that the service accepts: what trackers send has a handful,
    /// and MongoDB ends at 100.
    pub const MAX_DEPTH: usize = 32;
}

/// A JSON object, encoded as a BSON document.
#[derive(Clone, PartialEq)]
pub struct Payload(Box<[u8]>);

/// The BSON document without fields: its length, and the end.
const EMPTY: [u8; 5] = [5, 0, 0, 0, 0];

impl Payload {
    /// `{}`.
    pub fn empty() -> Self {
        Self(Box::new(EMPTY))
    }

    pub(super) fn from_encoded(bson: &[u8]) -> Self {
        Self(bson.into())
    }

    /// Takes a document whose elements are all there, and whose length and end are not.
    pub(super) fn closed(document: &mut Vec<u8>) -> Self {
        document.push(0);
        let length = i32::try_from(document.len()).unwrap_or(i32::MAX);
        document[..4].copy_from_slice(&length.to_le_bytes());
        Self::from_encoded(document)
    }

    /// Takes a payload that [`as_bson`](Self::as_bson) gave; `None` if the
    /// bytes cannot be one.
    pub fn from_bson(bson: &[u8]) -> Option<Self> {
        RawDocument::from_bytes(bson).ok()?;
        Some(Self(bson.into()))
    }

    /// The BSON document.
    pub fn as_bson(&self) -> &[u8] {
        &self.0
    }

    /// The payload as compact JSON.
    pub fn to_json(&self) -> String {
        bson_to_json(&self.0).unwrap_or_else(|_| "{}".into())
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_json())
    }
}

#[cfg(test)]
mod tests;
