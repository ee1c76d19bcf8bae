//! Keys that trackers send with their events. A key is no secret that protects
//! reading: it is in every page that posts. It keeps others' data out.

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use super::hash_secret;
use crate::store::access::SecretHash;

/// The keys that are taken.
pub struct WriteKeys(Vec<Key>);

struct Key {
    name: String,
    hash: SecretHash,
}

impl WriteKeys {
    /// Keys with their names; none leaves posting open to all.
    pub fn new<'a>(named: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(
            named
                .into_iter()
                .map(|(name, key)| Key {
                    name: name.to_owned(),
                    hash: hash_secret(key),
                })
                .collect(),
        )
    }

    /// Whether a key has to be sent.
    pub fn is_required(&self) -> bool {
        !self.0.is_empty()
    }

    /// The number of a key among all, from 0. Every key is compared, whole, whatever was sent, so
    /// that the time tells nothing of them.
    pub fn number_of(&self, sent: &str) -> Option<u32> {
        let sent = hash_secret(sent);
        let mut found = u32::MAX;
        for (number, key) in (0..).zip(&self.0) {
            let is_it: Choice = key.hash.ct_eq(&sent);
            found.conditional_assign(&number, is_it);
        }
        self.name(found).map(|_| found)
    }

    /// The name of the key with that number.
    pub fn name(&self, number: u32) -> Option<&str> {
        let number = usize::try_from(number).ok()?;
        self.0.get(number).map(|key| key.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_whole_text() {
        let keys = WriteKeys::new([("shop", "wk-shop-0123456789"), ("app", "wk-app-0123456789")]);
        assert!(keys.is_required());
        assert_eq!(keys.number_of("wk-shop-0123456789"), Some(0));
        assert_eq!(keys.number_of("wk-app-0123456789"), Some(1));
        assert_eq!(keys.name(1), Some("app"));
        assert_eq!(keys.name(2), None);
        for wrong in [
            "",
            "shop",
            "wk-shop-012345678",
            "WK-SHOP-0123456789",
            "wk-shop-0123456789 ",
        ] {
            assert_eq!(keys.number_of(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn without_keys_none_is_required() {
        let keys = WriteKeys::new([]);
        assert!(!keys.is_required());
        assert_eq!(keys.number_of(""), None);
    }
}
