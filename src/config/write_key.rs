//! A key that trackers send with their events, and the name by which it is
//! known to people.

use std::collections::HashSet;
use std::fmt;

const RULE: &str = "must be a list of name:key, the name of letters, digits, \"-\", \"_\" and \
                    \".\", the key of 16 to 200 letters, digits, \"-\", \"_\" and \".\"";

/// One write key. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct WriteKey {
    /// By what people know it.
    pub name: String,
    key: String,
}

impl WriteKey {
    /// The key itself: for comparing alone.
    pub fn expose(&self) -> &str {
        &self.key
    }

    /// Reads the list; the error says what is allowed, and shows no key.
    pub(super) fn parse_all(items: &[String]) -> Result<Vec<Self>, String> {
        let keys: Option<Vec<Self>> = items.iter().map(|item| Self::parse(item)).collect();
        let keys = keys.ok_or(RULE)?;
        let mut seen = HashSet::new();
        match keys.iter().find(|one| !seen.insert(&one.name) || !seen.insert(&one.key)) {
            Some(twice) => Err(format!(
                "must name each key once, and no two the same; look at {:?}",
                twice.name
            )),
            None => Ok(keys),
        }
    }

    fn parse(item: &str) -> Option<Self> {
        let (name, key) = item.split_once(':')?;
        let is_plain =
            |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let is_right = (1..=64).contains(&name.len())
            && (16..=200).contains(&key.len())
            && is_plain(name)
            && is_plain(key);
        is_right.then(|| Self { name: name.to_owned(), key: key.to_owned() })
    }
}

impl fmt::Debug for WriteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&format!("{}:", self.name)))
    }
}

/// One item with its key hidden; all of it, where no name can be told.
pub(super) fn mask(item: &str) -> String {
    match item.split_once(':') {
        Some((name, _)) => format!("{name}:***"),
        None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(items: &[&str]) -> Result<Vec<WriteKey>, String> {
        let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
        WriteKey::parse_all(&items)
    }

    #[test]
    fn keys_have_names() {
        let keys = parse(&["shop:wk-0123456789-shop", "app:wk-0123456789-app1"]).unwrap();
        assert_eq!(keys[0].name, "shop");
        assert_eq!(keys[0].expose(), "wk-0123456789-shop");
        assert_eq!(parse(&[]).unwrap(), []);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for items in [
            vec!["wk-0123456789-shop"],
            vec!["shop:short"],
            vec!["shop:wk 0123456789 shop"],
            vec![":wk-0123456789-shop"],
            vec![""],
            vec!["a:wk-0123456789-shop", "a:wk-0123456789-else"],
            vec!["a:wk-0123456789-shop", "b:wk-0123456789-shop"],
        ] {
            let rule = parse(&items).unwrap_err();
            assert!(!rule.contains("0123456789"), "{rule}");
        }
    }

    #[test]
    fn debug_shows_the_name_alone() {
        let keys = parse(&["shop:wk-0123456789-shop"]).unwrap();
        assert_eq!(format!("{keys:?}"), "[shop:***]");
    }
}
