//! Which value of a payload is meant: a key of its outermost object, or several keys from
//! the outside to the inside, with dots between them.

use std::fmt;

/// Bytes of a key at the most, and of a path.
const MAX_KEY_BYTES: usize = 64;
const MAX_BYTES: usize = 256;

/// What a path must be, for whoever wrote another.
pub const FORM: &str = "keys of 1 to 64 bytes with dots between them, 256 bytes in all, without \
                        braces, control characters, and blanks at their ends";

/// Where in a payload a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPath(Box<[Box<str>]>);

impl KeyPath {
    /// What [`FORM`] says; `None` for another text. No index is made of it, so that keys may
    /// have what a database takes for its own, such as the `$` of `$current_url`.
    pub fn new(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let keys = text.split('.').map(|key| is_key(key).then(|| key.into()));
        keys.collect::<Option<_>>().map(Self)
    }

    /// Its keys, the outermost first.
    pub fn keys(&self) -> &[Box<str>] {
        &self.0
    }
}

fn is_key(key: &str) -> bool {
    let is_out_of_place = |c: char| c.is_control() || c == '{' || c == '}';
    (1..=MAX_KEY_BYTES).contains(&key.len()) && key.trim() == key && !key.contains(is_out_of_place)
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_path_has_its_keys_and_is_written_as_it_was_read() {
        let (key, path) = ("x".repeat(64), ["y"; 128].join("."));
        for (text, keys) in [
            ("total", vec!["total"]),
            ("cart.total", vec!["cart", "total"]),
            ("$set.E-Mail 'ß'.漢", vec!["$set", "E-Mail 'ß'", "漢"]),
            (&key, vec![&key]),
            (&path, vec!["y"; 128]),
        ] {
            let read = KeyPath::new(text).unwrap();
            assert!(read.keys().iter().map(|key| &**key).eq(keys), "{text}");
            assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn what_names_no_value_is_no_path() {
        let (key, path) = ("ä".repeat(33), ["y"; 129].join("."));
        let wrong =
            ["", ".", "a.", ".a", "a..b", " a", "a. b", "a{", "}", "a\0", "a\n", "a\u{85}b"];
        for wrong in wrong.into_iter().chain([key.as_str(), &path]) {
            assert_eq!(KeyPath::new(wrong), None, "{wrong:?}");
        }
    }
}
