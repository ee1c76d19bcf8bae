//! Turns the values in force into a struct. A value that breaks its rule is noted,
//! and its default stands in for it, so that every mistake is found at once;
//! [`Reader::finish`] lets nothing with a stand-in out.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::catalog::{Catalog, Setting};
use super::layers::{Given, Layers};
use super::{ConfigError, ConfigErrors, Origin};

/// Characters of a value that an error message shows.
const SHOWN_CHARS: usize = 200;

/// One setting as it is in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The setting, as `section.key`.
    pub path: String,
    /// Its value as TOML, secrets masked.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
    /// Whether a change of it needs no restart.
    pub is_reloadable: bool,
}

/// Reads the values in force and collects what is wrong.
pub struct Reader<'a> {
    catalog: &'a Catalog,
    given: BTreeMap<String, Given>,
    /// Paths whose value breaks the setting's own rule, each with that rule.
    wrong: BTreeMap<String, String>,
    /// What could not be read at all. Then a value may not be the one that was
    /// meant, and comparing two of them would mislead.
    unread: Vec<ConfigError>,
    /// Rules between settings that are broken.
    between: Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    /// Checks each value against its tag.
    pub fn new(catalog: &'a Catalog, layers: Layers) -> Self {
        let broken = |setting: &Setting| {
            let value = &layers.given.get(&setting.path)?.value;
            setting.rule.check(value).err().map(|rule| (setting.path.clone(), rule))
        };
        Self {
            catalog,
            wrong: catalog.settings().filter_map(broken).collect(),
            given: layers.given,
            unread: layers.errors,
            between: Vec::new(),
        }
    }

    /// The struct that these settings make. What its fields refuse is noted, one
    /// after the other.
    ///
    /// # Errors
    ///
    /// Where the struct and the table are not of the same settings.
    pub fn fill<T: DeserializeOwned>(&mut self) -> Result<T, ConfigErrors> {
        loop {
            let error = match serde_path_to_error::deserialize(Value::Table(self.sound_values())) {
                Ok(filled) => return Ok(filled),
                Err(error) => error,
            };
            let path = error.path().to_string();
            let rule = error.inner().message().to_owned();
            let is_known = self.catalog.setting(&path).is_some();
            if !is_known || self.wrong.contains_key(&path) {
                let rule = format!("config/default.toml and the structs differ: {rule}");
                let origin = Origin::Default;
                let value = String::new();
                return Err(ConfigErrors::one(ConfigError::Wrong { path, value, origin, rule }));
            }
            self.wrong.insert(path, rule);
        }
    }

    /// The values in force, and defaults for those that are wrong.
    fn sound_values(&self) -> Table {
        let mut values = Table::new();
        for setting in self.catalog.settings() {
            let sound =
                self.given.get(&setting.path).filter(|_| !self.wrong.contains_key(&setting.path));
            let value = sound.map_or(&setting.default, |given| &given.value);
            put(&mut values, &setting.path, value.clone());
        }
        values
    }

    /// Checks that one number is not below another.
    pub fn at_least(&mut self, path: &str, floor: &str, reason: &str) {
        let (Some(number), Some(least)) = (self.number(path), self.number(floor)) else {
            return;
        };
        let origin = self.given.get(floor).map_or(&Origin::Default, |given| &given.origin);
        let rule = format!("must be at least {floor} = {least} ({origin}), {reason}");
        self.require(path, floor, number >= least, &rule);
    }

    /// Checks that two texts are not the same.
    pub fn differ(&mut self, path: &str, other: &str, reason: &str) {
        let (Some(one), Some(two)) = (self.given.get(path), self.given.get(other)) else {
            return;
        };
        let rule = format!("must not be that of {other} ({}) too, {reason}", two.origin);
        let holds = one.value != two.value;
        self.require(path, other, holds, &rule);
    }

    /// Checks a rule between a setting and another, if each keeps its own.
    pub fn require(&mut self, path: &str, other: &str, holds: bool, rule: &str) {
        let is_sound = |path| !self.wrong.contains_key(path);
        if self.unread.is_empty() && is_sound(path) && is_sound(other) && !holds {
            let error = self.catalog.setting(path).map(|setting| self.refusal(setting, rule));
            self.between.extend(error);
        }
    }

    /// What was read, in the order of the table, and the values that it was made of; or
    /// everything that is wrong.
    pub fn finish(self) -> Result<(Vec<Entry>, BTreeMap<String, Given>), ConfigErrors> {
        let settings = || self.catalog.settings();
        let refusal = |setting| Some(self.refusal(setting, self.wrong.get(&setting.path)?));
        let wrong: Vec<ConfigError> = settings().filter_map(refusal).collect();
        let entries = settings().map(|setting| self.entry(setting)).collect();
        ConfigErrors::check([self.unread, wrong, self.between].concat())?;
        Ok((entries, self.given))
    }

    fn refusal(&self, setting: &Setting, rule: &str) -> ConfigError {
        let Entry { path, value, origin, .. } = self.entry(setting);
        ConfigError::Wrong { path, value: shortened(&value), origin, rule: rule.to_owned() }
    }

    fn entry(&self, setting: &Setting) -> Entry {
        let given = self.given.get(&setting.path);
        let value = given.map_or(&setting.default, |given| &given.value);
        Entry {
            path: setting.path.clone(),
            value: setting.rule.show(value),
            origin: given.map_or(Origin::Default, |given| given.origin.clone()),
            is_reloadable: setting.is_reloadable,
        }
    }

    fn number(&self, path: &str) -> Option<i64> {
        self.given.get(path)?.value.as_integer()
    }
}

/// Puts a value to its path, in tables as deep as it takes.
fn put(table: &mut Table, path: &str, value: Value) {
    let Some((section, rest)) = path.split_once('.') else {
        table.insert(path.to_owned(), value);
        return;
    };
    let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = inner {
        put(inner, rest, value);
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
