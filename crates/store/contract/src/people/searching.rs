//! Promises about searching for people.

use std::sync::Arc;

use trailkeep_store::people::{MAX_PEOPLE, Matching, PeopleStore, TermKind};

use super::samples::{identified, ids, person};

async fn found(
    store: &dyn PeopleStore,
    kind: TermKind,
    text: &str,
    matching: Matching,
) -> Vec<String> {
    let found = store.by_term(kind, text, matching, 100).await.unwrap();
    ids(&found).into_iter().map(str::to_owned).collect()
}

const NONE: [&str; 0] = [];

pub async fn people_are_found_by_how_a_term_begins_in_any_case(store: Arc<dyn PeopleStore>) {
    let said = [
        identified("U-1", r#"{"email":"Ann@Example.com","name":"ÄNNE van Dyck"}"#, 1),
        identified("u-12", r#"{"email":"annette@example.com","firstName":"Annette"}"#, 2),
        person("anonymous"),
    ];
    store.merge_in(&said).await.unwrap();
    use Matching::{Prefix, Whole};
    use TermKind::{Email, Id, NameWord};
    let cases: [(TermKind, &str, Matching, &[&str]); 14] = [
        (Id, "u-1", Prefix, &["U-1", "u-12"]),
        (Id, "U-12", Prefix, &["u-12"]),
        (Id, "u-1", Whole, &["U-1"]),
        (Id, "an", Prefix, &["anonymous"]),
        (Id, "an", Whole, &[]),
        (Email, "ANN", Prefix, &["U-1", "u-12"]),
        (Email, "ann@", Prefix, &["U-1"]),
        (Email, "ANN@example.COM", Whole, &["U-1"]),
        (Email, "ann@example", Whole, &[]),
        (NameWord, "än", Prefix, &["U-1"]),
        (NameWord, "DYC", Prefix, &["U-1"]),
        (NameWord, "ann", Prefix, &["u-12"]),
        (NameWord, "van", Whole, &["U-1"]),
        (NameWord, "ck", Prefix, &[]),
    ];
    for (kind, text, matching, expected) in cases {
        assert_eq!(found(&*store, kind, text, matching).await, expected, "{kind:?} {text}");
    }
    for kind in [Id, Email, NameWord] {
        for matching in [Prefix, Whole] {
            assert_eq!(found(&*store, kind, "", matching).await, NONE);
        }
    }
    // The whole row comes.
    let rows = store.by_term(Id, "u-12", Whole, 1).await.unwrap();
    assert_eq!(rows, said[1..2]);
}

pub async fn nothing_that_is_searched_for_is_a_pattern(store: Arc<dyn PeopleStore>) {
    let strange = ["%", "_x", ".*", "\\", "[a-z]", "$regex", "*", "^a", "a|b", "'", "\"", "?"];
    let said: Vec<_> = strange.iter().map(|id| person(id)).chain([person("plain")]).collect();
    store.merge_in(&said).await.unwrap();
    for id in strange {
        for matching in [Matching::Prefix, Matching::Whole] {
            assert_eq!(found(&*store, TermKind::Id, id, matching).await, [id]);
        }
    }
    for text in ["%a", "pl%", "p_ain", "p.*", ".", "_", "plai\\"] {
        let found = found(&*store, TermKind::Id, text, Matching::Prefix).await;
        assert!(!found.iter().any(|id| id == "plain"), "{text}: {found:?}");
    }
}

pub async fn of_many_hits_so_many_come_as_were_asked_for(store: Arc<dyn PeopleStore>) {
    for some in 0..10 {
        let said: Vec<_> =
            (0..MAX_PEOPLE).map(|number| person(&format!("visitor {some} {number}"))).collect();
        store.merge_in(&said).await.unwrap();
    }
    for most in [0, 1, 20] {
        let found = store.by_term(TermKind::Id, "visitor", Matching::Prefix, most).await.unwrap();
        assert_eq!(found.len(), most);
    }
}

pub async fn a_person_with_many_hits_comes_once(store: Arc<dyn PeopleStore>) {
    let said: Vec<_> = (0..4)
        .map(|number| {
            let traits = format!(r#"{{"email":"ann{number}@example.com","name":"An Ann Anna"}}"#);
            identified("ann", &traits, number)
        })
        .chain([identified("bob", r#"{"email":"ann9@example.com","name":"Anton"}"#, 9)])
        .collect();
    store.merge_in(&said).await.unwrap();
    for kind in [TermKind::Email, TermKind::NameWord] {
        assert_eq!(found(&*store, kind, "an", Matching::Prefix).await, ["ann", "bob"]);
        let two = store.by_term(kind, "an", Matching::Prefix, 2).await.unwrap();
        assert_eq!(ids(&two), ["ann", "bob"]);
    }
}

pub async fn a_person_is_found_by_earlier_addresses_and_not_by_earlier_names(
    store: Arc<dyn PeopleStore>,
) {
    let before = r#"{"email":"before@example.com","name":"Before"}"#;
    store.merge_in(&[identified("ann", before, 1)]).await.unwrap();
    store
        .merge_in(&[identified("ann", r#"{"email":"after@example.com","name":"After"}"#, 2)])
        .await
        .unwrap();
    for (kind, text, expected) in [
        (TermKind::Email, "before@", &["ann"][..]),
        (TermKind::Email, "after@", &["ann"]),
        (TermKind::NameWord, "before", &[]),
        (TermKind::NameWord, "after", &["ann"]),
        (TermKind::Id, "ann", &["ann"]),
    ] {
        assert_eq!(found(&*store, kind, text, Matching::Prefix).await, expected, "{text}");
    }
}
