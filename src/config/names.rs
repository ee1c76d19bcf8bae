//! Names of types and of keys, as a setting has them.

use std::collections::HashSet;

/// Bytes of a type at the most.
pub const MAX_TYPE_BYTES: usize = 64;

/// Names, each once, of up to so many bytes.
pub fn names(what: &str, most: usize, names: Vec<String>) -> Result<Vec<String>, String> {
    let is_name = |name: &&String| (1..=most).contains(&name.len()) && is_clean(name);
    if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
        return Err(format!(
            "must be a list of {what} of 1 to {most} bytes without control characters; {wrong:?} \
             is not"
        ));
    }
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(*name)) {
        Some(twice) => Err(format!("must name each once; {twice:?} is there twice")),
        None => Ok(names),
    }
}

pub fn is_clean(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
