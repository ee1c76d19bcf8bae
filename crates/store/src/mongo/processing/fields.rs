//! Our values in the documents of processing. What does not fit is an error to the
//! reader: of what decides about sending an event, nothing is guessed.

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, RawBsonRef};
use trailkeep_event::{StoreId, Timestamp};

use crate::StoreError;

/// Bytes of ours, such as a key.
pub fn bytes(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

/// An event's identity, as `events` has it.
pub fn id(id: &StoreId) -> Binary {
    Binary { subtype: BinarySubtype::Uuid, bytes: id.as_bytes().to_vec() }
}

pub fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.as_millis())
}

/// A document in the form in which it is sent.
pub fn raw(document: &Document) -> Result<RawDocumentBuf, StoreError> {
    RawDocumentBuf::try_from(document).map_err(|error| StoreError::Unreadable(error.to_string()))
}

/// How many documents an answer of the server may have, so that it is one answer and
/// the server closes the cursor with it.
pub fn batch_of(documents: usize) -> u32 {
    u32::try_from(documents).unwrap_or(u32::MAX).min(i32::MAX as u32 - 1) + 1
}

/// A document as it is read.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    document: &'a RawDocument,
    collection: &'a str,
}

impl<'a> Fields<'a> {
    /// A document of this collection, which a fault names.
    pub fn of(document: &'a RawDocument, collection: &'a str) -> Self {
        Self { document, collection }
    }

    /// What a field is, or `None` where there is none.
    pub fn optional<T>(
        &self,
        key: &str,
        convert: impl FnOnce(RawBsonRef<'a>) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        match self.document.get(key).map_err(|fault| self.unreadable(key, &fault.to_string()))? {
            None | Some(RawBsonRef::Null) => Ok(None),
            Some(value) => {
                let unreadable = || self.unreadable(key, "it has another type or is too large");
                convert(value).map(Some).ok_or_else(unreadable)
            }
        }
    }

    /// What a field is that has to be there.
    pub fn get<T>(
        &self,
        key: &str,
        convert: impl FnOnce(RawBsonRef<'a>) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.optional(key, convert)?.ok_or_else(|| self.unreadable(key, "it is not there"))
    }

    /// A document within it.
    pub fn within(&self, key: &str) -> Result<Option<Self>, StoreError> {
        let inner = self.optional(key, RawBsonRef::as_document)?;
        Ok(inner.map(|document| Self { document, collection: self.collection }))
    }

    /// The fault of a field.
    pub fn unreadable(&self, key: &str, fault: &str) -> StoreError {
        StoreError::Unreadable(format!("a document in {}: its {key}: {fault}", self.collection))
    }
}

pub fn to_text(value: RawBsonRef<'_>) -> Option<Box<str>> {
    value.as_str().map(Box::from)
}

pub fn to_i64(value: RawBsonRef<'_>) -> Option<i64> {
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}

/// A number of any of our unsigned types.
pub fn to_unsigned<T: TryFrom<i64>>(value: RawBsonRef<'_>) -> Option<T> {
    to_i64(value).and_then(|number| T::try_from(number).ok())
}

pub fn to_moment(value: RawBsonRef<'_>) -> Option<Timestamp> {
    value.as_datetime().map(|date| Timestamp::from_millis_clamped(date.timestamp_millis()))
}

pub fn to_bytes<const N: usize>(value: RawBsonRef<'_>) -> Option<[u8; N]> {
    <[u8; N]>::try_from(value.as_binary()?.bytes).ok()
}

pub fn to_id(value: RawBsonRef<'_>) -> Option<StoreId> {
    to_bytes(value).map(StoreId::from_bytes)
}
