//! What can be wrong with the settings, told so that it can be mended without
//! reading the source. No message shows a password.

use std::fmt;
use std::path::PathBuf;

use super::origin::Origin;

/// One mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value that breaks its setting's rule.
    #[error("{path} = {value} ({origin}): {rule}")]
    Wrong {
        /// The setting, as `section.key`.
        path: String,
        /// The value as TOML, shortened where it is long, secrets masked.
        value: String,
        /// Where the value came from.
        origin: Origin,
        /// What is allowed: `must be ...`.
        rule: String,
    },
    /// A value that is no text, and so cannot be shown either.
    #[error("{path} ({origin}): must be UTF-8 text")]
    NotText {
        path: String,
        /// Where the value came from.
        origin: Origin,
    },
    /// A name that no setting has.
    #[error("{name} ({origin}): there is no such setting{}", suggestion(.nearest.as_deref()))]
    Unknown {
        /// The name as it was given.
        name: String,
        /// Where it was given.
        origin: Origin,
        /// The known name most like it, if any is like it.
        nearest: Option<String>,
    },
    /// A setting of an earlier version.
    #[error("{name} ({origin}): this setting has gone; {instead}")]
    Gone {
        /// The name as it was given.
        name: String,
        /// Where it was given.
        origin: Origin,
        /// What takes its place.
        instead: &'static str,
    },
    /// A value where a section of settings belongs.
    #[error("{name} ({origin}): must be a section, [{name}], and not a value")]
    NotASection {
        name: String,
        /// Where the value was given.
        origin: Origin,
    },
    /// A setting of a processor, but nobody can tell of which.
    #[error(
        "{name} ({origin}): settings of a processor belong in [processors.default], or in \
         [processors.NAME] with another name"
    )]
    Nameless {
        /// The name as it was given.
        name: String,
        /// Where it was given.
        origin: Origin,
    },
    /// A section with a name that a processor cannot have.
    #[error(
        "[{section}] ({origin}): the name of a processor must be 1 to 64 of a-z, 0-9, - and _, \
         and begin with a letter"
    )]
    WrongName {
        /// The section as it was given.
        section: String,
        /// Where it was given.
        origin: Origin,
    },
    /// What was told before it goes together with what needs a restart.
    #[error(
        "{paths}: another value is given, which needs a restart; until then the one in force \
         counts, and what is given beside it does not go together with that"
    )]
    NeedsRestart {
        /// The settings that wait for it.
        paths: String,
    },
    /// A file that cannot be read.
    #[error("{}: cannot be read: {reason}", .file.display())]
    Unreadable {
        file: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// A file that is not of its form.
    #[error("{}, line {line}: {reason}", .file.display())]
    Malformed {
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
}

impl ConfigError {
    /// What it is about: a setting, a section or a file.
    pub fn subject(&self) -> String {
        match self {
            Self::Wrong { path, .. } | Self::NotText { path, .. } => path.clone(),
            Self::Unknown { name, .. }
            | Self::Gone { name, .. }
            | Self::NotASection { name, .. }
            | Self::Nameless { name, .. } => name.clone(),
            Self::WrongName { section, .. } => section.clone(),
            Self::NeedsRestart { paths } => paths.clone(),
            Self::Unreadable { file, .. } | Self::Malformed { file, .. } => {
                file.display().to_string()
            }
        }
    }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// Every mistake that was found; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub(super) fn one(error: ConfigError) -> Self {
        Self(vec![error])
    }

    /// The mistakes, or nothing if there are none.
    pub(super) fn check(errors: Vec<ConfigError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }

    /// The same and one more.
    pub(super) fn and(mut self, error: ConfigError) -> Self {
        self.0.push(error);
        self
    }

    /// The mistakes, in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }
}

/// One mistake a line.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
