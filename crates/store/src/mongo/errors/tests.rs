#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bson::doc;

use super::*;

#[test]
fn a_duplicate_id_is_a_duplicate_event() {
    let fault = doc! { "code": 11000, "errmsg": "E11000", "keyPattern": { "_id": 1 } };
    assert_eq!(write_outcome(&fault), Outcome::Duplicate);
    let fault = doc! { "code": 11000, "errmsg": "E11000 ... index: _id_ dup key: { ... }" };
    assert_eq!(write_outcome(&fault), Outcome::Duplicate);
}

#[test]
fn a_duplicate_in_an_added_unique_index_is_a_refusal() {
    let fault = doc! { "code": 11000, "errmsg": "E11000", "keyPattern": { "eventId": 1 } };
    assert!(matches!(write_outcome(&fault), Outcome::Refused(_)));
}

#[test]
fn a_refusal_says_code_and_reason() {
    let fault = doc! { "code": 121, "errmsg": "Document failed validation" };
    assert_eq!(
        write_outcome(&fault),
        Outcome::Refused(Refusal::new(Reason::Validation, "Document failed validation (code 121)"))
    );
}

#[test]
fn faults_of_the_document_are_refusals() {
    for code in [2, 52, 61, 10334, 16755, 17280] {
        let outcome = write_outcome(&doc! { "code": code });
        assert!(matches!(outcome, Outcome::Refused(_)), "{code}: {outcome:?}");
    }
}

#[test]
fn faults_that_pass_are_tried_again() {
    for code in [1, 50, 91, 112, 189, 262, 10107, 11600, 11602, 13388, 14031] {
        assert_eq!(write_outcome(&doc! { "code": code }), Outcome::Retry, "{code}");
    }
}

#[test]
fn a_whole_command_is_denied_or_tried_again() {
    for code in [13, 18, 73, 8000] {
        let error = command_error(code, String::new());
        assert!(matches!(error, StoreError::Denied(_)), "{code}");
    }
    for code in [6, 7, 50, 64, 89, 91, 189, 10107, 11600, 11602, 13435, 13436] {
        let error = command_error(code, String::new());
        assert!(matches!(error, StoreError::Unavailable(_)), "{code}");
    }
}
