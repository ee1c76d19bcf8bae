//! Batches as bytes, and back. Pure.
//!
//! A body, all numbers little endian: the arrival number below which all is
//! stored (8 bytes), the arrival number of the first event (8), how many
//! events there are (4), and the events. An event's own number follows from
//! its place. An event: `occurredAt` and `receivedAt` in milliseconds (8
//! each), then user id, event id, type, session id, account id and payload,
//! each with its length in front (4 bytes; all ones where there is none).
//! The identity in the store is not written: it is derived.

use crate::event::id::Arrivals;
use crate::event::{Accepted, Arrival, Event, Payload, StoreId, Timestamp};

/// Marks the beginning of every frame of one use of a segment.
pub type Marker = [u8; 8];

/// Which frames of which segment are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its number.
    pub number: u64,
    /// What its frames begin with.
    pub marker: Marker,
}

/// Bytes of a frame in front of its body.
pub const HEAD: usize = 16;
/// What the offset of every frame is a multiple of.
pub const ALIGNMENT: usize = 8;

const STORED_BEFORE: std::ops::Range<usize> = 0..8;
const FIRST: std::ops::Range<usize> = 8..16;
const ABSENT: u32 = u32::MAX;

/// The body of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body(Vec<u8>);

impl Body {
    /// Writes events down. Their numbers are not known yet: they are given
    /// out later, under a lock that is not held meanwhile.
    pub fn encode(events: &[Event]) -> Self {
        let bytes = events.iter().map(Event::size).sum::<usize>();
        let mut out = Vec::with_capacity(20 + bytes);
        out.extend_from_slice(&[0; 16]);
        put_length(&mut out, events.len());
        for event in events {
            out.extend_from_slice(&event.occurred_at.as_millis().to_le_bytes());
            out.extend_from_slice(&event.received_at.as_millis().to_le_bytes());
            put(&mut out, Some(event.user_id.as_bytes()));
            put(&mut out, Some(event.event_id.as_bytes()));
            put(&mut out, Some(event.kind.as_bytes()));
            put(&mut out, event.session_id.as_deref().map(str::as_bytes));
            put(&mut out, event.account_id.as_deref().map(str::as_bytes));
            put(&mut out, Some(event.payload.as_bson()));
        }
        Self(out)
    }

    /// Sets the number of the first event; the others follow.
    pub fn number_from(&mut self, first: Arrival) {
        self.0[FIRST].copy_from_slice(&first.as_i64().to_le_bytes());
    }

    /// Bytes of the frame with this body, up to where the next one begins.
    pub fn frame_bytes(&self) -> usize {
        padded(self.0.len())
    }

    /// Appends the frame for this place.
    pub fn write_frame(
        mut self,
        stored_before: i64,
        segment: Segment,
        offset: u64,
        out: &mut Vec<u8>,
    ) {
        self.0[STORED_BEFORE].copy_from_slice(&stored_before.to_le_bytes());
        let length = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let end = out.len() + self.frame_bytes();
        out.extend_from_slice(&segment.marker);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&checksum(segment.number, offset, &self.0).to_le_bytes());
        out.extend_from_slice(&self.0);
        out.resize(end, 0);
    }
}

fn put(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.extend_from_slice(&ABSENT.to_le_bytes()),
        Some(bytes) => {
            put_length(out, bytes.len());
            out.extend_from_slice(bytes);
        }
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    // Nothing that is admitted comes near 4 GiB.
    out.extend_from_slice(&u32::try_from(length).unwrap_or(ABSENT).to_le_bytes());
}

fn checksum(segment: u64, offset: u64, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(&(body.len() as u64).to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

/// A frame that was found whole.
#[derive(Debug, PartialEq)]
pub struct Found {
    /// The batch; none in a mere note.
    pub events: Vec<Accepted>,
    /// Bytes up to where the next frame begins.
    pub bytes: usize,
}

/// What a whole frame says of itself, without its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// All with lower numbers was stored when it was written.
    pub stored_before: i64,
    /// The number of its first event.
    pub first: Arrival,
    /// How many events it holds.
    pub events: usize,
    /// Bytes up to where the next frame begins.
    pub bytes: usize,
}

impl Summary {
    /// The highest arrival number in it; `None` for a mere note.
    pub fn last(self) -> Option<Arrival> {
        let before_last = self.events.checked_sub(1)?;
        Arrivals::from(self.first).nth(before_last)
    }

    /// How many of its events have this number or a higher one.
    pub fn events_from(self, floor: i64) -> usize {
        Arrivals::from(self.first)
            .take(self.events)
            .filter(|arrival| arrival.as_i64() >= floor)
            .count()
    }
}

/// Reads the frame that these bytes begin with, which stand at `offset` of the
/// segment; `None` if it is no whole frame of that segment.
pub fn read(frame: &[u8], segment: Segment, offset: u64) -> Option<Found> {
    let body = body(frame, segment, offset)?;
    Some(Found {
        events: decode(body)?,
        bytes: padded(body.len()),
    })
}

/// As [`read`], and leaves the events undecoded.
pub fn summary(frame: &[u8], segment: Segment, offset: u64) -> Option<Summary> {
    let body = body(frame, segment, offset)?;
    let mut reader = Reader(body);
    Some(Summary {
        stored_before: reader.i64()?,
        first: Arrival::from_i64(reader.i64()?),
        events: usize::try_from(reader.u32()?).ok()?,
        bytes: padded(body.len()),
    })
}

/// Whether these bytes begin with a frame of this segment, whole or not.
pub fn begins(frame: &[u8], segment: Segment) -> bool {
    frame.starts_with(&segment.marker)
}

/// How long the frame says that it is, head included: not to be believed before
/// its checksum was seen. `None` if its head is not whole.
pub fn claimed_bytes(frame: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(frame.get(8..12)?.try_into().ok()?);
    HEAD.checked_add(usize::try_from(length).ok()?)
}

/// Whether these bytes are a frame that was written at this place of this
/// segment, but for its marker: that of a stale frame, whose checksum covers
/// another number, does not count as one. Such a frame is damaged. It is not
/// believed, because without the marker anybody could have planted it.
pub fn is_whole_but_for_marker(frame: &[u8], segment: Segment, offset: u64) -> bool {
    !begins(frame, segment) && checked_body(frame, segment, offset).is_some()
}

fn body(frame: &[u8], segment: Segment, offset: u64) -> Option<&[u8]> {
    if !begins(frame, segment) {
        return None;
    }
    checked_body(frame, segment, offset)
}

fn checked_body(frame: &[u8], segment: Segment, offset: u64) -> Option<&[u8]> {
    let expected = u32::from_le_bytes(frame.get(12..HEAD)?.try_into().ok()?);
    let body = frame.get(HEAD..claimed_bytes(frame)?)?;
    (checksum(segment.number, offset, body) == expected).then_some(body)
}

fn padded(body: usize) -> usize {
    (HEAD + body).next_multiple_of(ALIGNMENT)
}

fn decode(body: &[u8]) -> Option<Vec<Accepted>> {
    let mut reader = Reader(body);
    let _stored_before = reader.i64()?;
    let numbers = Arrivals::from(Arrival::from_i64(reader.i64()?));
    let count = usize::try_from(reader.u32()?).ok()?;
    // The count is covered by the checksum; capped all the same, because a
    // reservation is made before the first event is read.
    let mut events = Vec::with_capacity(count.min(body.len() / 32));
    for arrival in numbers.take(count) {
        events.push(Accepted {
            event: reader.event()?,
            arrival,
        });
    }
    reader.0.is_empty().then_some(events)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn i64(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn optional(&mut self) -> Option<Option<&'a [u8]>> {
        match self.u32()? {
            ABSENT => Some(None),
            length => Some(Some(self.take(usize::try_from(length).ok()?)?)),
        }
    }

    fn text(&mut self) -> Option<Box<str>> {
        self.optional_text()?
    }

    fn optional_text(&mut self) -> Option<Option<Box<str>>> {
        match self.optional()? {
            None => Some(None),
            Some(bytes) => Some(Some(std::str::from_utf8(bytes).ok()?.into())),
        }
    }

    fn event(&mut self) -> Option<Event> {
        let occurred_at = Timestamp::from_millis(self.i64()?)?;
        let received_at = Timestamp::from_millis(self.i64()?)?;
        let user_id = self.text()?;
        let event_id = self.text()?;
        Some(Event {
            id: StoreId::derive(&user_id, &event_id),
            user_id,
            event_id,
            kind: self.text()?,
            session_id: self.optional_text()?,
            account_id: self.optional_text()?,
            payload: Payload::from_bson(self.optional()??)?,
            occurred_at,
            received_at,
        })
    }
}
