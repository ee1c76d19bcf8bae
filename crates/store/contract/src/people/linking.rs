//! Promises about finding what belongs to a user.

use std::sync::Arc;

use trailkeep_store::people::PeopleStore;

use super::samples::{arrival, claimed, decided, ids, person};
use crate::samples::at;

async fn linked(store: &dyn PeopleStore, user: &str, most: usize) -> Vec<String> {
    let mut found = store.linked_to(user, &[], most).await.unwrap();
    found.retain(|person| *person.id != *user);
    found.sort_by_key(|person| std::cmp::Reverse(person.link().map(|link| link.since)));
    found.into_iter().map(|person| person.id.into()).collect()
}

pub async fn of_more_links_than_are_wanted_the_newest_are_given(store: Arc<dyn PeopleStore>) {
    let said: Vec<_> = [3, 1, 4, 5, 2]
        .map(|number| claimed(&format!("device {number}"), "ann", number))
        .into_iter()
        .chain([claimed("other", "bob", 9), person("ann").as_user(arrival(1))])
        .collect();
    store.merge_in(&said).await.unwrap();
    let all = ["device 5", "device 4", "device 3", "device 2", "device 1"];
    assert_eq!(linked(&*store, "ann", 10).await, all);
    assert_eq!(linked(&*store, "ann", 2).await, all[..2]);
    assert_eq!(linked(&*store, "Ann", 10).await, [""; 0]);
    let found = store.linked_to("bob", &[], 10).await.unwrap();
    assert_eq!(found, [claimed("other", "bob", 9)]);
}

pub async fn who_belongs_to_a_user_comes_beside_those_asked_for_each_once(
    store: Arc<dyn PeopleStore>,
) {
    let said = [
        claimed("device 1", "ann", 1),
        claimed("device 2", "ann", 2),
        claimed("other", "bob", 3),
        person("ann").as_user(arrival(1)),
    ];
    store.merge_in(&said).await.unwrap();
    let asked = ["device 1", "other", "nobody"];
    for (most, expected) in [
        (9, vec!["ann", "device 1", "device 2", "other"]),
        (2, vec!["ann", "device 1", "device 2", "other"]),
        (1, vec!["ann", "device 2", "other"]),
    ] {
        let found = store.linked_to("ann", &asked, most).await.unwrap();
        assert_eq!(ids(&found), expected, "{most}");
    }
}

pub async fn a_link_that_has_ended_is_found_and_a_void_one_is_not(store: Arc<dyn PeopleStore>) {
    store.merge_in(&[claimed("ended", "ann", 5), claimed("ended", "bob", 9)]).await.unwrap();
    store.merge_in(&[claimed("void", "ann", 5), person("void").as_user(arrival(5))]).await.unwrap();
    assert_eq!(linked(&*store, "ann", 10).await, ["ended"]);
    assert_eq!(linked(&*store, "bob", 10).await, [""; 0]);
    // An event of bob's that came before, and came late.
    store.merge_in(&[claimed("ended", "bob", 2)]).await.unwrap();
    assert_eq!(linked(&*store, "ann", 10).await, [""; 0]);
    assert_eq!(linked(&*store, "bob", 10).await, ["ended"]);
}

pub async fn what_an_administrator_says_moves_a_link(store: Arc<dyn PeopleStore>) {
    store.merge_in(&[claimed("device", "ann", 5), claimed("mine", "ann", 6)]).await.unwrap();
    store.merge_in(&[decided("device", Some("bob"), at(1))]).await.unwrap();
    assert_eq!(linked(&*store, "ann", 10).await, ["mine"]);
    assert_eq!(linked(&*store, "bob", 10).await, ["device"]);
    store.merge_in(&[decided("device", None, at(2))]).await.unwrap();
    assert_eq!(linked(&*store, "bob", 10).await, [""; 0]);
    // What was said before that and comes again.
    store.merge_in(&[decided("device", Some("bob"), at(1))]).await.unwrap();
    assert_eq!(linked(&*store, "ann", 10).await, ["mine"]);
    assert_eq!(linked(&*store, "bob", 10).await, [""; 0]);
}
