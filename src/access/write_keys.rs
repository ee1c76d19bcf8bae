//! Keys that trackers send with their events. A key is no secret that protects
//! reading: it is in every page that posts. It keeps others' data out.

use std::sync::Arc;

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use trailkeep_store::access::SecretHash;

use super::secrets::hash_secret;

/// The keys that are taken.
pub struct WriteKeys(Vec<Key>);

struct Key {
    name: Arc<str>,
    hash: SecretHash,
}

impl WriteKeys {
    /// Keys with their names; none leaves posting open to all.
    pub fn new<'a>(named: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(
            named
                .into_iter()
                .map(|(name, key)| Key { name: name.into(), hash: hash_secret(key) })
                .collect(),
        )
    }

    /// Whether a key has to be sent.
    pub fn is_required(&self) -> bool {
        !self.0.is_empty()
    }

    /// The name of a key. Every key is compared, whole, whatever was sent, so that
    /// the time tells nothing of them.
    pub fn name_of(&self, sent: &str) -> Option<Arc<str>> {
        let sent = hash_secret(sent);
        let mut found = u32::MAX;
        for (number, key) in (0..).zip(&self.0) {
            let is_it: Choice = key.hash.ct_eq(&sent);
            found.conditional_assign(&number, is_it);
        }
        let found = usize::try_from(found).ok()?;
        self.0.get(found).map(|key| Arc::clone(&key.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_whole_text() {
        let keys = WriteKeys::new([("shop", "wk-shop-0123456789"), ("app", "wk-app-0123456789")]);
        assert!(keys.is_required());
        assert_eq!(keys.name_of("wk-shop-0123456789"), Some("shop".into()));
        assert_eq!(keys.name_of("wk-app-0123456789"), Some("app".into()));
        for wrong in ["", "shop", "wk-shop-012345678", "WK-SHOP-0123456789", "wk-shop-0123456789 "]
        {
            assert_eq!(keys.name_of(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn without_keys_none_is_required() {
        let keys = WriteKeys::new([]);
        assert!(!keys.is_required());
        assert_eq!(keys.name_of(""), None);
    }
}
