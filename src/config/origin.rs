//! Where a value came from.

use std::fmt;
use std::path::PathBuf;

/// The file in the working directory that may hold environment variables.
pub const DOT_ENV: &str = ".env";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `config/default.toml`, compiled in.
    Default,
    /// The file named on the command line.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
    /// The variable of this name in the `.env` of the working directory.
    DotEnv(String),
    /// This flag of the command line.
    Flag(&'static str),
}

/// `default`, `file trailkeep.toml`, `environment PORT`, `.env PORT` or
/// `flag --port`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::DotEnv(name) => write!(f, "{DOT_ENV} {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}
