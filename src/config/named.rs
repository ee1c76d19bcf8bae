//! Sections that may be there several times, under names that the operator chooses:
//! `[processors.NAME]`. What each may hold is what `[processors.default]` holds.

use std::collections::BTreeSet;

use toml::Table;

/// What all of them are below.
pub const SECTION: &str = "processors";

/// The one that the table has.
pub const TEMPLATE: &str = "processors.default";

/// The names that a file and the paths of flags give, but for that of the template
/// and for those that cannot be one.
pub fn names<'a>(
    file: Option<&'a Table>,
    flags: impl Iterator<Item = &'a str>,
) -> BTreeSet<String> {
    let sections = file.and_then(|table| table.get(SECTION)?.as_table());
    let in_file = sections.into_iter().flatten().filter(|(_, value)| value.is_table());
    let in_file = in_file.map(|(name, _)| name.as_str());
    let in_flags = flags.filter_map(|path| Some(below(path)?.split_once('.')?.0));
    let is_added = |name: &&str| is_name(name) && below(TEMPLATE) != Some(*name);
    in_file.chain(in_flags).filter(is_added).map(str::to_owned).collect()
}

/// Whether a path is that of something within [`SECTION`].
pub fn is_below(path: &str) -> bool {
    below(path).is_some()
}

/// Whether a path that no setting has lacks the name.
pub fn is_nameless(path: &str) -> bool {
    path == SECTION || below(path).is_some_and(|rest| !rest.contains('.'))
}

/// The section of a path that no setting has, if its name cannot be one.
pub fn wrongly_named(path: &str) -> Option<&str> {
    let (name, key) = below(path)?.split_once('.')?;
    (!is_name(name)).then(|| &path[..path.len() - key.len() - 1])
}

/// It becomes part of the names of collections, of paths and of the labels of metrics:
/// these characters mean nothing else in any of them.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(is_plain)
}

fn below(path: &str) -> Option<&str> {
    path.strip_prefix(SECTION)?.strip_prefix('.')
}
