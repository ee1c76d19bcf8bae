//! Where a page ended, as text that a client hands back.
//!
//! Opaque to clients: base64url of 33 bytes, a version with the direction, then
//! time and arrival number, big endian, and the id. It names a position and
//! nothing that was read, so it stays good while events come and go.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use trailkeep_event::{Arrival, StoreId, Timestamp};
use trailkeep_store::{Order, Position};

/// 0x10 and 0x11 were positions without an id.
const ASCENDING: u8 = 0x20;
const DESCENDING: u8 = 0x21;
const LENGTH: usize = 33;

/// The text for a position.
pub fn encode(position: Position, order: Order) -> String {
    let mut bytes = [0; LENGTH];
    bytes[0] = tag(order);
    bytes[1..9].copy_from_slice(&position.occurred_at.as_millis().to_be_bytes());
    bytes[9..17].copy_from_slice(&position.arrival.as_i64().to_be_bytes());
    bytes[17..].copy_from_slice(position.id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position in a text that [`encode`] made for the same direction.
pub fn decode(text: &str, order: Order) -> Result<Position, CursorFault> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorFault::Unreadable)?;
    let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| CursorFault::Unreadable)?;
    match bytes[0] {
        found if found == tag(order) => {}
        ASCENDING | DESCENDING => return Err(CursorFault::OtherOrder),
        _ => return Err(CursorFault::Unreadable),
    }
    let number = |range: std::ops::Range<usize>| {
        let mut eight = [0; 8];
        eight.copy_from_slice(&bytes[range]);
        i64::from_be_bytes(eight)
    };
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[17..]);
    let occurred_at = Timestamp::from_millis(number(1..9)).ok_or(CursorFault::Unreadable)?;
    Ok(Position {
        occurred_at,
        arrival: Arrival::from_i64(number(9..17)),
        id: StoreId::from_bytes(id),
    })
}

fn tag(order: Order) -> u8 {
    match order {
        Order::Ascending => ASCENDING,
        Order::Descending => DESCENDING,
    }
}

/// Why a text is no cursor for this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorFault {
    /// It was not made here, or was changed on its way.
    #[error("is no cursor that this service gave out")]
    Unreadable,
    /// It belongs to a journey read in the other direction.
    #[error("was given out for the other order")]
    OtherOrder,
}

#[cfg(test)]
mod tests;
