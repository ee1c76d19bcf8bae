//! Where a page ended or began, as text that a client hands back.
//!
//! Opaque to clients: base64url of 33 bytes, a version with the order and the way, then
//! time and arrival number, big endian, and the id. It names a position and
//! nothing that was read, so it stays good while events come and go.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use trailkeep_event::{Arrival, StoreId, Timestamp};
use trailkeep_store::{Order, Position};

/// The first of the versions that name a position with its id; 0x10 and 0x11 had none.
const FIRST: u8 = 0x20;
/// All versions, in their order from [`FIRST`] on.
const VERSIONS: [(Order, Way); 4] = [
    (Order::Ascending, Way::Onwards),
    (Order::Descending, Way::Onwards),
    (Order::Ascending, Way::Back),
    (Order::Descending, Way::Back),
];
const LENGTH: usize = 33;

/// Which page a position leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The one that begins behind it.
    Onwards,
    /// The one that ends before it.
    Back,
}

/// The text for a position in a journey of this order.
pub fn encode(position: Position, order: Order, way: Way) -> String {
    let mut bytes = [0; LENGTH];
    bytes[0] = version(order, way);
    bytes[1..9].copy_from_slice(&position.occurred_at.as_millis().to_be_bytes());
    bytes[9..17].copy_from_slice(&position.arrival.as_i64().to_be_bytes());
    bytes[17..].copy_from_slice(position.id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position in a text that [`encode`] made for the same order, and where it leads.
///
/// # Errors
///
/// Where the text is another one, or made for the other order.
pub fn decode(text: &str, order: Order) -> Result<(Position, Way), CursorFault> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorFault::Unreadable)?;
    let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| CursorFault::Unreadable)?;
    let index = bytes[0].checked_sub(FIRST).ok_or(CursorFault::Unreadable)?;
    let (its_order, way) = *VERSIONS.get(usize::from(index)).ok_or(CursorFault::Unreadable)?;
    if its_order != order {
        return Err(CursorFault::OtherOrder);
    }
    let number = |range: std::ops::Range<usize>| {
        let mut eight = [0; 8];
        eight.copy_from_slice(&bytes[range]);
        i64::from_be_bytes(eight)
    };
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[17..]);
    let occurred_at = Timestamp::from_millis(number(1..9)).ok_or(CursorFault::Unreadable)?;
    let arrival = Arrival::from_i64(number(9..17));
    Ok((Position { occurred_at, arrival, id: StoreId::from_bytes(id) }, way))
}

fn version(order: Order, way: Way) -> u8 {
    match (order, way) {
        (Order::Ascending, Way::Onwards) => FIRST,
        (Order::Descending, Way::Onwards) => FIRST + 1,
        (Order::Ascending, Way::Back) => FIRST + 2,
        (Order::Descending, Way::Back) => FIRST + 3,
    }
}

/// Why a text is no cursor for this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorFault {
    /// It was not made here, or was changed on its way.
    #[error("is no cursor that this service gave out")]
    Unreadable,
    /// It belongs to a journey read in the other order.
    #[error("was given out for the other order")]
    OtherOrder,
}

#[cfg(test)]
mod tests;
