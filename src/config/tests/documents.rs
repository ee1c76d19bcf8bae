//! That what people read about settings is all there and true.

use toml::{Table, Value};

use super::*;

const DOT_ENV_EXAMPLE: &str = include_str!("../../../.env.example");

fn catalog() -> Catalog {
    Catalog::compiled_in().unwrap()
}

fn leaves(section: &str, table: &Table, paths: &mut Vec<String>) {
    for (key, value) in table {
        let path = catalog::join(section, key);
        match value {
            Value::Table(inner) => leaves(&path, inner, paths),
            _ => paths.push(path),
        }
    }
}

#[test]
fn every_value_of_the_table_is_a_setting() {
    let mut values = Vec::new();
    leaves("", &toml::from_str(DEFAULTS).unwrap(), &mut values);
    let mut settings: Vec<String> =
        catalog().settings().map(|setting| setting.path.clone()).collect();
    values.sort();
    settings.sort();
    assert_eq!(settings, values);
}

#[test]
fn the_table_and_the_structs_are_of_the_same_settings() {
    let loaded = from_environment(&[]).unwrap();
    let read: Vec<&str> = loaded.entries.iter().map(|entry| entry.path.as_str()).collect();
    let catalog = catalog();
    let listed: Vec<&str> = catalog.settings().map(|setting| setting.path.as_str()).collect();
    assert_eq!(read, listed);
}

/// What a struct and the table do not share is a defect, and no setting's mistake.
#[test]
fn a_struct_with_a_field_more_or_less_is_refused() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NoSection {}

    #[derive(Debug, Deserialize)]
    struct WithMore {
        #[serde(rename = "http")]
        _http: More,
    }

    #[derive(Debug, Deserialize)]
    struct More {
        #[serde(rename = "colour")]
        _colour: String,
    }

    let catalog = catalog();
    let reader = || {
        let mut catalog_of_layers = Catalog::compiled_in().unwrap();
        let (overrides, environment) = (Overrides::default(), Environment::default());
        let layers = Layers::collect(&mut catalog_of_layers, &overrides, &environment);
        Reader::new(&catalog, layers)
    };
    let less = reader().fill::<NoSection>().unwrap_err().to_string();
    assert!(less.contains("and the structs differ: unknown field `access`"), "{less}");
    let more = reader().fill::<WithMore>().unwrap_err().to_string();
    assert!(more.contains("and the structs differ: missing field `colour`"), "{more}");
}

#[test]
fn every_setting_has_prose() {
    for setting in catalog().settings() {
        let lines: Vec<&str> = setting.prose.lines().collect();
        assert!(!lines.is_empty(), "{} has no comment", setting.path);
        assert!(lines.iter().all(|line| line.starts_with("# ")), "{lines:?}");
        assert!(setting.prose.ends_with('.'), "{lines:?}");
    }
}

#[test]
fn settings_with_a_unit_name_it_in_their_comment() {
    for setting in catalog().settings() {
        let says = |word| setting.prose.to_lowercase().contains(word);
        for (end, word) in [("_ms", "milliseconds"), ("_bytes", "bytes"), ("_days", "days")] {
            assert!(!setting.path.ends_with(end) || says(word), "{}", setting.prose);
        }
    }
}

#[test]
fn the_example_of_dot_env_is_printed_from_the_table() {
    let printed = env_example().unwrap();
    assert!(
        printed == DOT_ENV_EXAMPLE,
        "print it anew: cargo run -- config --env-example > .env.example\n{printed}"
    );
}

/// The lines that would set something, as name and value, each with the line
/// above it.
fn example_variables() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut above = "";
    let mut found = Vec::new();
    for line in DOT_ENV_EXAMPLE.lines() {
        let name_and_value = line.strip_prefix('#').unwrap_or(line).split_once('=');
        if let Some((name, value)) = name_and_value.filter(|(name, _)| !name.contains(' ')) {
            found.push((above, name, value));
        }
        above = line;
    }
    found
}

#[test]
fn the_example_of_dot_env_names_every_setting_in_the_same_order_with_a_comment() {
    let catalog = catalog();
    let expected: Vec<&str> =
        catalog.settings().filter_map(|setting| setting.variable.as_deref()).collect();
    let variables = example_variables();
    let named: Vec<&str> = variables.iter().map(|(_, name, _)| *name).collect();
    assert_eq!(named, expected);
    for (above, name, _) in variables {
        assert!(above.starts_with("# "), "{name} has no comment");
        assert!(above.ends_with('.'), "{name} has half a sentence: {above}");
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
