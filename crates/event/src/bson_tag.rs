//! The types that our documents have, as BSON writes each: one byte in front of the
//! key (bsonspec.org, version 1.1).

pub const DOUBLE: u8 = 0x01;
pub const STRING: u8 = 0x02;
pub const DOCUMENT: u8 = 0x03;
pub const ARRAY: u8 = 0x04;
pub const BINARY: u8 = 0x05;
pub const BOOLEAN: u8 = 0x08;
pub const DATE: u8 = 0x09;
pub const NULL: u8 = 0x0a;
pub const INT32: u8 = 0x10;
pub const INT64: u8 = 0x12;
