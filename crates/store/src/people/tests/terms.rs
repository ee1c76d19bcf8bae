use proptest::prelude::*;

use super::super::{MAX_NAME_WORDS, MAX_WORD_BYTES, Matching, TermKind, range};
use super::*;

#[test]
fn a_row_is_found_by_its_id_its_addresses_and_the_words_of_its_names() {
    let row = Person::new("U-7")
        .identified(&payload(r#"{"email":"Old@Example.com","name":"ÄNNE van Dyck"}"#), arrival(1))
        .identified(&payload(r#"{"email":"Ann@Example.com","lastName":"Dyck"}"#), arrival(2));
    let expected = ["eann@example.com", "eold@example.com", "iu-7", "ndyck", "nvan", "nänne"];
    assert_eq!(row.terms(), expected);
    assert_eq!(Person::new("U-7").terms(), ["iu-7"]);
    let no_text = r#"{"email":["a@example.com"],"name":{"first":"Ann"},"firstName":7}"#;
    assert_eq!(identify(no_text, 1).terms(), ["iann"]);
}

#[test]
fn terms_are_few_and_short() {
    let names: String = (0..50).map(|number| format!("w{number} ")).collect();
    let row = identify(&format!(r#"{{"name":"{names}","first_name":"more"}}"#), 1);
    assert_eq!(row.terms().len(), 1 + MAX_NAME_WORDS);
    // In the midst of a letter nothing is cut.
    let word = "ä".repeat(MAX_WORD_BYTES);
    let row = identify(&format!(r#"{{"name":"x{word}"}}"#), 1);
    let term = row.terms().pop().unwrap();
    assert_eq!(term.len(), 1 + MAX_WORD_BYTES - 1);
    assert!(term.starts_with(&range(TermKind::NameWord, &format!("X{word}")).from));
}

proptest! {
    /// A term that begins with what is searched for lies in its range, and no other does.
    #[test]
    fn a_range_has_the_terms_that_begin_with_a_text(
        name in "[a-zA-ZäÄßİ%_.*\\\\]{1,8}",
        text in "[a-zA-ZäÄßİ%_.*\\\\]{1,3}",
    ) {
        let row = identify(&serde_json::json!({ "name": name }).to_string(), 1);
        let terms = row.terms();
        let found = range(TermKind::NameWord, &text);
        let lies_in = terms.iter().any(|term| *term >= found.from && *term < found.to);
        prop_assert_eq!(lies_in, name.to_lowercase().starts_with(&text.to_lowercase()));
        prop_assert_eq!(row.has_term(TermKind::NameWord, &text, Matching::Prefix), lies_in);
        let is_it = name.to_lowercase() == text.to_lowercase();
        prop_assert_eq!(row.has_term(TermKind::NameWord, &text, Matching::Whole), is_it);
    }
}
