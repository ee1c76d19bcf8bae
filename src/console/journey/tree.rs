//! A value of JSON as nested details.

use askama::Template;

use super::json::Json;

/// Levels that are open at first.
const OPEN: usize = 2;

/// Characters of a text that are shown before it is cut.
const MOST_CHARS: usize = 300;

/// Entries of one list or object that are shown; the rest is in the copied JSON.
const MOST_ENTRIES: usize = 200;

/// One value, and what it is called.
#[derive(Template)]
#[template(path = "journey/tree.html")]
pub struct Tree<'a> {
    key: &'a str,
    value: &'a Json,
    depth: usize,
}

impl<'a> Tree<'a> {
    /// The whole of a value.
    pub fn new(key: &'a str, value: &'a Json) -> Self {
        Self { key, value, depth: 0 }
    }

    fn is_open(&self) -> bool {
        self.depth < OPEN
    }

    fn children(&self) -> Vec<(String, &'a Json)> {
        match self.value {
            Json::Object(entries) => {
                let entries = entries.iter().take(MOST_ENTRIES);
                entries.map(|(key, value)| (key.clone(), value)).collect()
            }
            Json::List(items) => {
                let items = items.iter().take(MOST_ENTRIES).enumerate();
                items.map(|(index, value)| (index.to_string(), value)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn child<'b>(&self, key: &'b str, value: &'b Json) -> Tree<'b> {
        Tree { key, value, depth: self.depth + 1 }
    }

    /// How many parts it has, in words; `None` where it has none.
    fn size(&self) -> Option<String> {
        let of = |count: usize, one: &str, many: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {many}"),
        };
        match self.value {
            Json::Object(entries) => Some(of(entries.len(), "key", "keys")),
            Json::List(items) => Some(of(items.len(), "item", "items")),
            _ => None,
        }
    }

    fn left_out(&self) -> usize {
        let count = match self.value {
            Json::Object(entries) => entries.len(),
            Json::List(items) => items.len(),
            _ => 0,
        };
        count.saturating_sub(MOST_ENTRIES)
    }

    /// The class of its colour, and its text.
    fn scalar(&self) -> (&'static str, String) {
        match self.value {
            Json::Text(text) => ("s", format!("\"{text}\"")),
            Json::Number(number) => ("n", number.clone()),
            Json::Bool(truth) => ("l", truth.to_string()),
            _ => ("l", "null".to_owned()),
        }
    }

    /// A text that is too long, as its beginning.
    fn beginning(&self) -> Option<String> {
        let Json::Text(text) = self.value else { return None };
        let (cut, _) = text.char_indices().nth(MOST_CHARS)?;
        Some(format!("\"{}…", &text[..cut]))
    }

    /// Where a text leads that is the address of a page.
    fn address(&self) -> Option<&str> {
        let Json::Text(text) = self.value else { return None };
        let is_web = text.starts_with("https://") || text.starts_with("http://");
        let is_one = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        (is_web && is_one).then_some(text)
    }
}
