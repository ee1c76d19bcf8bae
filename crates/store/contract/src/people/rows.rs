//! Promises about keeping rows.

use std::sync::Arc;

use futures_util::future::join_all;
use trailkeep_store::people::{MAX_PEOPLE, PeopleStore, Person, Row};

use super::samples::{arrival, claimed, decided, full, identified, people, person, row};
use crate::samples::at;

pub async fn a_row_is_read_back_unchanged(store: Arc<dyn PeopleStore>) {
    let empty = Person::new("nothing");
    let joined = decided("joined", Some("ann"), at(7));
    let parted = decided("parted", None, at(8));
    let strange = ["$where", "a.b", "ä漢 \u{1f600}", "%_\\.*", "' OR 1=1"].map(person);
    let mut all = vec![empty, full("full"), joined, parted];
    all.extend(strange);
    let rows: Vec<_> = all.iter().map(|person| Row { person: person.clone(), rev: 0 }).collect();
    assert_eq!(store.keep(&rows).await.unwrap(), 0);
    all.sort_by(|left, right| left.id.cmp(&right.id));
    let mut ids: Vec<&str> = all.iter().map(|person| &*person.id).collect();
    ids.push("nobody");
    assert!(people(&*store, &ids).await == all, "changed");
    assert_eq!(row(&*store, "full").await.rev, 1);
    assert!(!row(&*store, "full").await.person.traits.is_truncated());
}

pub async fn an_id_is_compared_byte_for_byte(store: Arc<dyn PeopleStore>) {
    store.merge_in(&["ann", "Ann", "ann "].map(person)).await.unwrap();
    assert_eq!(people(&*store, &["ann", "ANN", " ann"]).await, [person("ann")]);
    assert_eq!(people(&*store, &[]).await, []);
}

pub async fn a_row_is_replaced_only_where_it_is_as_it_was_read(store: Arc<dyn PeopleStore>) {
    let new = |person| Row { person, rev: 0 };
    assert_eq!(store.keep(&[new(person("ann")), new(person("bob"))]).await.unwrap(), 0);
    // Somebody else made ann, and cem is new.
    let late = [new(claimed("ann", "x", 1)), new(person("cem"))];
    assert_eq!(store.keep(&late).await.unwrap(), 1);
    assert_eq!(row(&*store, "ann").await, Row { person: person("ann"), rev: 1 });

    let read = row(&*store, "ann").await;
    let next = Row { person: claimed("ann", "y", 1), ..read };
    let mixed = [next.clone(), new(person("bob")), new(person("dan"))];
    assert_eq!(store.keep(&mixed).await.unwrap(), 1);
    assert_eq!(store.keep(&[next]).await.unwrap(), 1);
    assert_eq!(row(&*store, "ann").await, Row { person: claimed("ann", "y", 1), rev: 2 });
    // What is gone is not made again by who has read it.
    let gone = Row { person: person("gone"), rev: 3 };
    assert_eq!(store.keep(&[gone]).await.unwrap(), 1);
    assert_eq!(people(&*store, &["gone"]).await, []);
    assert_eq!(people(&*store, &["cem", "dan"]).await.len(), 2);
}

/// Each of sixteen says something else of the same ids.
pub async fn of_what_many_say_at_once_nothing_is_lost(store: Arc<dyn PeopleStore>) {
    let ids: Vec<String> = (0..20).map(|number| format!("id {number}")).collect();
    let said = |writer: i64| -> Vec<Person> {
        let traits = format!(r#"{{"k{writer}":{writer}}}"#);
        let of = |id: &String| identified(id, &traits, writer).seen_at(at(writer));
        ids.iter().map(of).collect()
    };
    let writing = (0..16).map(|writer| {
        let (store, said) = (store.clone(), said(writer));
        tokio::spawn(async move {
            // As its callers do: all of it again, until it is said.
            while let Err(error) = store.merge_in(&said).await {
                assert!(error.to_string().contains("changed the same people"), "{error}");
            }
        })
    });
    for written in join_all(writing).await {
        written.unwrap();
    }
    for (place, id) in ids.iter().enumerate() {
        let mut expected = said(0).swap_remove(place);
        (1..16).for_each(|writer| expected.merge(&said(writer)[place]));
        assert_eq!(row(&*store, id).await.person, expected);
    }
}

pub async fn what_was_said_already_writes_nothing(store: Arc<dyn PeopleStore>) {
    let said = [full("full"), claimed("device", "ann", 5), person("ann").as_user(arrival(5))];
    store.merge_in(&said).await.unwrap();
    store.merge_in(&said).await.unwrap();
    store.merge_in(&[person("ann"), person("device"), person("full")]).await.unwrap();
    for id in ["full", "device", "ann"] {
        assert_eq!(row(&*store, id).await.rev, 1, "{id}");
    }
    store.merge_in(&[person("ann").seen_at(at(1))]).await.unwrap();
    assert_eq!(row(&*store, "ann").await.rev, 2);
}

pub async fn a_row_is_written_again_for_when_it_was_seen_once_that_is_off_by_more(
    store: Arc<dyn PeopleStore>,
) {
    const LAG_MS: i64 = 10;
    let see = async |millis: i64| {
        store.merge_in_lagging(&[Person::new("ann").seen_at(at(millis))], LAG_MS).await.unwrap();
        row(&*store, "ann").await.rev
    };
    for (millis, rev) in [(100, 1), (110, 1), (90, 1), (111, 2), (121, 2), (89, 3)] {
        assert_eq!(see(millis).await, rev, "{millis}");
    }
    let said = Person::new("ann").seen_at(at(112)).as_user(arrival(1));
    store.merge_in_lagging(&[said], LAG_MS).await.unwrap();
    assert_eq!(row(&*store, "ann").await.rev, 4, "what is new besides is written");
}

pub async fn what_is_said_comes_to_the_same_row_in_any_order(store: Arc<dyn PeopleStore>) {
    let said = |id: &str| {
        vec![
            claimed(id, "ann", 5).seen_at(at(10)),
            claimed(id, "bob", 9),
            claimed(id, "cem", 7),
            person(id).as_user(arrival(12)),
            identified(id, r#"{"email":"a@example.com","name":"Ann"}"#, 4),
            identified(id, r#"{"email":"b@example.com"}"#, 6),
        ]
    };
    for turned in 0..6 {
        for is_reversed in [false, true] {
            let id = format!("{turned} {is_reversed}");
            let mut said = said(&id);
            said.rotate_left(turned);
            if is_reversed {
                said.reverse();
            }
            // By ones and by twos.
            for some in said.chunks(1 + turned % 2) {
                store.merge_in(some).await.unwrap();
            }
            let found = row(&*store, &id).await.person;
            let link = found.link().unwrap();
            assert_eq!(
                (&*link.user, link.since, link.until),
                ("ann", arrival(5), Some(arrival(7)))
            );
            assert_eq!(found.email().as_deref(), Some("b@example.com"));
            let mut whole = said.swap_remove(0);
            said.iter().for_each(|row| whole.merge(row));
            assert_eq!(found, whole);
        }
    }
}

pub async fn any_number_of_people_is_merged_in(store: Arc<dyn PeopleStore>) {
    let said: Vec<_> = (0..2 * MAX_PEOPLE + 1)
        .map(|number| person(&format!("id {}", number % (MAX_PEOPLE + 1))))
        .collect();
    store.merge_in(&said).await.unwrap();
    let last = format!("id {MAX_PEOPLE}");
    assert_eq!(people(&*store, &["id 0", &last]).await.len(), 2);
    store.merge_in(&[]).await.unwrap();
}
