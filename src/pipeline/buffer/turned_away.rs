//! Which requests are refused before their bodies are parsed.
//!
//! When more comes than can be stored, most requests are refused, and each
//! should cost next to nothing. But what a batch needs is known only once it is
//! parsed; before that, nothing but the length of its body is. So a batch that
//! found no room is remembered, by what it needed and how long its body was,
//! and until there is as much room, or anything has left the buffer, bodies at
//! least as long are taken to need at least as much: they are not tried. Shorter
//! ones are, and of those that find no room the shortest is remembered. At a
//! full buffer none is tried. How long an encoded body is, or one that is sent
//! in chunks, is known once it is decoded: until then only a full buffer refuses
//! it.
//!
//! What follows from judging by lengths:
//!
//! - A long body that holds few events may be refused though these would fit.
//!   Its sender is told to come again, and is tried after the next flush that
//!   the store answers, whatever room that made: otherwise one short body of
//!   many events would keep long ones of few out for as long as the buffer stays
//!   nearly full. It costs about one parsed body a flush.
//! - So may a batch whose events are here already, which needs no room: also one
//!   that is sent again to wait for the store. Its events stay accepted.
//! - Whoever sends broken events, or more than its share, is told that there is
//!   no room, and the rest only when there is.
//!
//! What there is no room for in this moment alone, because too much is on its
//! way to the disk, and what only one tenant has no room for, is not remembered.

use super::{Buffer, Room};

/// A batch that found no room.
#[derive(Debug, Clone, Copy)]
pub(super) struct TurnedAway {
    need: Room,
    /// Bytes of its body.
    length: u64,
}

/// Whether a body has at least so many bytes. One whose length is not known has
/// at least 0.
pub fn reaches(length: Option<u64>, from: u64) -> bool {
    length.unwrap_or(0) >= from
}

impl Buffer {
    /// Remembers a batch that found no room, if it is known how long it was.
    pub(super) fn turn_away(&mut self, need: Room, length: Option<u64>) {
        let Some(length) = length else { return };
        // Of two that are tried at the same time, the longer may come last.
        if self.shut_from().is_none_or(|shortest| length < shortest) {
            self.turned_away = Some(TurnedAway { need, length });
        }
    }

    /// Forgets what was turned away: room was made, and what it suffices for is
    /// seen by trying.
    pub fn reopen(&mut self) {
        self.turned_away = None;
    }

    /// From how many bytes on a body is refused unparsed: 0 if not even one event
    /// would be taken, `None` if all are tried.
    pub fn shut_from(&self) -> Option<u64> {
        if self.is_full() {
            return Some(0);
        }
        self.turned_away
            .filter(|batch| !self.has_room_for(batch.need))
            .map(|batch| batch.length)
    }

    /// Whether a further event would be refused.
    fn is_full(&self) -> bool {
        let has_no_room = self.events + self.reserved.events >= self.limits.max_events
            || self.bytes + self.reserved.bytes >= self.limits.max_bytes;
        (has_no_room || !self.spill.is_empty()) && self.spill.is_full()
    }

    fn has_room_for(&self, room: Room) -> bool {
        (self.spill.is_empty() && self.fits(room)) || self.spill.has_room_for(room.bytes as u64)
    }
}
