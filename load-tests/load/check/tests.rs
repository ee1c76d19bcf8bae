//! The check sees each way in which a store can be wrong.

use super::{Check, Identity};
use crate::record::Record;

const SENT: &str = r#"
{"batch": "1", "events": [["ann", "a"], ["ann", "b"]]}
{"batch": "1", "status": 202, "eventIds": ["a", "b"], "at": 1}
{"batch": "2", "events": [["ben", "c"]]}
{"batch": "2", "status": 503, "at": 2}
{"batch": "3", "events": [["ben", "d"], ["cem", null]]}
{"batch": "4", "events": [["ann", null]]}
{"batch": "4", "status": 202, "eventIds": ["made"], "at": 3}
"#;

fn check(stored: &[(&str, &str)]) -> Check {
    check_of(SENT, stored)
}

fn check_of(sent: &str, stored: &[(&str, &str)]) -> Check {
    let stored: Vec<Identity> =
        stored.iter().map(|&(user, id)| (user.to_owned(), id.to_owned())).collect();
    Check::on(&Record::parse(sent.trim()).unwrap(), &stored)
}

const ACCEPTED: [(&str, &str); 3] = [("ann", "a"), ("ann", "b"), ("ann", "made")];

#[test]
fn what_was_accepted_is_enough() {
    let check = check(&ACCEPTED);
    assert_eq!((check.accepted, check.stored), (3, 3));
    assert!(check.is_clean());
}

#[test]
fn what_was_not_answered_may_be_there_under_whatever_name_was_made_for_it() {
    let stored = [&ACCEPTED[..], &[("ben", "d"), ("cem", "new")]].concat();
    assert!(check(&stored).is_clean());
}

#[test]
fn a_missing_event_is_lost() {
    assert_eq!(check(&ACCEPTED[1..]).lost, 1);
}

#[test]
fn the_same_id_of_another_user_is_another_event() {
    let check = check(&[("ben", "a"), ("ann", "b"), ("ann", "made")]);
    assert_eq!((check.lost, check.invented), (1, 1));
}

#[test]
fn a_second_copy_is_doubled() {
    let stored = [&ACCEPTED[..], &ACCEPTED[..1]].concat();
    assert_eq!(check(&stored).doubled, 1);
}

#[test]
fn a_refused_event_and_one_too_many_are_invented() {
    let refused = [&ACCEPTED[..], &[("ben", "c")]].concat();
    assert_eq!(check(&refused).invented, 1);
    let unknown = [&ACCEPTED[..], &[("cem", "new"), ("cem", "newer")]].concat();
    assert_eq!(check(&unknown).invented, 1);
}

#[test]
fn an_event_that_was_refused_and_then_accepted_is_accepted() {
    let sent = r#"{"batch": "1", "events": [["ann", "a"]]}
{"batch": "1", "status": 202, "eventIds": ["a"], "at": 1}
{"batch": "2", "events": [["ann", "a"]]}
{"batch": "2", "status": 503, "at": 2}"#;
    assert!(check_of(sent, &[("ann", "a")]).is_clean());
    assert_eq!(check_of(sent, &[]).lost, 1);
}

#[test]
fn an_answer_with_another_id_is_seen() {
    let sent = r#"{"batch": "1", "events": [["ann", "a"], ["ann", "b"]]}
{"batch": "1", "status": 202, "eventIds": ["x"], "at": 1}"#;
    assert_eq!(check_of(sent, &[("ann", "a")]).misnamed, 2);
}
