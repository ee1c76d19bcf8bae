//! What is said of people.

use trailkeep_event::{Arrival, Timestamp};
use trailkeep_store::people::{Decision, MAX_TRAIT_BYTES, PeopleStore, Person, Row, SessionUser};

use crate::samples::{at, payload};

pub fn arrival(number: i64) -> Arrival {
    Arrival::from_i64(number)
}

/// An id that was seen at the samples' start.
pub fn person(id: &str) -> Person {
    Person::new(id).seen_at(at(0))
}

/// What an `identify` with these traits says.
pub fn identified(id: &str, traits: &str, number: i64) -> Person {
    person(id).identified(&payload(traits), arrival(number))
}

/// An anonymous id beside a user.
pub fn claimed(id: &str, user: &str, number: i64) -> Person {
    person(id).claimed_by(user, arrival(number))
}

/// What an administrator says of an id.
pub fn decided(id: &str, user: Option<&str>, moment: Timestamp) -> Person {
    let decision =
        Decision { at: moment, by: "root@example.com".into(), user: user.map(Box::from) };
    Person::new(id).decided(decision)
}

pub fn session(session_id: &str, user_id: &str, number: i64) -> SessionUser {
    SessionUser { session_id: session_id.into(), since: arrival(number), user_id: user_id.into() }
}

/// A row in which every part has something, at its bounds where it has any.
pub fn full(id: &str) -> Person {
    let nested =
        r#"{"$set":{"a.b":[1.5,null,{"$oid":"x"}]},"":"ä\n\"漢","big":9223372036854775807}"#;
    let rest = MAX_TRAIT_BYTES - 600;
    let large = format!(
        r#"{{"traits":{{"$where":{nested},"a.b":{nested},"name":"Ann Ö'Neill","large":"{}"}}}}"#,
        "\\\"x".repeat(rest / 3)
    );
    let mut person = (1..8).fold(person(id), |person, number| {
        let traits = format!(r#"{{"email":"{number}@example.com"}}"#);
        person.identified(&payload(&traits), arrival(number))
    });
    person = person
        .seen_at(at(86_400_000))
        .named()
        .as_user(arrival(3))
        .claimed_by("bob", arrival(i64::MAX))
        .claimed_by("cem", arrival(7))
        .identified(&payload(&large), arrival(20));
    person.merge(&decided(id, Some("dan"), at(5)));
    person
}

/// The row of an id that has one.
pub async fn row(store: &dyn PeopleStore, id: &str) -> Row {
    let mut rows = store.people(&[id]).await.unwrap();
    assert_eq!(rows.len(), 1, "{id}");
    rows.remove(0)
}

pub async fn people(store: &dyn PeopleStore, ids: &[&str]) -> Vec<Person> {
    let mut people: Vec<_> =
        store.people(ids).await.unwrap().into_iter().map(|row| row.person).collect();
    people.sort_by(|left, right| left.id.cmp(&right.id));
    people
}

/// The ids of what was found, in order of their bytes.
pub fn ids(found: &[Person]) -> Vec<&str> {
    let mut ids: Vec<_> = found.iter().map(|person| &*person.id).collect();
    ids.sort_unstable();
    ids
}
