//! What requests to a processor are signed with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a secret begins with, as Standard Webhooks says.
const PREFIX: &str = "whsec_";

const RULE: &str = "must be a list of secrets, each \"whsec_\" and the base64 of 24 to 64 bytes";

/// A key for HMAC. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// The key itself: for signing alone.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Reads the list; the error says what is allowed, and shows no secret.
    pub(super) fn parse_all(items: &[String]) -> Result<Vec<Self>, String> {
        let mut secrets = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let number = index + 1;
            let secret =
                Self::parse(item).ok_or_else(|| format!("{RULE}; number {number} is not"))?;
            if secrets.contains(&secret) {
                return Err(format!("must name each secret once; number {number} is there twice"));
            }
            secrets.push(secret);
        }
        Ok(secrets)
    }

    fn parse(item: &str) -> Option<Self> {
        let key = STANDARD.decode(item.strip_prefix(PREFIX)?).ok()?;
        (24..=64).contains(&key.len()).then_some(Self(key))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(PREFIX))
    }
}

/// One item with its key hidden; all of it, where it is no secret of ours.
pub(super) fn mask(item: &str) -> String {
    let shown = if item.starts_with(PREFIX) { PREFIX } else { "" };
    format!("{shown}***")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(bytes: usize) -> String {
        format!("whsec_{}", STANDARD.encode(vec![0x5a; bytes]))
    }

    fn parse(items: &[&str]) -> Result<Vec<WebhookSecret>, String> {
        let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
        WebhookSecret::parse_all(&items)
    }

    /// The example of the specification's reference libraries.
    #[test]
    fn a_secret_is_the_bytes_that_its_base64_stands_for() {
        let secrets = parse(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).unwrap();
        let [secret] = &secrets[..] else { unreachable!("{secrets:?}") };
        assert_eq!(secret.expose().len(), 24);
        assert_eq!(&secret.expose()[..4], [0x31, 0xf2, 0x90, 0xf6]);
        assert_eq!(parse(&[]).unwrap(), []);
    }

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        for bytes in [24, 25, 26, 64] {
            assert_eq!(parse(&[&of(bytes)]).unwrap()[0].expose().len(), bytes);
        }
        for bytes in [0, 23, 65] {
            assert!(parse(&[&of(bytes)]).unwrap_err().starts_with(RULE), "{bytes}");
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        let good = of(32);
        let bare = good.replace("whsec_", "");
        let url_safe = good.replace('a', "_");
        let cut = good.trim_end_matches('=');
        for (items, told) in [
            (vec![bare.as_str()], "number 1 is not"),
            (vec![&url_safe], "number 1 is not"),
            (vec![cut], "number 1 is not"),
            (vec![&good, ""], "number 2 is not"),
            (vec![&good, &good], "number 2 is there twice"),
        ] {
            let rule = parse(&items).unwrap_err();
            assert!(rule.contains(told), "{rule}");
            assert!(!rule.contains("Wlpa"), "{rule}");
        }
    }

    #[test]
    fn it_is_never_shown() {
        assert_eq!(format!("{:?}", parse(&[&of(32)]).unwrap()), "[whsec_***]");
        assert_eq!(mask(&of(32)), "whsec_***");
        assert_eq!(mask("hunter2"), "***");
    }
}
