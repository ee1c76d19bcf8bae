use proptest::prelude::*;

use super::{entry, process};
use crate::DocumentId;
use crate::feed::{MAX_ENTRIES, Outlet, decode, encode};

proptest! {
    #[test]
    fn what_is_written_is_read_back(numbers in prop::collection::vec(any::<u8>(), 0..=MAX_ENTRIES)) {
        let entries: Vec<_> = numbers.into_iter().map(entry).collect();
        prop_assert_eq!(decode(&encode(&entries)), Some(entries));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(entries) = decode(&bytes) {
            prop_assert_eq!(encode(&entries), bytes);
        }
    }
}

#[test]
fn another_version_and_half_an_entry_are_not_read() {
    let mut bytes = encode(&[entry(1)]);
    assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
    bytes[0] = 2;
    assert_eq!(decode(&bytes), None);
    assert_eq!(decode(&[]), None);
}

#[test]
fn another_try_of_a_document_has_the_same_bytes_whatever_came_meanwhile() {
    let mut outlet = Outlet::new(process(7));
    assert_eq!(outlet.document(), None);
    outlet.push([entry(1), entry(2)]);
    let first = DocumentId { process: process(7), number: 1 };
    assert_eq!(outlet.document(), Some((first, &[entry(1), entry(2)][..])));
    outlet.push([entry(3)]);
    assert_eq!(outlet.document(), Some((first, &[entry(1), entry(2)][..])));
    outlet.acknowledged();
    let second = DocumentId { number: 2, ..first };
    assert_eq!(outlet.document(), Some((second, &[entry(3)][..])));
    outlet.acknowledged();
    assert!(outlet.is_empty());
    // Nothing was written, so no number is used up.
    outlet.acknowledged();
    outlet.push([entry(4)]);
    assert_eq!(outlet.document().unwrap().0.number, 3);
}

#[test]
fn a_document_has_as_many_entries_as_fit() {
    let mut outlet = Outlet::new(process(1));
    outlet.push(std::iter::repeat_n(entry(1), MAX_ENTRIES + 1));
    assert_eq!(outlet.document().unwrap().1.len(), MAX_ENTRIES);
    outlet.acknowledged();
    assert_eq!((outlet.len(), outlet.document().unwrap().1.len()), (1, 1));
}
