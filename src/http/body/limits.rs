//! What a body may take, what it is charged, and why it was not read.

use std::time::Duration;

use crate::http::budget::{Budget, NoRoom};

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyError {
    /// More bytes than allowed; reading stopped there.
    TooLarge,
    /// Not at its end in time.
    TimedOut,
    /// It went without a byte for so long that it gave way to others.
    GaveWay,
    /// Others hold the memory that bodies may take.
    NoRoom,
    /// Broken off, or not what its encoding says.
    Broken(String),
}

impl BodyError {
    /// Broken off, for the reason at the root of an error.
    pub fn broken(error: &dyn std::error::Error) -> Self {
        let mut cause = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        Self::Broken(cause.to_string())
    }
}

impl From<NoRoom> for BodyError {
    fn from(NoRoom: NoRoom) -> Self {
        Self::NoRoom
    }
}

/// What a body may take.
#[derive(Clone, Copy)]
pub struct BodyLimits<'a> {
    /// Bytes, as sent and as decoded.
    pub max_bytes: usize,
    /// Time until its end.
    pub timeout: Duration,
    /// Memory, shared by all bodies.
    pub budget: &'a Budget,
}

/// What is charged for a byte of a body that is as its sender wrote it: the byte,
/// and three for the events that come of it, which is more than the usual ones
/// need. Charged from the start, so that a body which is complete is not stuck
/// beside others that are.
pub const PER_BYTE: usize = 4;

/// For a byte that has to be decoded: twice, as the memory that it is collected
/// in is copied as it grows.
pub const PER_ENCODED_BYTE: usize = 2;

/// For the body itself.
pub const OVERHEAD: usize = 512;

/// Room that a body gets at first whose length is not known.
pub const FIRST: usize = 4 << 10;
