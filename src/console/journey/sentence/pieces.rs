//! What sentences are put together of. Pure.

use crate::console::journey::json::Json;

/// Characters of what a sentence is about.
const OBJECT_CHARS: usize = 120;

/// What an event is like: its hue, which is a class of the stylesheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hue {
    Nav,
    Act,
    Form,
    Buy,
    Id,
    Err,
    Other,
}

impl Hue {
    /// The class.
    pub fn class(self) -> &'static str {
        match self {
            Self::Nav => "k-nav",
            Self::Act => "k-act",
            Self::Form => "k-form",
            Self::Buy => "k-buy",
            Self::Id => "k-id",
            Self::Err => "k-err",
            Self::Other => "k-other",
        }
    }
}

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    /// Whether it is what the sentence is about.
    pub is_object: bool,
}

/// Of the sentence itself.
pub fn plain(text: &str) -> Piece {
    Piece { text: text.to_owned(), is_object: false }
}

/// What the sentence is about.
pub fn object(text: &str) -> Piece {
    Piece { text: cut(text, OBJECT_CHARS), is_object: true }
}

/// A text of at most so many characters, on one line.
pub fn cut(text: &str, most: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A sum, with its currency where the payload has one.
pub fn money(number: &str, payload: &Json) -> String {
    match payload.get("currency").and_then(Json::words) {
        Some(currency) => match number.parse::<f64>() {
            Ok(sum) => format!("{sum:.2} {currency}"),
            Err(_) => format!("{number} {currency}"),
        },
        None => number.to_owned(),
    }
}

/// Whether a text is the address of a page.
pub fn looks_like_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// The path of an address: the rest says little at a glance.
pub fn path_of(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |slash| &rest[slash..]);
    let end = path.find(['?', '#']).unwrap_or(path.len());
    path[..end].to_owned()
}

/// The page that an event is of, as its path.
pub fn page_of(payload: &Json) -> Option<String> {
    const KEYS: [&str; 7] =
        ["path", "url", "pathname", "current_url", "$pathname", "$current_url", "page"];
    KEYS.into_iter().find_map(|key| {
        let words = payload.get(key)?.words()?;
        Some(if looks_like_address(&words) { path_of(&words) } else { cut(&words, OBJECT_CHARS) })
    })
}
