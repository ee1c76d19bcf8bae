//! BSON walked in place, as this service writes it.
//!
//! The `bson` crate looks at every length twice and checks each key and each
//! text by itself, which makes up most of the work on a page of a journey.
//! Here texts are bytes, for whoever makes use of them to check, and only the
//! types that our own documents have are known. At anything else the walk ends
//! with [`Foreign`], and the caller lets the crate read the document, which
//! also says what is wrong with one that is broken.

use super::bson_tag as tag;

/// Levels of a document that are followed: MongoDB's own limit.
pub const MAX_DEPTH: usize = 100;

/// Something that this service does not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the document is not one that this service writes")]
pub struct Foreign;

/// One element of a document or an array.
#[derive(Debug, PartialEq)]
pub struct Element<'a> {
    /// Its name, unchecked.
    pub key: &'a [u8],
    /// Its value.
    pub value: Value<'a>,
}

/// What an element holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A number with a fraction.
    Double(f64),
    /// A text, which may not be UTF-8.
    Text(&'a [u8]),
    /// A document, unread.
    Document(&'a [u8]),
    /// An array, unread: a document whose keys do not matter.
    Array(&'a [u8]),
    /// A binary of the subtype for these.
    Uuid(&'a [u8; 16]),
    /// `true` or `false`.
    Boolean(bool),
    /// Milliseconds since the epoch.
    Date(i64),
    /// `null`.
    Null,
    /// An integer.
    Int32(i32),
    /// An integer.
    Int64(i64),
}

/// The elements of a document, in its order.
#[derive(Debug)]
pub struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// Those of a whole document.
    pub fn of(document: &'a [u8]) -> Result<Self, Foreign> {
        let (length, body) = document.split_first_chunk().ok_or(Foreign)?;
        match body.split_last() {
            Some((0, elements)) if size(*length)? == document.len() => Ok(Self(elements)),
            _ => Err(Foreign),
        }
    }

    /// Those that lie one after the other in these bytes, without a document around them.
    pub fn in_bytes(elements: &'a [u8]) -> Self {
        Self(elements)
    }

    /// The next one; `None` after the last.
    pub fn next_element(&mut self) -> Result<Option<Element<'a>>, Foreign> {
        let Some((&kind, rest)) = self.0.split_first() else {
            return Ok(None);
        };
        let end = rest.iter().position(|byte| *byte == 0).ok_or(Foreign)?;
        self.0 = &rest[end + 1..];
        let key = &rest[..end];
        let value = self.value(kind)?;
        Ok(Some(Element { key, value }))
    }

    /// The next one, and all of its bytes; `None` after the last.
    pub fn next_raw(&mut self) -> Result<Option<(Element<'a>, &'a [u8])>, Foreign> {
        let before = self.0;
        let element = self.next_element()?;
        Ok(element.map(|element| (element, &before[..before.len() - self.0.len()])))
    }

    fn value(&mut self, kind: u8) -> Result<Value<'a>, Foreign> {
        Ok(match kind {
            tag::DOUBLE => Value::Double(f64::from_le_bytes(*self.take()?)),
            tag::STRING => Value::Text(self.text()?),
            tag::DOCUMENT => Value::Document(self.document()?),
            tag::ARRAY => Value::Array(self.document()?),
            tag::BINARY => Value::Uuid(self.uuid()?),
            tag::BOOLEAN => match self.take()? {
                [0] => Value::Boolean(false),
                [1] => Value::Boolean(true),
                _ => return Err(Foreign),
            },
            tag::DATE => Value::Date(i64::from_le_bytes(*self.take()?)),
            tag::NULL => Value::Null,
            tag::INT32 => Value::Int32(i32::from_le_bytes(*self.take()?)),
            tag::INT64 => Value::Int64(i64::from_le_bytes(*self.take()?)),
            _ => return Err(Foreign),
        })
    }

    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], Foreign> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Foreign)?;
        self.0 = rest;
        Ok(taken)
    }

    fn take_bytes(&mut self, count: usize) -> Result<&'a [u8], Foreign> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Foreign)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Its length counts the NUL at its end.
    fn text(&mut self) -> Result<&'a [u8], Foreign> {
        let length = size(*self.take()?)?;
        match self.take_bytes(length)?.split_last() {
            Some((0, text)) => Ok(text),
            _ => Err(Foreign),
        }
    }

    /// Its length counts all of it.
    fn document(&mut self) -> Result<&'a [u8], Foreign> {
        let length = self.0.first_chunk().ok_or(Foreign)?;
        self.take_bytes(size(*length)?)
    }

    fn uuid(&mut self) -> Result<&'a [u8; 16], Foreign> {
        /// How long it is, and the subtype.
        const HEAD: [u8; 5] = [16, 0, 0, 0, 4];
        if *self.take()? == HEAD { self.take() } else { Err(Foreign) }
    }
}

fn size(length: [u8; 4]) -> Result<usize, Foreign> {
    usize::try_from(i32::from_le_bytes(length)).map_err(|_| Foreign)
}

#[cfg(test)]
mod tests;
