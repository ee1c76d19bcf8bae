#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

fn position(millis: i64, arrival: i64, id: [u8; 16]) -> Position {
    Position {
        occurred_at: Timestamp::from_millis_clamped(millis),
        arrival: Arrival::from_i64(arrival),
        id: StoreId::from_bytes(id),
    }
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Ascending), Just(Order::Descending)]
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![Just(Way::Onwards), Just(Way::Back)]
}

fn other(order: Order) -> Order {
    match order {
        Order::Ascending => Order::Descending,
        Order::Descending => Order::Ascending,
    }
}

/// Clients keep cursors across updates of the service.
#[test]
fn a_cursor_never_changes() {
    let id = [0x01, 0x9b, 0x21, 0x8f, 0x54, 0x40, 0x80, 0, 0x80, 0, 0, 0, 0, 0, 0, 0xff];
    let position = position(1_765_794_600_000, 3_703_067_693_056_000_001, id);
    for (order, way, begin) in [
        (Order::Ascending, Way::Onwards, "IA"),
        (Order::Descending, Way::Onwards, "IQ"),
        (Order::Ascending, Way::Back, "Ig"),
        (Order::Descending, Way::Back, "Iw"),
    ] {
        let text = encode(position, order, way);
        assert_eq!(text, format!("{begin}AAAZshj1RAM2PwcnfUAAEBmyGPVECAAIAAAAAAAAD_"));
        assert_eq!(decode(&text, order), Ok((position, way)));
    }
}

/// A position without an id is in the middle of what shares its time and
/// arrival.
#[test]
fn a_cursor_without_an_id_is_refused() {
    let earlier = "EQAAAZshj1RAM2PwcnfUAAE";
    for order in [Order::Ascending, Order::Descending] {
        assert_eq!(decode(earlier, order), Err(CursorFault::Unreadable));
    }
}

#[test]
fn a_time_that_cannot_be_written_is_refused() {
    let mut bytes = [0; LENGTH];
    bytes[0] = FIRST;
    bytes[1..9].copy_from_slice(&i64::MAX.to_be_bytes());
    let text = URL_SAFE_NO_PAD.encode(bytes);
    assert_eq!(decode(&text, Order::Ascending), Err(CursorFault::Unreadable));
}

proptest! {
    #[test]
    fn a_position_comes_back(
        millis in any::<i64>(),
        arrival in any::<i64>(),
        id in any::<[u8; 16]>(),
        order in order(),
        way in way(),
    ) {
        let position = position(millis, arrival, id);
        let text = encode(position, order, way);
        prop_assert_eq!(decode(&text, order), Ok((position, way)));
        prop_assert_eq!(decode(&text, other(order)), Err(CursorFault::OtherOrder));
        // It goes into a query without escapes.
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }

    #[test]
    fn any_other_text_is_refused(text in "\\PC{0,60}", order in order()) {
        prop_assert_eq!(decode(&text, order), Err(CursorFault::Unreadable));
    }

    /// What is taken is what would be given out: no two texts name one place.
    #[test]
    fn a_changed_cursor_is_refused_or_another_one(
        millis in any::<i64>(),
        arrival in any::<i64>(),
        id in any::<[u8; 16]>(),
        at in any::<prop::sample::Index>(),
        replacement in "[A-Za-z0-9_=+/. -]{0,2}",
    ) {
        let text = encode(position(millis, arrival, id), Order::Ascending, Way::Onwards);
        let at = at.index(text.len());
        let changed = format!("{}{replacement}{}", &text[..at], &text[at + 1..]);
        if let Ok((position, way)) = decode(&changed, Order::Ascending) {
            prop_assert_eq!(encode(position, Order::Ascending, way), changed);
        }
    }

    #[test]
    fn other_versions_are_refused(version in any::<u8>(), order in order()) {
        prop_assume!(!(FIRST..FIRST + 4).contains(&version));
        let mut bytes = [0; LENGTH];
        bytes[0] = version;
        let text = URL_SAFE_NO_PAD.encode(bytes);
        prop_assert_eq!(decode(&text, order), Err(CursorFault::Unreadable));
    }
}
