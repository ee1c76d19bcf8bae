use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::Claims;
use super::*;

/// One thing that is said of the id.
#[derive(Debug, Clone)]
enum Said {
    Seen(i64),
    Named,
    User(i64),
    Claimed(usize, i64),
    Identified(String, i64),
    Decided(i64, usize),
}

const USERS: [&str; 5] = ["ann", "bob", "cem", "dan", "eva"];

impl Said {
    fn row(&self) -> Person {
        let row = Person::new("ann");
        match self {
            Self::Seen(millis) => row.seen_at(at(*millis)),
            Self::Named => row.named(),
            Self::User(number) => row.as_user(arrival(*number)),
            Self::Claimed(user, number) => row.claimed_by(USERS[*user], arrival(*number)),
            Self::Identified(traits, number) => row.identified(&payload(traits), arrival(*number)),
            Self::Decided(millis, user) => {
                row.decided(decision(*millis, "root", USERS.get(*user).copied()))
            }
        }
    }
}

fn said() -> impl Strategy<Value = Said> {
    let number = 0..12_i64;
    prop_oneof![
        number.clone().prop_map(Said::Seen),
        Just(Said::Named),
        number.clone().prop_map(Said::User),
        (0..USERS.len(), number.clone()).prop_map(|(user, number)| Said::Claimed(user, number)),
        (0..9_u8, 0..3_u8, number.clone()).prop_map(|(key, value, number)| {
            let traits = match key {
                0 | 1 => format!(r#"{{"email":"{value}{number}@example.com"}}"#),
                2 => format!(r#"{{"traits":{{"email":{value},"name":"Ann {value}"}}}}"#),
                key => format!(r#"{{"k{key}":{value}}}"#),
            };
            Said::Identified(traits, number)
        }),
        (number, 0..=USERS.len()).prop_map(|(millis, user)| Said::Decided(millis, user)),
    ]
}

fn rows(said: &[Said]) -> Vec<Person> {
    said.iter().map(Said::row).collect()
}

proptest! {
    /// Commutative, associative and idempotent at once: any order, any grouping, anything
    /// twice.
    #[test]
    fn order_grouping_and_repetition_make_no_difference(
        (said, shuffled) in prop::collection::vec(said(), 1..24)
            .prop_flat_map(|said| (Just(said.clone()), Just(said).prop_shuffle())),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = merged(&rows(&said));
        let shuffled = rows(&shuffled);
        prop_assert_eq!(&merged(&shuffled), &whole);

        let (left, right) = shuffled.split_at(cut.index(shuffled.len()));
        let mut grouped = Person::new("ann");
        for part in [right, left, right].into_iter().filter(|part| !part.is_empty()) {
            grouped.merge(&merged(part));
        }
        prop_assert_eq!(&grouped, &whole);

        let mut again = whole.clone();
        again.merge(&whole);
        shuffled.iter().for_each(|row| again.merge(row));
        prop_assert_eq!(&again, &whole);
        prop_assert_eq!(&kept(&whole), &whole);
    }

    /// The two that are kept are the first two of all.
    #[test]
    fn two_claims_decide_as_all_of_them_would(
        said in prop::collection::vec((0..USERS.len(), 0..20_i64), 0..30),
        parts in 1..4_usize,
    ) {
        let mut all: BTreeMap<&str, i64> = BTreeMap::new();
        for (user, number) in &said {
            let least = all.entry(USERS[*user]).or_insert(*number);
            *least = (*least).min(*number);
        }
        let mut expected: Vec<_> = all.into_iter().map(|(user, at)| (arrival(at), user)).collect();
        expected.sort_unstable();
        expected.truncate(2);

        let size = (said.len() / parts).max(1);
        let mut claims = Claims::default();
        for part in said.chunks(size) {
            let part = part.iter().fold(Person::new("device"), |row, (user, number)| {
                row.claimed_by(USERS[*user], arrival(*number))
            });
            claims.merge(&part.claims);
        }
        let found: Vec<_> = claims.iter().map(|claim| (claim.at, &*claim.user)).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn the_newest_value_of_each_key_stays() {
    let row = merged(&[
        identify(r#"{"plan":"pro","seats":3}"#, 7),
        identify(r#"{"plan":"free","city":"Bern"}"#, 5),
    ]);
    assert_eq!(row.traits.to_json(), r#"{"city":"Bern","plan":"pro","seats":3}"#);
    assert_eq!(row.traits.get("plan").unwrap().said, arrival(7));
    assert!(!row.traits.is_truncated());
}

#[test]
fn traits_are_those_in_traits_or_else_the_payload() {
    let inner = identify(r#"{"traits":{"a.b":1.5,"$set":{"":null}},"source":"web"}"#, 1);
    assert_eq!(inner.traits.to_json(), r#"{"$set":{"":null},"a.b":1.5}"#);
    let none_inside = identify(r#"{"traits":"none","plan":"pro"}"#, 1);
    assert_eq!(none_inside.traits.to_json(), r#"{"plan":"pro","traits":"none"}"#);
    assert!(identify("{}", 1).traits.is_empty());
}

#[test]
fn the_current_address_is_the_newest_trait_and_five_others_are_kept() {
    let said: Vec<_> = (0..9)
        .map(|number| identify(&format!(r#"{{"email":" m{number}@example.com "}}"#), number))
        .collect();
    let row = merged(&said);
    assert_eq!(row.email().as_deref(), Some("m8@example.com"));
    let kept: Vec<_> = row.emails.iter().map(|email| &*email.address).collect();
    let expected: Vec<_> = (3..9).rev().map(|number| format!("m{number}@example.com")).collect();
    assert_eq!(kept, expected);

    // One that is back is the newest again, and is there once.
    let back = merged(&[row, identify(r#"{"email":"m5@example.com"}"#, 20)]);
    let kept: Vec<_> = back.emails.iter().map(|email| &*email.address).collect();
    assert_eq!((kept[0], kept.len()), ("m5@example.com", 6));
}

#[test]
fn an_email_that_is_no_address_is_a_trait_alone() {
    let long = format!(r#"{{"email":"{}"}}"#, "x".repeat(257));
    for traits in [r#"{"email":7}"#, r#"{"email":"  "}"#, r#"{"email":"a\nb"}"#, &long] {
        let row = identify(traits, 1);
        assert_eq!((row.email(), row.emails.iter().count()), (None, 0), "{traits}");
        assert!(row.traits.get("email").is_some(), "{traits}");
    }
}

#[test]
fn the_first_and_the_last_time_stay() {
    let row = Person::new("ann").seen_at(at(7)).seen_at(at(3)).seen_at(at(5));
    let seen = row.seen.unwrap();
    assert_eq!((seen.first, seen.last), (at(3), at(7)));
}
