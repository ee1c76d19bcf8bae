//! Turns values into Rust types. A value that breaks its rule is noted and
//! reading goes on with a stand-in, so that every mistake is found at once;
//! [`Reader::finish`] lets nothing with a stand-in out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Value;

use super::layers::{Given, Layers};
use super::{ConfigError, ConfigErrors, Origin};

/// Characters of a value that an error message shows.
const SHOWN_CHARS: usize = 200;

/// One setting as it is in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The setting, as `section.key`.
    pub path: &'static str,
    /// Its value as TOML, secrets masked.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
}

/// Reads settings by path and collects what is wrong.
pub struct Reader {
    given: BTreeMap<String, Given>,
    entries: Vec<Entry>,
    errors: Vec<ConfigError>,
    wrong_paths: BTreeSet<&'static str>,
    /// Whether every layer could be read: else a value may not be the one that
    /// was meant, and comparing two of them would mislead.
    complete: bool,
}

impl Reader {
    pub fn new(layers: Layers) -> Self {
        Self {
            given: layers.given,
            entries: Vec::new(),
            complete: layers.errors.is_empty(),
            errors: layers.errors,
            wrong_paths: BTreeSet::new(),
        }
    }

    /// What was read, in order, or everything that is wrong.
    pub fn finish(self) -> Result<Vec<Entry>, ConfigErrors> {
        ConfigErrors::check(self.errors)?;
        Ok(self.entries)
    }

    /// A number of bytes or of things.
    pub fn count(&mut self, path: &'static str, range: RangeInclusive<u64>) -> usize {
        // Saturating where usize is 32 bits: a limit that no memory reaches.
        usize::try_from(self.whole_number(path, range, "")).unwrap_or(usize::MAX)
    }

    /// Percent, from 1 to 100.
    pub fn percent(&mut self, path: &'static str) -> u8 {
        let number = self.whole_number(path, 1..=100, "");
        u8::try_from(number).unwrap_or(100)
    }

    /// A network port, 0 included.
    pub fn port(&mut self, path: &'static str) -> u16 {
        let number = self.whole_number(path, 0..=u64::from(u16::MAX), "");
        u16::try_from(number).unwrap_or(0)
    }

    /// A time in milliseconds.
    pub fn milliseconds(&mut self, path: &'static str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.whole_number(path, range, " of milliseconds"))
    }

    /// A time in days; 0 is none.
    pub fn days(&mut self, path: &'static str, range: RangeInclusive<u64>) -> Option<Duration> {
        const SECONDS_A_DAY: u64 = 24 * 60 * 60;
        let days = self.whole_number(path, range, " of days");
        (days > 0).then(|| Duration::from_secs(days.saturating_mul(SECONDS_A_DAY)))
    }

    /// `true` or `false`.
    pub fn switch(&mut self, path: &'static str) -> bool {
        self.value(path, literal, |value| {
            value.as_bool().ok_or_else(|| "must be true or false".to_owned())
        })
        .unwrap_or(false)
    }

    /// Text, made into something by `parse`, whose error says what is allowed.
    pub fn text<T>(
        &mut self,
        path: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.value(path, literal, |value| parse(as_text(value)?))
    }

    /// Text that is shown as `mask` makes it, in messages as elsewhere. `mask`
    /// is handed the whole value as TOML and keeps its form.
    pub fn secret<T>(
        &mut self,
        path: &'static str,
        mask: impl Fn(&str) -> String,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let show = |value: &Value| match value {
            Value::String(text) => quoted(&mask(text)),
            other => mask(&literal(other)),
        };
        self.value(path, show, |value| parse(as_text(value)?))
    }

    /// A list of texts, made into something by `parse`.
    pub fn list<T>(
        &mut self,
        path: &'static str,
        parse: impl FnOnce(&[String]) -> Result<T, String>,
    ) -> Option<T> {
        self.value(path, literal, |value| parse(&as_texts(value)?))
    }

    /// A list of texts that are each shown as `mask` makes them.
    pub fn secrets<T>(
        &mut self,
        path: &'static str,
        mask: impl Fn(&str) -> String,
        parse: impl FnOnce(&[String]) -> Result<T, String>,
    ) -> Option<T> {
        let show = |value: &Value| {
            let hide = |item: &Value| quoted(&mask(item.as_str().unwrap_or_default()));
            match value {
                Value::Array(items) => {
                    let items: Vec<String> = items.iter().map(hide).collect();
                    format!("[{}]", items.join(", "))
                }
                other => hide(other),
            }
        };
        self.value(path, show, |value| parse(&as_texts(value)?))
    }

    /// Checks that one number is not below another.
    pub fn at_least(&mut self, path: &'static str, floor: &'static str, reason: &str) {
        let (Some(number), Some(least)) = (self.number(path), self.number(floor)) else {
            return;
        };
        let origin = self.given.get(floor).map_or(&Origin::Default, |given| &given.origin);
        let rule = format!("must be at least {floor} = {least} ({origin}), {reason}");
        self.require(path, floor, number >= least, &rule);
    }

    /// Checks a rule between a setting and another, if each keeps its own.
    pub fn require(&mut self, path: &'static str, other: &'static str, holds: bool, rule: &str) {
        let sound = |path| !self.wrong_paths.contains(path);
        if self.complete && sound(path) && sound(other) && !holds {
            self.refuse(path, rule);
        }
    }

    fn refuse(&mut self, path: &'static str, rule: &str) {
        let entry = self.entries.iter().find(|entry| entry.path == path);
        self.errors.push(ConfigError::Wrong {
            path: path.to_owned(),
            value: shortened(entry.map_or("", |entry| &entry.value)),
            origin: entry.map_or(Origin::Default, |entry| entry.origin.clone()),
            rule: rule.to_owned(),
        });
    }

    fn number(&self, path: &str) -> Option<i64> {
        self.given.get(path)?.value.as_integer()
    }

    fn whole_number(&mut self, path: &'static str, range: RangeInclusive<u64>, unit: &str) -> u64 {
        let (least, most) = range.into_inner();
        self.value(path, literal, |value| {
            value
                .as_integer()
                .and_then(|number| u64::try_from(number).ok())
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(|| format!("must be a whole number{unit} from {least} to {most}"))
        })
        .unwrap_or(least)
    }

    fn value<T>(
        &mut self,
        path: &'static str,
        show: impl FnOnce(&Value) -> String,
        parse: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        let Some(given) = self.given.get(path) else {
            self.refuse(path, "must be in config/default.toml");
            return None;
        };
        self.entries.push(Entry { path, value: show(&given.value), origin: given.origin.clone() });
        match parse(&given.value) {
            Ok(parsed) => Some(parsed),
            Err(rule) => {
                self.wrong_paths.insert(path);
                self.refuse(path, &rule);
                None
            }
        }
    }
}

fn as_text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "must be text in quotes".to_owned())
}

fn as_texts(value: &Value) -> Result<Vec<String>, String> {
    value
        .as_array()
        .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect())
        .ok_or_else(|| "must be a list of texts, such as [\"a\", \"b\"]".to_owned())
}

/// A value as TOML on one line.
fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// Text as a TOML basic string, whose escapes are those of JSON, with one
/// character more that has to be escaped.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
