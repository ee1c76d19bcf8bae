//! What an event was, as a sentence: "Viewed /pricing". Pure.
//!
//! What the team has set for a type comes first. Known types are in a table, with the payload keys that the usual trackers send; any
//! other type is a sentence of its name. What follows inline are the first plain values
//! of the payload that the sentence has not used.

mod known;
mod pieces;

use super::json::Json;
use crate::access::team::sentence::Piece as Filled;
use crate::access::team::settings::TeamSettings;
use known::Known;
pub use pieces::{Hue, Piece, cut, page_of};
use pieces::{looks_like_address, money, object, path_of, plain};

/// Values that stand inline, at the most.
const MOST_PROPS: usize = 3;

/// Characters of one of them: what is longer says little at a glance.
const PROP_CHARS: usize = 40;

/// An event in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    pub hue: Hue,
    pub icon: &'static str,
    pub pieces: Vec<Piece>,
    /// Keys and values that stand inline.
    pub props: Vec<(String, String)>,
}

impl Sentence {
    /// Of an event of this type with this payload, as the team wants it.
    pub fn of(kind: &str, payload: &Json, team: &TeamSettings) -> Self {
        let known = Known::named(kind);
        let said = of_team(kind, payload, team).map(|pieces| (pieces, Vec::new()));
        let said = said.or_else(|| known.and_then(|known| known.say(payload)));
        let (pieces, used) = said.unwrap_or_else(|| of_name(kind, payload));
        let (icon, hue) = look_of(known, kind);
        Self {
            hue,
            icon,
            pieces,
            props: pinned(kind, payload, team).unwrap_or_else(|| props(payload, &used)),
        }
    }

    /// The whole as text.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| &*piece.text).collect()
    }
}

/// The icon and hue of a type, for a list of types.
pub fn look(kind: &str) -> (&'static str, Hue) {
    look_of(Known::named(kind), kind)
}

fn look_of(known: Option<&Known>, kind: &str) -> (&'static str, Hue) {
    match known {
        Some(known) => (known.icon, known.hue),
        None if sounds_wrong(kind) => ("error", Hue::Err),
        None => ("other", Hue::Other),
    }
}

/// A type as words: `support_chat_opened` and `supportChatOpened` are "Support chat
/// opened".
pub fn name(kind: &str) -> String {
    let mut words = String::with_capacity(kind.len() + 4);
    let mut was_small = false;
    for c in kind.trim_start_matches('$').chars() {
        match c {
            '_' | '-' | '.' | ' ' | ':' | '/' => {
                if !words.ends_with(' ') && !words.is_empty() {
                    words.push(' ');
                }
                was_small = false;
            }
            c if c.is_uppercase() && was_small => {
                words.push(' ');
                words.extend(c.to_lowercase());
                was_small = false;
            }
            c => {
                was_small = c.is_lowercase() || c.is_numeric();
                words.push(c);
            }
        }
    }
    let mut chars = words.trim_end().chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => kind.to_owned(),
    }
}

/// The sentence that the team has set for a type, where the payload has all of its values.
fn of_team(kind: &str, payload: &Json, team: &TeamSettings) -> Option<Vec<Piece>> {
    let filled = team.sentences.get(kind)?.fill(|keys| payload.at(keys)?.words())?;
    let pieces = filled.into_iter().map(|piece| match piece {
        Filled::Text(text) => plain(text),
        Filled::Value(value) => object(&value),
    });
    Some(pieces.collect())
}

/// The values that the team has pinned for a type; `None` where it has pinned none.
fn pinned(kind: &str, payload: &Json, team: &TeamSettings) -> Option<Vec<(String, String)>> {
    let values = team.pinned_keys.get(kind)?.iter().filter_map(|path| {
        let key = path.keys().last()?;
        let words = payload.at(path.keys())?.words()?;
        Some((name(key).to_lowercase(), cut(&words, PROP_CHARS)))
    });
    Some(values.collect())
}

/// The type in words; of what went wrong also why, and the key that says so.
fn of_name(kind: &str, payload: &Json) -> (Vec<Piece>, Vec<&'static str>) {
    let mut pieces = vec![Piece { text: name(kind), is_object: true }];
    let why = ["error", "message", "reason"]
        .into_iter()
        .find_map(|key| Some((key, payload.get(key)?.words()?)));
    let Some((key, why)) = why.filter(|_| sounds_wrong(kind)) else { return (pieces, Vec::new()) };
    pieces.push(plain(": "));
    pieces.push(object(&why));
    (pieces, vec![key])
}

fn sounds_wrong(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    ["error", "fail", "exception", "declined", "rejected", "crash", "timeout"]
        .iter()
        .any(|word| kind.contains(word))
}

/// What is worth a look beside the sentence.
fn props(payload: &Json, used: &[&str]) -> Vec<(String, String)> {
    let mut props = Vec::new();
    for (key, value) in payload.entries() {
        if props.len() == MOST_PROPS {
            break;
        }
        if used.contains(&&**key) || says_little(key) {
            continue;
        }
        if let Some(said) = prop(key, value, payload) {
            props.push((name(key).to_lowercase(), said));
        }
    }
    props
}

fn prop(key: &str, value: &Json, payload: &Json) -> Option<String> {
    let words = value.words().filter(|words| words.chars().count() <= PROP_CHARS)?;
    let is_money = ["price", "total", "amount", "revenue", "value"].contains(&key);
    match (is_money, value) {
        (true, Json::Number(number)) => Some(money(number, payload)),
        _ => Some(if looks_like_address(&words) { path_of(&words) } else { words }),
    }
}

/// What is for machines, or stands in the strip.
fn says_little(key: &str) -> bool {
    key.starts_with('$')
        || matches!(
            key,
            "x" | "y"
                | "width"
                | "height"
                | "scroll"
                | "loadMs"
                | "tookMs"
                | "durationMs"
                | "currency"
                | "locale"
                | "language"
                | "isReturning"
                | "timeZone"
                | "timezone"
                | "browser"
                | "os"
                | "device"
                | "userAgent"
                | "user_agent"
                | "ip"
                | "referrer"
                | "title"
        )
}

#[cfg(test)]
mod tests;
