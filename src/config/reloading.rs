//! What a reload makes of the settings: those that are tagged `reloadable` as they are
//! given now, all others as they are in force.

use super::layers::Layers;
use super::{ConfigError, ConfigErrors, Loaded};

/// What came of settings that were read again.
#[derive(Debug)]
pub struct Reloaded {
    /// What is in force from now on.
    pub loaded: Loaded,
    /// The settings that have another value with it.
    pub changed: Vec<String>,
    /// Those that are given another value and keep theirs until a restart; a section that
    /// came or went is told as one.
    pub needs_restart: Vec<String>,
}

impl Loaded {
    /// What is in force once `read` was read, as far as that goes without a restart.
    ///
    /// # Errors
    ///
    /// Where a value that would be in force does not go together with one that needs a
    /// restart.
    pub fn reloaded(&self, read: &Self) -> Result<Reloaded, ConfigErrors> {
        let (changed, needs_restart) = self.differing(read);
        let catalog = self.values.catalog.clone();
        let mut given = self.values.given.clone();
        for setting in catalog.settings().filter(|setting| setting.is_reloadable) {
            if let Some(anew) = read.values.given.get(&setting.path) {
                given.insert(setting.path.clone(), anew.clone());
            }
        }
        let layers = Layers { given, errors: Vec::new() };
        let loaded = Self::of(catalog, layers).map_err(|errors| {
            let paths = needs_restart.join(", ");
            errors.and(ConfigError::NeedsRestart { paths })
        })?;
        Ok(Reloaded { loaded, changed, needs_restart })
    }

    /// The settings that differ: those that are reloadable, and the others.
    fn differing(&self, read: &Self) -> (Vec<String>, Vec<String>) {
        let (mut reloadable, mut others) = (Vec::new(), Vec::new());
        let settings = self.values.catalog.settings().chain(read.values.catalog.settings());
        for setting in settings {
            let path = &setting.path;
            let (before, after) = (self.values.value(path), read.values.value(path));
            if before == after {
                continue;
            }
            let is_in_both = before.is_some() && after.is_some();
            let section = path.rsplit_once('.').map_or(path.as_str(), |(section, _)| section);
            let name = if is_in_both { path } else { section };
            let list = if setting.is_reloadable { &mut reloadable } else { &mut others };
            if !list.iter().any(|known| known == name) {
                list.push(name.to_owned());
            }
        }
        (reloadable, others)
    }
}
