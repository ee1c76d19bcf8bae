#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn text(text: &str) -> Part {
    Part::Text(text.into())
}

fn key(path: &str) -> Part {
    Part::Key(KeyPath::new(path).unwrap())
}

#[test]
fn a_sentence_is_text_and_places_for_values() {
    for (written, parts) in [
        ("Signed in", vec![text("Signed in")]),
        ("Order {orderId}", vec![text("Order "), key("orderId")]),
        ("{a}{b.c}", vec![key("a"), key("b.c")]),
        (" {$current_url} ", vec![text(" "), key("$current_url"), text(" ")]),
        ("{{{a}}}", vec![text("{"), key("a"), text("}")]),
        ("{{a}} {{", vec![text("{a} {")]),
        ("ж{order number}🦀", vec![text("ж"), key("order number"), text("🦀")]),
    ] {
        assert_eq!(Sentence::parse(written).unwrap().parts(), parts, "{written}");
    }
}

#[test]
fn what_is_no_sentence_is_told_with_its_place() {
    let (longest, longer) = ("ж".repeat(200), "ж".repeat(201));
    Sentence::parse(&longest).unwrap();
    let no_key = |key: &str| SentenceError::NoKey(key.to_owned());
    for (written, error) in [
        ("", SentenceError::Length),
        (longer.as_str(), SentenceError::Length),
        (" \u{a0}", SentenceError::Blank),
        ("a\tb", SentenceError::Control),
        ("a\u{85}b", SentenceError::Control),
        ("żó {orderId for", SentenceError::Unclosed(4)),
        ("{", SentenceError::Unclosed(1)),
        ("{a{b}", SentenceError::Unclosed(1)),
        ("{{{", SentenceError::Unclosed(3)),
        ("żó}", SentenceError::Unopened(3)),
        ("{a}}", SentenceError::Unopened(4)),
        ("{{a}", SentenceError::Unopened(4)),
        ("{}", no_key("")),
        ("{a..b}", no_key("a..b")),
        ("{ a }", no_key(" a ")),
    ] {
        assert_eq!(Sentence::parse(written), Err(error), "{written:?}");
    }
    let told = Sentence::parse("a {b").unwrap_err().to_string();
    assert_eq!(
        told,
        "opens a brace at character 3 and does not close it; write {{ for one that is shown"
    );
    let told = Sentence::parse("a}").unwrap_err().to_string();
    assert!(told.ends_with("write }} for one that is shown"), "{told}");
}

/// Texts and numbers, as a page would show them.
fn shown(payload: &Value, path: &[Box<str>]) -> Option<String> {
    let value = path.iter().try_fold(payload, |value, key| value.get(&**key))?;
    value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()))
}

#[test]
fn a_sentence_is_filled_as_a_whole_or_not_at_all() {
    let sentence = Sentence::parse("Placed {orderId} for {cart.total} {{EUR}}").unwrap();
    let payload = json!({ "orderId": "{A-1}", "cart": { "total": 12 }, "total": 7 });
    let filled = sentence.fill(|path| shown(&payload, path)).unwrap();
    let value = |text: &str| Piece::Value(text.to_owned());
    let expected = [
        Piece::Text("Placed "),
        value("{A-1}"),
        Piece::Text(" for "),
        value("12"),
        Piece::Text(" {EUR}"),
    ];
    assert_eq!(filled, expected);

    for lacking in [json!({ "orderId": "A-1", "cart": 12 }), json!({ "cart": { "total": 1 } })] {
        assert_eq!(sentence.fill(|path| shown(&lacking, path)), None, "{lacking}");
    }
    let plain = Sentence::parse("Signed in").unwrap();
    assert_eq!(plain.fill(|_| None).unwrap(), [Piece::Text("Signed in")]);
}

/// Sentences made of their parts, and of braces that come as they like.
fn written() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        "[a-z ж🦀.$]{1,5}",
        Just("{{".to_owned()),
        Just("}}".to_owned()),
        "\\{[a-z$]{1,3}(\\.[a-z ]{0,2}ж){0,2}\\}",
        "[{}]",
    ];
    vec(pieces, 1..12).prop_map(|pieces| pieces.concat())
}

/// The same, read in another way: a letter at a time.
fn expected(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let (mut plain, mut inside) = (String::new(), None::<String>);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, &mut inside) {
            ('}', Some(path)) => {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain).into()));
                }
                parts.push(Part::Key(KeyPath::new(path)?));
                inside = None;
            }
            ('{', Some(_)) => return None,
            (letter, Some(path)) => path.push(letter),
            ('{' | '}', None) if letters.peek() == Some(&letter) => {
                letters.next();
                plain.push(letter);
            }
            ('{', None) => inside = Some(String::new()),
            ('}', None) => return None,
            (letter, None) => plain.push(letter),
        }
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain.into()));
    }
    inside.is_none().then_some(parts)
}

proptest! {
    #[test]
    fn a_sentence_is_written_as_it_was_read(text in written()) {
        let read = Sentence::parse(&text).ok();
        if !text.trim().is_empty() {
            let parts = read.as_ref().map(|sentence| sentence.parts().to_vec());
            prop_assert_eq!(&parts, &expected(&text));
        }
        if let Some(sentence) = read {
            prop_assert_eq!(sentence.to_string(), text);
        }
    }

    #[test]
    fn no_text_breaks_the_reader(text in any::<String>()) {
        if let Ok(sentence) = Sentence::parse(&text) {
            prop_assert_eq!(sentence.to_string(), text);
        }
    }
}
