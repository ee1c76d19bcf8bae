//! What each layer says, laid over each other: for every setting the value
//! that is in force, and where it came from.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::catalog::{Catalog, Setting, join, parse_toml, variable_of};
use super::error::ConfigError;
use super::gone;
use super::named;
use super::origin::{DOT_ENV, Origin};

/// What the command line says about settings.
#[derive(Clone, Default)]
pub struct Overrides {
    file: Option<PathBuf>,
    flags: Vec<Flag>,
}

#[derive(Clone)]
struct Flag {
    name: &'static str,
    path: String,
    value: String,
}

impl Overrides {
    /// Takes settings from this TOML file, below the environment and flags.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Sets one setting, above all else. `name` is how the flag is called in
    /// messages. Of two flags for one setting the later counts.
    #[must_use]
    pub fn flag(mut self, name: &'static str, path: &str, value: &str) -> Self {
        self.flags.push(Flag { name, path: path.to_owned(), value: value.to_owned() });
        self
    }
}

/// Environment variables, those of a `.env` file apart. Empty by default.
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<OsString, OsString>,
    dot_env: Option<Result<String, ConfigError>>,
}

impl Environment {
    /// The variables of this process and the `.env` of its working directory.
    pub fn of_process() -> Self {
        Self { variables: std::env::vars_os().collect(), dot_env: read_dot_env(Path::new(DOT_ENV)) }
    }

    /// These variables alone.
    pub fn from_pairs<N: Into<OsString>, V: Into<OsString>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables =
            pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, dot_env: None }
    }

    /// The same with the text of a `.env` file.
    #[must_use]
    pub fn with_dot_env(mut self, text: impl Into<String>) -> Self {
        self.dot_env = Some(Ok(text.into()));
        self
    }
}

fn read_dot_env(path: &Path) -> Option<Result<String, ConfigError>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        read => Some(read.map_err(|error| unreadable(path, &error))),
    }
}

fn unreadable(file: &Path, error: &std::io::Error) -> ConfigError {
    ConfigError::Unreadable { file: file.to_owned(), reason: error.to_string() }
}

/// A value that some layer gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub value: Value,
    pub origin: Origin,
}

/// All layers, merged.
pub struct Layers {
    /// The value in force for every setting, by path.
    pub given: BTreeMap<String, Given>,
    /// What is wrong with the layers themselves.
    pub errors: Vec<ConfigError>,
}

impl Layers {
    /// Adds to the table the sections whose names the operator chose.
    pub fn collect(
        catalog: &mut Catalog,
        overrides: &Overrides,
        environment: &Environment,
    ) -> Self {
        let mut layers = Self { given: BTreeMap::new(), errors: Vec::new() };
        let file = overrides.file.as_deref();
        let table = file.and_then(|path| layers.read_file(path));
        let flags = overrides.flags.iter().map(|flag| flag.path.as_str());
        for name in named::names(table.as_ref(), flags) {
            catalog.add_named(&name);
        }
        for setting in catalog.settings() {
            layers.give(&setting.path, setting.default.clone(), Origin::Default);
        }
        if let (Some(path), Some(table)) = (file, table) {
            layers.add_table(catalog, "", table, &Origin::File(path.to_owned()));
        }
        layers.add_environment(catalog, environment);
        layers.add_flags(catalog, &overrides.flags);
        layers
    }

    fn give(&mut self, path: &str, value: Value, origin: Origin) {
        self.given.insert(path.to_owned(), Given { value, origin });
    }

    fn read_file(&mut self, path: &Path) -> Option<Table> {
        let table = fs::read_to_string(path)
            .map_err(|error| unreadable(path, &error))
            .and_then(|text| parse_toml(&text, path));
        table.map_err(|error| self.errors.push(error)).ok()
    }

    fn add_table(&mut self, catalog: &Catalog, section: &str, table: Table, origin: &Origin) {
        for (key, value) in table {
            let name = join(section, &key);
            let origin = origin.clone();
            match value {
                value if catalog.setting(&name).is_some() => self.give(&name, value, origin),
                Value::Table(inner) if catalog.has_section(&name) || gone::has_section(&name) => {
                    self.add_table(catalog, &name, inner, &origin);
                }
                Value::Table(_) if section == named::SECTION => {
                    self.errors.push(ConfigError::WrongName { section: name, origin });
                }
                Value::Table(_) => self.errors.push(ConfigError::Unknown {
                    nearest: catalog.nearest_section(&name),
                    name: format!("[{name}]"),
                    origin,
                }),
                _ if catalog.has_section(&name)
                    && gone::instead_of(&name).is_none()
                    && !named::is_nameless(&name) =>
                {
                    self.errors.push(ConfigError::NotASection { name, origin });
                }
                _ => self.refuse_unknown(catalog, name, origin),
            }
        }
    }

    fn refuse_unknown(&mut self, catalog: &Catalog, name: String, origin: Origin) {
        if let Some(instead) = gone::instead_of(&name) {
            return self.errors.push(ConfigError::Gone { name, origin, instead });
        }
        if named::is_nameless(&name) {
            return self.errors.push(ConfigError::Nameless { name, origin });
        }
        self.errors.push(match named::wrongly_named(&name) {
            Some(section) => ConfigError::WrongName { section: section.to_owned(), origin },
            None => ConfigError::Unknown { nearest: catalog.nearest_setting(&name), name, origin },
        });
    }

    /// A variable that exists but is empty sets nothing, and hides the one of
    /// the same name in `.env`: so a variable of `.env` can be switched off.
    fn add_environment(&mut self, catalog: &Catalog, environment: &Environment) {
        let dot_env = self.parse_dot_env(environment);
        let find = |name: &str| {
            let real = environment.variables.get(OsStr::new(name));
            let real = real.map(|value| (value.as_os_str(), Origin::Environment(name.to_owned())));
            let kept = || {
                let value = dot_env.get(name)?;
                Some((OsStr::new(value), Origin::DotEnv(name.to_owned())))
            };
            real.or_else(kept).filter(|(value, _)| !value.is_empty())
        };
        for setting in catalog.settings() {
            if let Some((value, origin)) = setting.variable.as_deref().and_then(&find) {
                self.add_variable(setting, value, origin);
            }
        }
        for path in gone::paths() {
            if let Some((_, origin)) = find(&variable_of(path)) {
                self.refuse_unknown(catalog, path.to_owned(), origin);
            }
        }
    }

    fn add_variable(&mut self, setting: &Setting, value: &OsStr, origin: Origin) {
        match value.to_str() {
            Some(text) => self.give(&setting.path, setting.rule.value_from_text(text), origin),
            None => self.errors.push(ConfigError::NotText { path: setting.path.clone(), origin }),
        }
    }

    fn parse_dot_env(&mut self, environment: &Environment) -> HashMap<String, String> {
        let text = match &environment.dot_env {
            None => return HashMap::new(),
            Some(Ok(text)) => text.trim_start_matches('\u{feff}'),
            Some(Err(error)) => {
                self.errors.push(error.clone());
                return HashMap::new();
            }
        };
        let mut variables = HashMap::new();
        for variable in dotenvy::from_read_iter(text.as_bytes()) {
            match variable {
                Ok((name, value)) => {
                    // The first of two counts, as everywhere that `.env` is read.
                    variables.entry(name).or_insert(value);
                }
                Err(error) => self.errors.push(dot_env_error(text, &error)),
            }
        }
        variables
    }

    fn add_flags(&mut self, catalog: &Catalog, flags: &[Flag]) {
        for flag in flags {
            let origin = Origin::Flag(flag.name);
            match catalog.setting(&flag.path) {
                Some(setting) => {
                    self.give(&flag.path, setting.rule.value_from_text(&flag.value), origin);
                }
                None => self.refuse_unknown(catalog, flag.path.clone(), origin),
            }
        }
    }
}

/// The parser's own message quotes the line, which may hold a password.
fn dot_env_error(text: &str, error: &dotenvy::Error) -> ConfigError {
    let wrong_line = match error {
        dotenvy::Error::LineParse(line, _) => line.trim(),
        _ => "",
    };
    let line = text.lines().position(|line| line.trim() == wrong_line);
    ConfigError::Malformed {
        file: DOT_ENV.into(),
        line: line.map_or(1, |index| index + 1),
        reason: "must be NAME=value; a value with spaces, # or $ belongs in single quotes".into(),
    }
}
