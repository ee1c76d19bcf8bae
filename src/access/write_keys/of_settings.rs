//! The write keys of the settings: as they are until the settings are read again.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use trailkeep_store::access::SecretHash;

use crate::access::hash_secret;

/// The write keys of the settings. They never end, and are for pages of any origin.
#[derive(Clone, Default)]
pub struct KeysOfSettings {
    names: Vec<Arc<str>>,
    by_hash: HashMap<SecretHash, Arc<str>>,
}

impl KeysOfSettings {
    /// These keys, by name and text.
    pub fn new<'a>(keys: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut all = Self::default();
        for (name, text) in keys {
            let name: Arc<str> = name.into();
            all.names.push(Arc::clone(&name));
            all.by_hash.insert(hash_secret(text), name);
        }
        all
    }

    /// Their names, in their order.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// The name of the key with this hash.
    pub(super) fn by_hash(&self, hash: &SecretHash) -> Option<&Arc<str>> {
        self.by_hash.get(hash)
    }
}

/// Names alone.
impl fmt::Debug for KeysOfSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.names).finish()
    }
}
