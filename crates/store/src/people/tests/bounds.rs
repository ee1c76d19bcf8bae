use proptest::prelude::*;

use super::super::{MAX_TRAIT_BYTES, MAX_TRAITS};
use super::*;

fn keys(row: &Person) -> Vec<&str> {
    row.traits.iter().map(|(key, _)| key).collect()
}

fn bytes(row: &Person) -> usize {
    row.traits.iter().map(|(key, newest)| key.len() + newest.value.len()).sum()
}

fn large(key: &str, bytes: usize, number: i64) -> Person {
    identify(&format!(r#"{{"{key}":"{}"}}"#, "x".repeat(bytes)), number)
}

#[test]
fn of_too_many_keys_the_newest_stay() {
    let all: Vec<_> =
        (0..100).map(|number| identify(&format!(r#"{{"k{number:02}":1}}"#), number)).collect();
    let row = merged(&all);
    let expected: Vec<_> = (100 - MAX_TRAITS..100).map(|number| format!("k{number:02}")).collect();
    assert_eq!(keys(&row), expected);
    assert!(row.traits.is_truncated());
    // A key that is said again is there again.
    let again = merged(&[row, identify(r#"{"k00":2}"#, 200)]);
    assert_eq!(again.traits.get("k00").unwrap().said, arrival(200));
    assert_eq!(keys(&again).len(), MAX_TRAITS);
}

#[test]
fn of_too_many_keys_of_one_event_those_that_are_searched_stay() {
    let many: String = (0..100).map(|number| format!(r#""a{number:02}":1,"#)).collect();
    let row = identify(&format!(r#"{{{many}"email":"a@example.com","name":"Ann"}}"#), 1);
    assert_eq!(keys(&row).len(), MAX_TRAITS);
    assert!(row.traits.text("email").is_some() && row.traits.text("name").is_some());
}

#[test]
fn of_too_many_bytes_the_newest_stay_and_nothing_older_comes_back() {
    let half = MAX_TRAIT_BYTES / 2;
    let (old, small) = (large("old", half, 1), large("small", 10, 0));
    let row = merged(&[old.clone(), small.clone(), large("a", half, 2), large("b", half - 100, 3)]);
    assert_eq!(keys(&row), ["a", "b"]);
    assert!(row.traits.is_truncated() && bytes(&row) <= MAX_TRAIT_BYTES);
    // `small` would fit, and comes from before what was left out.
    for again in [small, old] {
        let mut same = row.clone();
        same.merge(&again);
        assert_eq!(same, row);
    }
}

#[test]
fn a_value_that_alone_is_too_large_pushes_nothing_out() {
    let row = merged(&[identify(r#"{"plan":"pro"}"#, 1), large("a", MAX_TRAIT_BYTES, 2)]);
    assert_eq!(keys(&row), ["plan"]);
    assert!(row.traits.is_truncated());
    assert_eq!(kept(&row), row);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Which keys and values stay of too many does not depend on the order; only how high
    /// the floor is does.
    #[test]
    fn of_too_many_keys_the_same_stay_in_any_order(
        (said, shuffled) in prop::collection::vec((0..150_u8, 0..400_i64), 1..300)
            .prop_flat_map(|said| (Just(said.clone()), Just(said).prop_shuffle())),
    ) {
        let row = |said: &[(u8, i64)]| {
            let rows: Vec<_> = said
                .iter()
                .map(|(key, number)| identify(&format!(r#"{{"k{key}":1}}"#), *number))
                .collect();
            merged(&rows)
        };
        prop_assert_eq!(row(&said).traits.to_json(), row(&shuffled).traits.to_json());
    }

    /// Whatever is said, the bounds hold, and what was said already changes nothing.
    #[test]
    fn bounds_hold_and_what_was_said_changes_nothing(
        said in prop::collection::vec((0..90_u8, 0..20_000_usize, 0..50_i64), 1..40),
    ) {
        let rows: Vec<_> = said
            .iter()
            .map(|(key, bytes, number)| large(&format!("k{key}"), *bytes, *number))
            .collect();
        let whole = merged(&rows);
        prop_assert!(bytes(&whole) <= MAX_TRAIT_BYTES && keys(&whole).len() <= MAX_TRAITS);
        for row in &rows {
            let mut same = whole.clone();
            same.merge(row);
            prop_assert_eq!(&same, &whole);
        }
        prop_assert_eq!(&kept(&whole), &whole);
    }
}
