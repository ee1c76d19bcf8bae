#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bson::raw::RawDocumentBuf;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, doc};
use proptest::prelude::*;

use super::*;

fn encoded(document: &Document) -> Vec<u8> {
    RawDocumentBuf::try_from(document).unwrap().into_bytes()
}

fn uuid(bytes: [u8; 16]) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: bytes.to_vec() })
}

/// Everything in a document, to its depths.
fn walked(document: &[u8]) -> Result<Vec<(String, Bson)>, Foreign> {
    let mut elements = Elements::of(document)?;
    let mut all = Vec::new();
    while let Some(Element { key, value }) = elements.next_element()? {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| Foreign);
        let value = match value {
            Value::Double(number) => Bson::Double(number),
            Value::Text(bytes) => Bson::String(text(bytes)?),
            Value::Document(inner) => Bson::Document(walked(inner)?.into_iter().collect()),
            Value::Array(inner) => {
                Bson::Array(walked(inner)?.into_iter().map(|(_, value)| value).collect())
            }
            Value::Uuid(bytes) => uuid(*bytes),
            Value::Boolean(value) => Bson::Boolean(value),
            Value::Date(millis) => Bson::DateTime(DateTime::from_millis(millis)),
            Value::Null => Bson::Null,
            Value::Int32(number) => Bson::Int32(number),
            Value::Int64(number) => Bson::Int64(number),
        };
        all.push((text(key)?, value));
    }
    Ok(all)
}

fn sample() -> Document {
    doc! {
        "": "empty", "text": "é\0\"", "yes": true, "no": false, "nothing": Bson::Null,
        "int": -7, "long": i64::MIN, "double": 0.1, "date": DateTime::from_millis(-1),
        "id": uuid([7; 16]), "inner": { "list": [1, [], { "k": "v" }] }, "none": {},
    }
}

#[test]
fn a_document_is_walked_as_the_bson_crate_walks_it() {
    let walked: Document = walked(&encoded(&sample())).unwrap().into_iter().collect();
    assert_eq!(walked, sample());
    assert_eq!(super::tests::walked(&encoded(&doc! {})), Ok(Vec::new()));
}

#[test]
fn what_we_do_not_write_is_foreign() {
    let short = Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 15] };
    let generic = Binary { subtype: BinarySubtype::Generic, bytes: vec![1; 16] };
    for value in [
        Bson::ObjectId(bson::oid::ObjectId::from_bytes([1; 12])),
        Bson::Binary(short),
        Bson::Binary(generic),
        Bson::MinKey,
        Bson::Symbol("s".to_owned()),
    ] {
        let document = encoded(&doc! { "a": 1, "b": value });
        assert_eq!(walked(&document), Err(Foreign));
    }
}

#[test]
fn a_document_that_is_cut_is_foreign() {
    let whole = encoded(&sample());
    for length in 0..whole.len() {
        assert_eq!(walked(&whole[..length]), Err(Foreign), "{length} bytes");
    }
}

proptest! {
    /// Where both can read a document, they agree; and nothing panics.
    #[test]
    fn a_damaged_document_is_never_read_otherwise(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encoded(&sample());
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(walked) = walked(&bytes) {
            let read = Document::try_from(&*RawDocumentBuf::from_bytes(bytes).unwrap()).unwrap();
            let walked: Document = walked.into_iter().collect();
            // NaN is not itself; its text is.
            prop_assert_eq!(format!("{walked:?}"), format!("{read:?}"));
        }
    }
}
