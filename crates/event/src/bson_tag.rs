//! The types that our documents have, as BSON writes each: one byte in front of the
//! key (bsonspec.org, version 1.1).

/// A number of 64 bits with a point.
pub const DOUBLE: u8 = 0x01;
/// UTF-8 text.
pub const STRING: u8 = 0x02;
/// A document within a document.
pub const DOCUMENT: u8 = 0x03;
/// A document whose keys are the places of its values.
pub const ARRAY: u8 = 0x04;
/// Bytes, with a subtype that says of what.
pub const BINARY: u8 = 0x05;
/// `true` or `false`.
pub const BOOLEAN: u8 = 0x08;
/// Milliseconds since the epoch.
pub const DATE: u8 = 0x09;
/// `null`.
pub const NULL: u8 = 0x0a;
/// A whole number of 32 bits.
pub const INT32: u8 = 0x10;
/// A whole number of 64 bits.
pub const INT64: u8 = 0x12;
