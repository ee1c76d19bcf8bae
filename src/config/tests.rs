#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod documents;
mod earlier_versions;
mod mistakes;
mod precedence;
mod processors;
mod reloading;
mod steered;
mod values;

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// A settings file in a folder of its own, which goes when this is dropped.
struct SettingsFile {
    _folder: TempDir,
    path: PathBuf,
}

impl SettingsFile {
    fn new(content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trailkeep.toml");
        fs::write(&path, content).unwrap();
        Self { _folder: folder, path }
    }

    fn overrides(&self) -> Overrides {
        Overrides::default().file(&self.path)
    }

    fn load(&self) -> Result<Loaded, ConfigErrors> {
        Settings::load_from(&self.overrides(), &Environment::default())
    }

    /// The messages of its mistakes, with the path of the file as `FILE`.
    fn mistakes(&self) -> Vec<String> {
        let path = self.path.display().to_string();
        let errors = self.load().unwrap_err();
        errors.iter().map(|error| error.to_string().replace(&path, "FILE")).collect()
    }
}

fn from_environment(pairs: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    let environment = Environment::from_pairs(pairs.iter().copied());
    Settings::load_from(&Overrides::default(), &environment)
}

fn from_dot_env(text: &str) -> Result<Loaded, ConfigErrors> {
    let environment = Environment::default().with_dot_env(text);
    Settings::load_from(&Overrides::default(), &environment)
}

fn messages<T: std::fmt::Debug>(result: Result<T, ConfigErrors>) -> Vec<String> {
    result.unwrap_err().iter().map(ConfigError::to_string).collect()
}

fn entry<'a>(loaded: &'a Loaded, path: &str) -> &'a Entry {
    let mut entries = loaded.entries.iter();
    entries.find(|entry| entry.path == path).unwrap()
}

fn origin(loaded: &Loaded, path: &str) -> String {
    entry(loaded, path).origin.to_string()
}
