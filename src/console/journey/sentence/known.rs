//! The types that have a sentence of their own.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::pieces::{Hue, Piece, money, object, page_of, plain};
use crate::console::journey::json::Json;

/// What sentences of one type are made of.
pub struct Known {
    /// How trackers call it; the first is our own name.
    names: &'static [&'static str],
    pub hue: Hue,
    pub icon: &'static str,
    verb: &'static str,
    about: About,
    /// What follows what it is about.
    tail: &'static str,
}

/// What a sentence is about.
enum About {
    /// The first of these keys that says something; without one the verb has to do.
    Keys(&'static [&'static str]),
    /// The page.
    Page,
    /// From where somebody came.
    Source,
    /// A sum with its currency, and the id of an order.
    Order,
    /// Nothing.
    Nothing,
}

const fn known(
    names: &'static [&'static str],
    look: (Hue, &'static str),
    verb: &'static str,
    about: About,
) -> Known {
    Known { names, hue: look.0, icon: look.1, verb, about, tail: "" }
}

const NAMED: About =
    About::Keys(&["name", "product", "productName", "product_name", "title", "sku"]);

static KNOWN: [Known; 28] = [
    known(
        &["page_view", "page", "$pageview", "pageview", "screen", "$screen"],
        (Hue::Nav, "page"),
        "Viewed",
        About::Page,
    ),
    known(&["page_leave", "$pageleave"], (Hue::Nav, "out"), "Left", About::Page),
    known(&["session_start"], (Hue::Nav, "start"), "Came", About::Source),
    known(&["session_end"], (Hue::Nav, "out"), "Session ended", About::Nothing),
    known(
        &["button_click", "click", "$autocapture", "link_click"],
        (Hue::Act, "click"),
        "Clicked",
        About::Keys(&["button", "text", "label", "$el_text", "name", "id"]),
    ),
    known(
        &["form_submit"],
        (Hue::Form, "form"),
        "Submitted form",
        About::Keys(&["form", "name", "formName", "id"]),
    ),
    known(
        &["error", "exception", "$exception", "js_error"],
        (Hue::Err, "error"),
        "Error:",
        About::Keys(&["message", "error", "$exception_message", "code", "name"]),
    ),
    known(
        &["payment_failed", "payment_declined"],
        (Hue::Err, "card"),
        "Payment failed:",
        About::Keys(&["error", "reason", "message", "code"]),
    ),
    known(&["identify", "$identify"], (Hue::Id, "person"), "Became known", About::Nothing),
    known(
        &["sign_up", "signup", "Signed Up", "user_signed_up", "register"],
        (Hue::Id, "person"),
        "Signed up",
        About::Nothing,
    ),
    known(
        &["sign_in", "login", "Signed In", "user_logged_in"],
        (Hue::Id, "key"),
        "Signed in",
        About::Nothing,
    ),
    known(&["sign_out", "logout", "Signed Out"], (Hue::Id, "out"), "Signed out", About::Nothing),
    known(
        &["group", "$groupidentify"],
        (Hue::Id, "account"),
        "Belongs to",
        About::Keys(&["name", "groupId", "group_id", "$group_key"]),
    ),
    known(
        &["alias", "$create_alias"],
        (Hue::Id, "link"),
        "Is also called",
        About::Keys(&["alias", "previousId"]),
    ),
    known(
        &["search", "Products Searched"],
        (Hue::Act, "find"),
        "Searched for",
        About::Keys(&["query", "q", "term", "text"]),
    ),
    known(&["product_view", "Product Viewed"], (Hue::Nav, "bag"), "Looked at", NAMED),
    Known {
        tail: " to the cart",
        ..known(
            &["add_to_cart", "Product Added", "product_added"],
            (Hue::Buy, "bag"),
            "Added",
            NAMED,
        )
    },
    Known {
        tail: " out of the cart",
        ..known(
            &["remove_from_cart", "Product Removed", "product_removed"],
            (Hue::Buy, "bag"),
            "Took",
            NAMED,
        )
    },
    known(
        &["checkout_started", "checkout_start", "begin_checkout", "Checkout Started"],
        (Hue::Buy, "card"),
        "Went to the checkout",
        About::Nothing,
    ),
    known(
        &["purchase", "order_placed", "order_completed", "Order Completed"],
        (Hue::Buy, "check"),
        "Placed order",
        About::Order,
    ),
    known(
        &["payment", "payment_succeeded", "payment_completed"],
        (Hue::Buy, "card"),
        "Paid",
        About::Order,
    ),
    known(
        &["refund", "order_refunded", "Order Refunded"],
        (Hue::Buy, "retry"),
        "Was refunded",
        About::Order,
    ),
    known(
        &["video_play", "Video Playback Started"],
        (Hue::Act, "right"),
        "Played",
        About::Keys(&["title", "videoId", "video", "name"]),
    ),
    known(
        &["video_pause", "Video Playback Paused"],
        (Hue::Act, "clock"),
        "Paused",
        About::Keys(&["title", "videoId", "video", "name"]),
    ),
    known(
        &["download", "file_download"],
        (Hue::Act, "save"),
        "Downloaded",
        About::Keys(&["file", "name", "fileName", "url"]),
    ),
    known(
        &["support_chat_opened", "chat_opened"],
        (Hue::Other, "chat"),
        "Opened the support chat",
        About::Nothing,
    ),
    known(
        &["message_sent", "support_message"],
        (Hue::Other, "chat"),
        "Wrote:",
        About::Keys(&["message", "text", "subject"]),
    ),
    known(
        &["email_opened", "Email Opened"],
        (Hue::Other, "form"),
        "Opened the e-mail",
        About::Keys(&["subject", "campaign", "name"]),
    ),
];

impl Known {
    /// The one that is called so.
    pub fn named(kind: &str) -> Option<&'static Self> {
        static BY_NAME: LazyLock<HashMap<&str, &Known>> = LazyLock::new(|| {
            KNOWN
                .iter()
                .flat_map(|known| known.names.iter().map(move |name| (*name, known)))
                .collect()
        });
        BY_NAME.get(kind).copied()
    }

    /// The sentence, and the keys that it used; `None` where it would say nothing that
    /// the type's name does not say better.
    pub fn say(&self, payload: &Json) -> Option<(Vec<Piece>, Vec<&'static str>)> {
        let verb = |text: &str| plain(&format!("{} {text}", self.verb));
        match &self.about {
            About::Nothing => {
                Some((vec![Piece { text: self.verb.to_owned(), is_object: true }], Vec::new()))
            }
            About::Page => {
                let page = page_of(payload)?;
                Some((vec![verb(""), object(&page)], vec!["path", "url", "page"]))
            }
            About::Keys(keys) => {
                let (key, said) =
                    keys.iter().find_map(|key| Some((*key, payload.get(key)?.words()?)))?;
                let mut pieces = vec![verb(""), object(&said)];
                pieces.extend((!self.tail.is_empty()).then(|| plain(self.tail)));
                Some((pieces, vec![key]))
            }
            About::Source => Some(source(payload)),
            About::Order => {
                let id = ["orderId", "order_id", "order", "id"]
                    .into_iter()
                    .find_map(|key| Some((key, payload.get(key)?.words()?)));
                let sum = ["total", "amount", "revenue", "value"]
                    .into_iter()
                    .find_map(|key| Some((key, payload.get(key)?)));
                let sum = sum.and_then(|(key, sum)| match sum {
                    Json::Number(number) => Some((key, money(number, payload))),
                    _ => None,
                });
                let (mut pieces, mut used) = (vec![verb("")], Vec::new());
                if let Some((key, id)) = &id {
                    pieces.push(object(id));
                    used.push(*key);
                }
                if let Some((key, sum)) = &sum {
                    pieces.extend(id.is_some().then(|| plain(" for ")));
                    pieces.push(object(sum));
                    used.push(*key);
                }
                (pieces.len() > 1).then_some((pieces, used))
            }
        }
    }
}

/// From where a visit came: a campaign, another site, or nowhere that is known.
fn source(payload: &Json) -> (Vec<Piece>, Vec<&'static str>) {
    let words = |key: &str| payload.get(key).and_then(Json::words);
    if let Some(campaign) = words("campaign").or_else(|| words("utm_campaign")) {
        let pieces = vec![plain("Came from the campaign "), object(&campaign)];
        return (pieces, vec!["campaign", "utm_campaign"]);
    }
    for key in ["source", "utm_source", "referrer", "$referrer"] {
        if let Some(source) = words(key).filter(|source| source != "$direct") {
            let host = source.split_once("://").map_or(&*source, |(_, rest)| rest);
            let host = host.split('/').next().unwrap_or(host);
            return (vec![plain("Came from "), object(host)], vec!["source", "utm_source"]);
        }
    }
    (vec![Piece { text: "Began a session".to_owned(), is_object: true }], Vec::new())
}
