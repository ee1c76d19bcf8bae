//! The table of settings: `config/default.toml`, taken apart. An entry of it is
//! prose, a tag that says what is allowed, and the default:
//!
//! ```toml
//! # The port to listen on; 0 takes a free one and logs it.
//! #: 0 to 65535; environment PORT
//! port = 3000
//! ```
//!
//! The tag says how the setting is called in the environment where that is not its
//! path in capitals, and that it is `reloadable` where a change needs no restart.

use std::mem;
use std::path::PathBuf;

use toml::{Table, Value};

use super::error::ConfigError;
use super::named;
use super::nearest::nearest;
use super::rule::Rule;

/// The documented defaults, as a file that can be edited and given to `--config`.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// The table, as messages name it.
const FILE: &str = "config/default.toml";

/// The end of a tag: a reload puts a change of the setting in force.
const RELOADABLE: &str = "reloadable";

/// One setting, as the table has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// `section.key`.
    pub path: String,
    /// Its prose, a comment of one or more lines.
    pub prose: String,
    pub rule: Rule,
    /// Its name in the environment, if it has one: a section whose name the operator
    /// chose has none, since nobody could tell a misspelt one from a foreign variable.
    pub variable: Option<String>,
    /// Whether a change needs no restart.
    pub is_reloadable: bool,
    pub default: Value,
}

/// Every setting, in the order of the table.
#[derive(Clone, PartialEq)]
pub struct Catalog(Vec<Setting>);

impl Catalog {
    /// The table that is compiled in.
    pub fn compiled_in() -> Result<Self, ConfigError> {
        Self::parse(DEFAULTS)
    }

    fn parse(text: &str) -> Result<Self, ConfigError> {
        let defaults = parse_toml(text, FILE)?;
        let mut settings = Vec::new();
        let (mut section, mut prose, mut tag) = ("", Vec::new(), None);
        for (index, line) in text.lines().enumerate() {
            let has_key = line.starts_with(|c: char| c.is_ascii_lowercase());
            if let Some(text) = line.strip_prefix("#: ") {
                tag = Some(text);
            } else if line.starts_with('#') {
                prose.push(line);
            } else if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']');
            } else if let Some((key, _)) = line.split_once(" = ").filter(|_| has_key) {
                let prose = mem::take(&mut prose).join("\n");
                let setting = Setting::new(join(section, key), prose, tag.take(), &defaults);
                settings.push(setting.map_err(|reason| ConfigError::Malformed {
                    file: FILE.into(),
                    line: index + 1,
                    reason: reason.to_owned(),
                })?);
            } else if line.is_empty() {
                (prose, tag) = (Vec::new(), None);
            }
        }
        Ok(Self(settings))
    }

    /// Adds a section like `[processors.default]`, of another name.
    pub fn add_named(&mut self, name: &str) {
        let section = join(named::SECTION, name);
        let added: Vec<Setting> =
            self.settings().filter_map(|setting| setting.of_section(&section)).collect();
        let last = self.0.iter().rposition(|setting| named::is_below(&setting.path));
        let place = last.map_or(self.0.len(), |last| last + 1);
        self.0.splice(place..place, added);
    }

    pub fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.0.iter()
    }

    /// The setting with this path.
    pub fn setting(&self, path: &str) -> Option<&Setting> {
        self.settings().find(|setting| setting.path == path)
    }

    /// Whether settings lie below this path.
    pub fn has_section(&self, path: &str) -> bool {
        self.sections().any(|section| section == path)
    }

    /// The setting that an unknown name was perhaps meant to be.
    pub fn nearest_setting(&self, name: &str) -> Option<String> {
        let apart = name.rsplit_once('.');
        if let Some((section, key)) = apart.filter(|(section, _)| named::is_below(section)) {
            return self.nearest_key(section, key);
        }
        let key_of = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
        let by_variable = self.settings().find(|setting| setting.variable.as_deref() == Some(name));
        // The right key in the wrong section is likelier than a misspelt path.
        let same_key =
            self.settings().find(|setting| key_of(&setting.path) == key_of(&name.to_lowercase()));
        let found = by_variable.or(same_key).map(|setting| setting.path.as_str());
        let similar = || nearest(name, self.settings().map(|setting| setting.path.as_str()));
        found.or_else(similar).map(str::to_owned)
    }

    /// The same within a section. Its own name is left out of the comparison: a long one
    /// that the operator chose would make any two keys look alike.
    fn nearest_key(&self, section: &str, key: &str) -> Option<String> {
        let paths = self.settings().map(|setting| setting.path.as_str());
        let keys = paths.filter_map(|path| path.strip_prefix(section)?.strip_prefix('.'));
        nearest(key, keys).map(|key| join(section, key))
    }

    /// The section that an unknown name was perhaps meant to be.
    pub fn nearest_section(&self, name: &str) -> Option<String> {
        if named::is_below(name) {
            return None;
        }
        nearest(name, self.sections()).map(|section| format!("[{section}]"))
    }

    /// Those within others, and those they are in.
    fn sections(&self) -> impl Iterator<Item = &str> {
        self.settings().flat_map(|setting| {
            setting.path.match_indices('.').map(|(end, _)| &setting.path[..end])
        })
    }
}

impl Setting {
    fn new(
        path: String,
        prose: String,
        tag: Option<&str>,
        defaults: &Table,
    ) -> Result<Self, &'static str> {
        let tag = tag.ok_or("a setting must have a tag above it")?;
        let (tag, is_reloadable) = match tag.strip_suffix(RELOADABLE) {
            Some(rest) => (rest.strip_suffix("; ").unwrap_or(tag), true),
            None => (tag, false),
        };
        let (allowed, variable) = match tag.split_once("; environment ") {
            Some((allowed, name)) => (allowed, name.to_owned()),
            None => (tag, variable_of(&path)),
        };
        let rule = Rule::parse(allowed, &path).ok_or("what is allowed must be told by a tag")?;
        let default = value_at(defaults, &path).ok_or("a section must be one of its own")?.clone();
        Ok(Self { path, prose, rule, variable: Some(variable), is_reloadable, default })
    }

    /// The same setting in this section, if it is one of `[processors.default]`.
    fn of_section(&self, section: &str) -> Option<Self> {
        let key = self.path.strip_prefix(named::TEMPLATE)?.strip_prefix('.')?;
        Some(Self { path: join(section, key), variable: None, ..self.clone() })
    }
}

/// The name of a setting in the environment, unless its tag gives another.
pub fn variable_of(path: &str) -> String {
    path.replace('.', "_").to_uppercase()
}

/// The path of a key within a section; the outermost section is "".
pub fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

fn value_at<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((section, rest)) => value_at(table.get(section)?.as_table()?, rest),
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Catalog;

    fn parse(text: &str) -> Result<Catalog, String> {
        Catalog::parse(text).map_err(|error| error.to_string())
    }

    #[test]
    fn an_entry_is_prose_a_tag_and_a_default() {
        let catalog = parse(
            "# Head.\n\n[a.b]\n# One.\n# Two.\n#: list; environment TOYS; reloadable\n\
             toys = [\n  \"x\",\n]\n\n# Three.\n#: 0 to 9\nrest = 1\n",
        )
        .unwrap();
        let [toys, rest] = &catalog.0[..] else { unreachable!("{:?}", catalog.0) };
        assert_eq!((toys.path.as_str(), toys.variable.as_deref()), ("a.b.toys", Some("TOYS")));
        assert_eq!(toys.prose, "# One.\n# Two.");
        assert_eq!(toys.default.as_array().unwrap().len(), 1);
        assert_eq!((rest.path.as_str(), rest.variable.as_deref()), ("a.b.rest", Some("A_B_REST")));
        assert_eq!(rest.prose, "# Three.");
        assert_eq!((toys.is_reloadable, rest.is_reloadable), (true, false));
    }

    #[test]
    fn an_entry_without_a_tag_of_its_own_is_refused() {
        for (text, line) in [
            ("[a]\nx = 1\n", "line 2: a setting must have a tag above it"),
            ("#: 0 to 9\n\nx = 1\n", "line 3: a setting must have a tag above it"),
            ("#: 0 to 9\nx = 1\ny = 1\n", "line 3: a setting must have a tag above it"),
            ("#: a number\nx = 1\n", "line 2: what is allowed must be told by a tag"),
            ("#: reloadable\nx = 1\n", "line 2: what is allowed must be told by a tag"),
            ("#: 0 to 9 reloadable\nx = 1\n", "line 2: what is allowed must be told by a tag"),
            ("#: 0 to 9; reload\nx = 1\n", "line 2: what is allowed must be told by a tag"),
        ] {
            let error = parse(text).err().unwrap();
            assert_eq!(error, format!("config/default.toml, {line}"));
        }
    }
}
