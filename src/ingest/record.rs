//! A batch as a record of the journal, and back. Pure.
//!
//! The body of kind 1, all numbers little endian: the arrival number
//! of the first event (8 bytes), the name of the write key that let the batch in
//! (a text), how many events there are (4), and the events. An event's own number
//! follows from its place. An event: `occurredAt` and `receivedAt` in milliseconds
//! (8 each), then user id, event id, type, session id, account id (texts), and the
//! payload as BSON. Version 2 has the anonymous id (a text) before the payload. A batch
//! in which no event has one is written in version 1, which is shorter, and which a
//! service of before version 2 can still read. A text has its length in front (4 bytes; all ones where there
//! is none). The identity in the store is not written: it is derived.
//!
//! A record's weight is the number of its events, its number the arrival number
//! of the last.

use std::sync::Arc;

use bytes::{Buf as _, BufMut as _};

use trailkeep_event::id::Arrivals;
use trailkeep_event::{Accepted, Arrival, Event, Payload, StoreId, Timestamp};
use trailkeep_journal::{FIRST_KIND, Header, Record};

/// The kind of record that holds events.
const EVENTS: u8 = FIRST_KIND;
/// The form in which no event has an anonymous id.
const WITHOUT_ANONYMOUS: u8 = 1;
/// The form in which each event has room for one.
const WITH_ANONYMOUS: u8 = 2;

const FIRST: std::ops::Range<usize> = 0..8;
const ABSENT: u32 = u32::MAX;

/// Bytes of a body beside its events and its key.
const FIXED: usize = 16;
/// Bytes of an event beside its texts and its payload.
const EVENT_FIXED: usize = 40;
/// Bytes that one more text takes beside its own.
const LENGTH: usize = 4;

/// The form that a batch is written in.
fn version_of(events: &[Event]) -> u8 {
    let has_one = events.iter().any(|event| event.anonymous_id.is_some());
    if has_one { WITH_ANONYMOUS } else { WITHOUT_ANONYMOUS }
}

/// Writes events down. Their numbers are not known yet: they are given out
/// later, under a lock that is not held meanwhile.
pub fn encode(events: &[Event], key: Option<&str>) -> Record {
    let version = version_of(events);
    let mut body = Vec::with_capacity(body_bytes(events, key));
    body.put_i64_le(0);
    put(&mut body, key.map(str::as_bytes));
    put_length(&mut body, events.len());
    for event in events {
        body.put_i64_le(event.occurred_at.as_millis());
        body.put_i64_le(event.received_at.as_millis());
        put(&mut body, Some(event.user_id.as_bytes()));
        put(&mut body, Some(event.event_id.as_bytes()));
        put(&mut body, Some(event.kind.as_bytes()));
        put(&mut body, event.session_id.as_deref().map(str::as_bytes));
        put(&mut body, event.account_id.as_deref().map(str::as_bytes));
        if version == WITH_ANONYMOUS {
            put(&mut body, event.anonymous_id.as_deref().map(str::as_bytes));
        }
        put(&mut body, Some(event.payload.as_bson()));
    }
    let header = Header {
        kind: EVENTS,
        version,
        weight: u32::try_from(events.len()).unwrap_or(u32::MAX),
        number: 0,
    };
    Record { header, body }
}

/// Sets the numbers of the events, from the first to the last.
pub fn number(record: &mut Record, first: Arrival, last: Arrival) {
    record.body[FIRST].copy_from_slice(&first.as_i64().to_le_bytes());
    record.header.number = last.as_i64();
}

/// Bytes of the body of a record with these events.
pub fn body_bytes(events: &[Event], key: Option<&str>) -> usize {
    let optional = |text: &Option<Box<str>>| text.as_deref().map_or(0, str::len);
    let fixed = match version_of(events) {
        WITH_ANONYMOUS => EVENT_FIXED + LENGTH,
        _ => EVENT_FIXED,
    };
    let bytes = |event: &Event| {
        fixed
            + event.user_id.len()
            + event.event_id.len()
            + event.kind.len()
            + optional(&event.anonymous_id)
            + optional(&event.session_id)
            + optional(&event.account_id)
            + event.payload.as_bson().len()
    };
    FIXED + key.map_or(0, str::len) + events.iter().map(bytes).sum::<usize>()
}

fn put(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.put_u32_le(ABSENT),
        Some(bytes) => {
            put_length(out, bytes.len());
            out.put_slice(bytes);
        }
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    // Nothing that is admitted comes near 4 GiB.
    out.put_u32_le(u32::try_from(length).unwrap_or(ABSENT));
}

/// A batch that was read back.
#[derive(Debug, PartialEq)]
pub struct Batch {
    pub events: Vec<Arc<Accepted>>,
    /// The name of the write key that let it in.
    pub key: Option<Arc<str>>,
}

/// Why a record gives no batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDecoded {
    /// A newer version of the service wrote it, and can read it.
    Newer,
    /// It is whole, and holds no events that anybody can read.
    Unreadable,
}

/// Reads a record.
///
/// A change of its form takes a new version, and goes on reading those before:
/// a journal may hold them. A service that goes back to an older version meets the
/// new one, and must not take it for damage.
pub fn decode(record: &Record) -> Result<Batch, NotDecoded> {
    if record.header.kind != EVENTS || record.header.version > WITH_ANONYMOUS {
        return Err(NotDecoded::Newer);
    }
    batch(record).ok_or(NotDecoded::Unreadable)
}

fn batch(record: &Record) -> Option<Batch> {
    let mut body = &record.body[..];
    let numbers = Arrivals::from(Arrival::from_i64(body.try_get_i64_le().ok()?));
    let key = take_text(&mut body)?.map(Arc::from);
    let count = usize::try_from(body.try_get_u32_le().ok()?).ok()?;
    // The count is covered by the checksum; capped all the same, because a
    // reservation is made before the first event is read.
    let mut events = Vec::with_capacity(count.min(record.body.len() / EVENT_FIXED));
    for arrival in numbers.take(count) {
        let event = take_event(&mut body, record.header.version)?;
        events.push(Arc::new(Accepted { event, arrival }));
    }
    body.is_empty().then_some(Batch { events, key })
}

fn take<'a>(body: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match body.try_get_u32_le().ok()? {
        ABSENT => Some(None),
        length => body.split_off(..usize::try_from(length).ok()?).map(Some),
    }
}

fn take_text(body: &mut &[u8]) -> Option<Option<Box<str>>> {
    match take(body)? {
        None => Some(None),
        Some(bytes) => Some(Some(std::str::from_utf8(bytes).ok()?.into())),
    }
}

fn take_event(body: &mut &[u8], version: u8) -> Option<Event> {
    let occurred_at = Timestamp::from_millis(body.try_get_i64_le().ok()?)?;
    let received_at = Timestamp::from_millis(body.try_get_i64_le().ok()?)?;
    let user_id = take_text(body)??;
    let event_id = take_text(body)??;
    // In the order in which they are written.
    Some(Event {
        id: StoreId::derive(&user_id, &event_id),
        user_id,
        event_id,
        kind: take_text(body)??,
        session_id: take_text(body)?,
        account_id: take_text(body)?,
        anonymous_id: if version == WITH_ANONYMOUS { take_text(body)? } else { None },
        payload: Payload::from_bson(take(body)??)?,
        occurred_at,
        received_at,
    })
}
