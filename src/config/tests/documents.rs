//! That what people read about settings is all there and true.

use std::collections::BTreeSet;

use super::*;

const DOT_ENV_EXAMPLE: &str = include_str!("../../../.env.example");

/// The lines of a document that set something, as name and value, each with
/// the line above it. `setting` takes a line apart.
fn assignments<'a>(
    document: &'a str,
    setting: impl Fn(&'a str) -> Option<(&'a str, &'a str)>,
) -> Vec<(&'a str, &'a str, &'a str)> {
    let mut above = "";
    let mut found = Vec::new();
    for line in document.lines() {
        if let Some((name, value)) = setting(line) {
            found.push((above, name, value));
        }
        above = line;
    }
    found
}

#[test]
fn every_setting_of_the_defaults_is_read_and_none_else_in_the_file_s_order() {
    let loaded = from_environment(&[]).unwrap();
    let read: Vec<&str> = loaded.entries.iter().map(|entry| entry.path).collect();
    let catalog = Catalog::compiled_in().unwrap();
    let documented: BTreeSet<&str> = catalog.defaults().map(|(path, _)| path).collect();
    assert_eq!(read.iter().copied().collect::<BTreeSet<_>>(), documented);
    assert_eq!(read.len(), documented.len(), "none is read twice");

    let keys_read: Vec<&str> = read.iter().map(|path| path.rsplit('.').next().unwrap()).collect();
    let keys_in_file: Vec<&str> = default_keys().iter().map(|(_, key, _)| *key).collect();
    assert_eq!(keys_read, keys_in_file);
}

fn default_keys() -> Vec<(&'static str, &'static str, &'static str)> {
    assignments(DEFAULTS, |line| {
        let starts_with_a_key = line.starts_with(|c: char| c.is_ascii_lowercase());
        line.split_once(" = ").filter(|_| starts_with_a_key)
    })
}

#[test]
fn every_default_has_a_comment_above_it() {
    for (above, key, _) in default_keys() {
        assert!(above.starts_with("# "), "{key} has no comment");
    }
}

#[test]
fn settings_with_a_unit_name_it_in_their_comment() {
    for block in DEFAULTS.split("\n\n") {
        let says = |word| block.to_lowercase().contains(word);
        let has_key_ending =
            |ending| block.lines().any(|line| !line.starts_with('#') && line.contains(ending));
        assert!(!has_key_ending("_ms = ") || says("milliseconds"), "{block}");
        assert!(!has_key_ending("_bytes = ") || says("bytes"), "{block}");
        assert!(!has_key_ending("_days = ") || says("days"), "{block}");
    }
}

fn example_variables() -> Vec<(&'static str, &'static str, &'static str)> {
    assignments(DOT_ENV_EXAMPLE, |line| {
        let starts_with_a_name = line.starts_with(|c: char| c == '#' || c.is_ascii_uppercase());
        let name_and_value = line.strip_prefix('#').unwrap_or(line).split_once('=');
        name_and_value.filter(|(name, _)| starts_with_a_name && !name.contains(' '))
    })
}

#[test]
fn the_example_of_dot_env_names_every_setting_in_the_same_order_with_a_comment() {
    let loaded = from_environment(&[]).unwrap();
    let expected: Vec<String> =
        loaded.entries.iter().map(|entry| catalog::environment_name(entry.path)).collect();
    let variables = example_variables();
    let named: Vec<&str> = variables.iter().map(|(_, name, _)| *name).collect();
    assert_eq!(named, expected);
    for (above, name, _) in variables {
        assert!(above.starts_with("# "), "{name} has no comment");
    }
}

#[test]
fn the_example_of_dot_env_changes_nothing_when_it_is_copied() {
    let copied = from_dot_env(DOT_ENV_EXAMPLE).unwrap();
    assert!(copied.entries.iter().all(|entry| entry.origin == Origin::Default));
}

#[test]
fn the_example_of_dot_env_shows_the_defaults() {
    let uncommented: String =
        example_variables().iter().map(|(_, name, value)| format!("{name}={value}\n")).collect();
    let defaults = from_environment(&[]).unwrap();
    let loaded = from_dot_env(&uncommented).unwrap();
    for (shown, default) in loaded.entries.iter().zip(&defaults.entries) {
        assert_eq!(shown.value, default.value, "{}", shown.path);
        let set = shown.origin != Origin::Default;
        let is_nothing = ["\"\"", "[]"].contains(&default.value.as_str());
        assert_eq!(set, !is_nothing, "{}", shown.path);
    }
}
