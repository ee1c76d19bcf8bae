#![allow(clippy::expect_used)]

use super::*;
use crate::access::team::path::KeyPath;
use crate::access::team::sentence::Sentence as Template;

fn said(kind: &str, payload: &str) -> String {
    let sentence = Sentence::of(kind, &Json::payload(payload), &TeamSettings::default());
    let props = sentence.props.iter().map(|(key, value)| format!(" [{key} {value}]"));
    sentence.text() + &props.collect::<String>()
}

#[test]
fn known_types_are_sentences_of_their_usual_keys() {
    for (kind, payload, sentence) in [
        ("page_view", r#"{"path":"/pricing"}"#, "Viewed /pricing"),
        (
            "page_view",
            r#"{"url":"https://shop.example/lamps/arc?x=1#top","from":"/cart"}"#,
            "Viewed /lamps/arc [from /cart]",
        ),
        ("page_view", r#"{"url":"https://shop.example"}"#, "Viewed /"),
        ("button_click", r#"{"button":"Pay now","x":10}"#, "Clicked Pay now"),
        ("form_submit", r#"{"form":"delivery","fields":7}"#, "Submitted form delivery [fields 7]"),
        ("error", r#"{"message":"card_declined","attempt":2}"#, "Error: card_declined [attempt 2]"),
        ("search", r#"{"query":"red socks","results":3}"#, "Searched for red socks [results 3]"),
        (
            "add_to_cart",
            r#"{"name":"red socks","price":12.5,"currency":"EUR"}"#,
            "Added red socks to the cart [price 12.50 EUR]",
        ),
        (
            "purchase",
            r#"{"orderId":"A-1","total":189,"currency":"EUR"}"#,
            "Placed order A-1 for 189.00 EUR",
        ),
        ("purchase", r#"{"total":189}"#, "Placed order 189"),
        ("session_start", r#"{"referrer":"https://search.example/q"}"#, "Came from search.example"),
        ("session_start", r#"{"campaign":"autumn"}"#, "Came from the campaign autumn"),
        ("session_start", "{}", "Began a session"),
        ("identify", r#"{"traits":{"name":"x"}}"#, "Became known"),
    ] {
        assert_eq!(said(kind, payload), sentence, "{kind} {payload}");
    }
}

#[test]
fn other_types_are_sentences_of_their_names() {
    for (kind, payload, sentence) in [
        ("cart_abandoned", "{}", "Cart abandoned"),
        ("reportExported", r#"{"format":"pdf"}"#, "Report exported [format pdf]"),
        ("Plan Upgraded", "{}", "Plan Upgraded"),
        ("$feature.flag-called", "{}", "Feature flag called"),
        (
            "upload_failed",
            r#"{"reason":"too large","size":9}"#,
            "Upload failed: too large [size 9]",
        ),
        // A known type without what its sentence is about.
        ("page_view", "{}", "Page view"),
        ("purchase", "{}", "Purchase"),
        ("___", "{}", "___"),
    ] {
        assert_eq!(said(kind, payload), sentence, "{kind} {payload}");
    }
}

#[test]
fn only_a_few_short_plain_values_stand_inline() {
    let long = "x".repeat(PROP_CHARS + 1);
    let payload = format!(
        r#"{{"path":"/a","$browser":"Firefox","long":"{long}","list":[1],"none":null,"a":1,"b":true,"c":"x","d":4}}"#
    );
    assert_eq!(said("page_view", &payload), "Viewed /a [a 1] [b yes] [c x]");
}

#[test]
fn the_team_has_the_first_word() {
    let mut team = TeamSettings::default();
    let sentence = Template::parse("Ordered {cart.items} things for {total}").expect("a sentence");
    team.sentences.insert("purchase".into(), sentence);
    let keys = ["coupon", "cart.items", "none"].map(|key| KeyPath::new(key).expect("a path"));
    team.pinned_keys.insert("purchase".into(), keys.into());
    let told = |payload: &str| {
        let sentence = Sentence::of("purchase", &Json::payload(payload), &team);
        let props = sentence.props.iter().map(|(key, value)| format!(" [{key} {value}]"));
        sentence.text() + &props.collect::<String>()
    };
    let whole = r#"{"total":5,"cart":{"items":2},"coupon":"X","more":1}"#;
    assert_eq!(told(whole), "Ordered 2 things for 5 [coupon X] [items 2]");
    // Where a value is missing the usual sentence has to do.
    assert_eq!(told(r#"{"total":5}"#), "Placed order 5");
}

#[test]
fn what_failed_looks_so() {
    assert_eq!(look("upload_failed"), ("error", Hue::Err));
    assert_eq!(look("upload_done"), ("other", Hue::Other));
    assert_eq!(look("payment_failed"), ("card", Hue::Err));
}
