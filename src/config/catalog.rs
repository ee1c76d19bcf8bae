//! The list of all settings, read from the compiled-in defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::{Table, Value};

use super::nearest::nearest;
use super::{ConfigError, DEFAULTS};

/// Settings whose name in the environment is not their path, because the
/// platforms that run services have fixed names for them.
const SHORT_NAMES: [(&str, &str); 4] = [
    ("http.host", "HOST"),
    ("http.port", "PORT"),
    ("store.mongodb_uri", "MONGODB_URI"),
    ("store.data_dir", "DATA_DIR"),
];

/// Every setting by its path.
pub struct Catalog(BTreeMap<String, Value>);

impl Catalog {
    /// The settings of `config/default.toml`.
    pub fn compiled_in() -> Result<Self, ConfigError> {
        let mut defaults = BTreeMap::new();
        collect_leaves("", parse_toml(DEFAULTS, "config/default.toml")?, &mut defaults);
        Ok(Self(defaults))
    }

    /// Every path with its default.
    pub fn defaults(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(path, value)| (path.as_str(), value))
    }

    /// Whether a setting has this path.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Whether settings lie below this path.
    pub fn has_section(&self, path: &str) -> bool {
        self.sections().any(|section| section == path)
    }

    /// A value given as text, in the form that the setting's default has. Text
    /// that does not have that form stays text, for the setting's rule to refuse.
    pub fn value_from_text(&self, path: &str, text: &str) -> Value {
        let as_given = || Value::String(text.to_owned());
        match self.0.get(path) {
            Some(Value::Integer(_)) => text.parse().map_or_else(|_| as_given(), Value::Integer),
            Some(Value::Boolean(_)) => text.parse().map_or_else(|_| as_given(), Value::Boolean),
            Some(Value::Array(_)) => Value::Array(
                text.split(',').map(|item| Value::String(item.trim().to_owned())).collect(),
            ),
            _ => as_given(),
        }
    }

    /// The setting that an unknown name was perhaps meant to be.
    pub fn nearest_setting(&self, name: &str) -> Option<String> {
        let key_of = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
        // The right key in the wrong section is likelier than a misspelt path.
        let same_key = self.0.keys().find(|path| key_of(path) == key_of(&name.to_lowercase()));
        let by_environment_name = self.0.keys().find(|path| environment_name(path) == name);
        let similar = || nearest(name, self.0.keys().map(String::as_str)).map(str::to_owned);
        by_environment_name.or(same_key).cloned().or_else(similar)
    }

    /// The section that an unknown name was perhaps meant to be.
    pub fn nearest_section(&self, name: &str) -> Option<String> {
        nearest(name, self.sections()).map(|section| format!("[{section}]"))
    }

    fn sections(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|path| Some(path.rsplit_once('.')?.0))
    }
}

/// The name of a setting in the environment.
pub fn environment_name(path: &str) -> String {
    SHORT_NAMES
        .iter()
        .find(|(short, _)| *short == path)
        .map_or_else(|| path.replace('.', "_").to_uppercase(), |(_, name)| (*name).to_owned())
}

/// The path of a key within a section; the outermost section is "".
pub fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// Reads TOML. The error names the line but does not quote it, since it may
/// hold a password.
pub fn parse_toml(text: &str, file: impl Into<PathBuf>) -> Result<Table, ConfigError> {
    toml::from_str(text).map_err(|error| ConfigError::Malformed {
        file: file.into(),
        line: error.span().map_or(1, |span| line_at(text, span.start)),
        reason: format!("not TOML: {}", error.message()),
    })
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|&&byte| byte == b'\n').count() + 1
}

fn collect_leaves(section: &str, table: Table, leaves: &mut BTreeMap<String, Value>) {
    for (key, value) in table {
        let path = join(section, &key);
        match value {
            Value::Table(inner) => collect_leaves(&path, inner, leaves),
            leaf => {
                leaves.insert(path, leaf);
            }
        }
    }
}
