//! What pieces come to, against counting one by one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::summaries::{MAX_TYPES, UserEvents};
use crate::summaries::tally::{Room, Tally};

const ROOM: usize = 1 << 20;

fn counts(of: impl IntoIterator<Item = (String, u64)>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (name, events) in of {
        *counts.entry(name).or_default() += events;
    }
    counts
}

/// Those with most events first, then by name.
fn in_order(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, events)| std::cmp::Reverse(*events));
    counts
}

fn groups() -> impl Strategy<Value = Vec<(String, u64)>> {
    prop::collection::vec(("[ab]{0,3}", 1_u64..5), 0..20)
}

proptest! {
    #[test]
    fn pieces_come_to_what_their_groups_do(
        pieces in prop::collection::vec((groups(), groups()), 0..8),
        top in 0_usize..20,
    ) {
        let (types, users): (Vec<_>, Vec<_>) = pieces.iter().cloned().unzip();
        let (types, users) = (counts(types.concat()), counts(users.concat()));

        let room = Room::new(ROOM);
        let mut tally = Tally::default();
        for (types, users) in pieces {
            let piece = Piece { types, users, rest: None };
            prop_assert!(tally.add(piece, &room));
        }
        let summary = tally.summary(top);

        prop_assert_eq!(summary.total, types.values().sum::<u64>());
        prop_assert_eq!(summary.totals, types);
        prop_assert_eq!(summary.unique_users, users.len() as u64);
        let expected: Vec<_> = in_order(users)
            .into_iter()
            .take(top)
            .map(|(user_id, events)| UserEvents { user_id, events })
            .collect();
        prop_assert_eq!(summary.top_users, expected);
    }
}

#[test]
fn of_many_types_the_most_frequent_are_told_and_the_total_is_whole() {
    let mut types: Vec<_> = (0..MAX_TYPES + 5)
        .map(|number| (format!("type {number:05}"), 1))
        .collect();
    types.push(("~ the last by name".to_owned(), 2));
    let all = types.len() as u64 + 1;
    let piece = Piece {
        types,
        ..Piece::default()
    };
    let mut tally = Tally::default();
    assert!(tally.add(piece, &Room::new(ROOM)));
    let summary = tally.summary(10);
    assert_eq!(summary.total, all);
    assert_eq!(summary.totals.len(), MAX_TYPES);
    assert_eq!(summary.totals["~ the last by name"], 2);
    assert!(summary.totals.contains_key("type 00000"));
    assert!(!summary.totals.contains_key("type 01004"));
}

fn users(numbers: std::ops::Range<u32>) -> Piece {
    Piece {
        users: numbers.map(|number| (format!("u{number}"), 1)).collect(),
        ..Piece::default()
    }
}

#[test]
fn tallies_share_their_room_and_give_it_back() {
    let room = Room::new(ROOM);
    let (mut one, mut other) = (Tally::default(), Tally::default());
    assert!(one.add(users(0..9_000), &room));
    // Known users take no more of it.
    assert!(one.add(users(0..9_000), &room));
    assert!(other.add(users(0..3_000), &room));
    assert!(!other.add(users(3_000..10_000), &room));
    drop(one);
    let mut third = Tally::default();
    assert!(third.add(users(0..9_000), &room));
}
