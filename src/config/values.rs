//! All values as they were given.

use std::collections::BTreeMap;
use std::fmt;

use toml::Value;

use super::catalog::Catalog;
use super::layers::Given;

/// The settings, and the value of each as it was given. `Debug` hides them: secrets are
/// among them.
#[derive(Clone, PartialEq)]
pub struct Values {
    pub catalog: Catalog,
    pub given: BTreeMap<String, Given>,
}

impl Values {
    /// The value of the setting with this path, where there is one.
    pub fn value(&self, path: &str) -> Option<&Value> {
        self.given.get(path).map(|given| &given.value)
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values")
    }
}
