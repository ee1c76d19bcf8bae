//! Signatures of the Standard Webhooks specification: HMAC-SHA256 over the id, the
//! time and the body, so that a processor knows who sent an event, that nobody changed
//! it, and when it was sent.
//!
//! Several secrets make several signatures side by side. So one is replaced without a
//! moment in which nothing fits: add the new one here, change it at the processor,
//! remove the old one.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// What a signature begins with: the scheme's version.
const VERSION: &str = "v1,";

/// Bytes of a key, as the specification has them.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// What the sender and a processor know, and nobody else.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

/// Why a text is no secret. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It does not begin with `whsec_`.
    #[error("must begin with {PREFIX}, followed by 24 to 64 random bytes as base64")]
    Prefix,
    /// The rest is no base64.
    #[error("must have base64 behind {PREFIX}, padded with = where it has to be")]
    Base64,
    /// It is too short to be safe, or longer than anything needs.
    #[error("must be 24 to 64 bytes as base64; it is {0} bytes")]
    Length(usize),
}

impl Secret {
    /// Reads `whsec_<base64>`.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError::Prefix)?;
        let key = STANDARD.decode(encoded).map_err(|_| SecretError::Base64)?;
        if !LENGTHS.contains(&key.len()) {
            return Err(SecretError::Length(key.len()));
        }
        Self::of(&key)
    }

    /// Of its bytes.
    pub fn of(key: &[u8]) -> Result<Self, SecretError> {
        // Any length of key can be used.
        Hmac::new_from_slice(key).map(Self).map_err(|_| SecretError::Length(key.len()))
    }

    fn hash(&self, id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
        let mut hash = self.0.clone();
        hash.update(id.as_bytes());
        hash.update(b".");
        hash.update(itoa::Buffer::new().format(timestamp).as_bytes());
        hash.update(b".");
        hash.update(body);
        hash
    }

    /// Whether one of the signatures in a header is made with this secret. How long it
    /// takes tells nobody how much of a wrong one is right.
    pub fn has_signed(&self, id: &str, timestamp: i64, body: &[u8], header: &str) -> bool {
        header
            .split(' ')
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix(VERSION)?).ok())
            .any(|signature| self.hash(id, timestamp, body).verify_slice(&signature).is_ok())
    }
}

/// The header `webhook-signature`: one signature for each secret; `None` without
/// secrets. The time is in seconds since the epoch.
pub fn sign(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let mut header = String::new();
    for secret in secrets {
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str(VERSION);
        STANDARD
            .encode_string(secret.hash(id, timestamp, body).finalize().into_bytes(), &mut header);
    }
    (!header.is_empty()).then_some(header)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The example by which the authors of the specification test their libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

    fn secret(text: &str) -> Secret {
        Secret::parse(text).unwrap()
    }

    #[test]
    fn the_published_example_is_signed_as_published() {
        let header = sign(&[secret(SECRET)], ID, TIMESTAMP, BODY);
        assert_eq!(header.as_deref(), Some(SIGNATURE));
        assert!(secret(SECRET).has_signed(ID, TIMESTAMP, BODY, SIGNATURE));
    }

    #[test]
    fn each_secret_signs_for_itself() {
        assert_eq!(sign(&[], ID, TIMESTAMP, BODY), None);
        let both = sign(&[secret(OTHER), secret(SECRET)], ID, TIMESTAMP, BODY).unwrap();
        let (other, ours) = both.split_once(' ').unwrap();
        assert_eq!(ours, SIGNATURE);
        assert_ne!(other, SIGNATURE);
        for text in [OTHER, SECRET] {
            assert!(secret(text).has_signed(ID, TIMESTAMP, BODY, &both));
        }
        assert!(!secret(SECRET).has_signed(ID, TIMESTAMP, BODY, other));
    }

    #[test]
    fn what_was_changed_does_not_fit() {
        let secret = secret(SECRET);
        let fits = |id, timestamp, body, header| secret.has_signed(id, timestamp, body, header);
        assert!(!fits("msg_p5jXN8AQM9LWM0D4loKWxJel", TIMESTAMP, BODY, SIGNATURE));
        assert!(!fits(ID, TIMESTAMP + 1, BODY, SIGNATURE));
        assert!(!fits(ID, TIMESTAMP, br#"{"test": 2432232315}"#, SIGNATURE));
        for header in [
            "",
            "v1,",
            "v1",
            "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=",
            // The half of a right one.
            "v1,g0hM9SsE+OTPJTGt/tmIKg==",
            "v1,not base64",
        ] {
            assert!(!fits(ID, TIMESTAMP, BODY, header), "{header}");
        }
        // Others beside a right one do no harm, whatever they are.
        let among = format!(
            "v1,Ceo5 v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== {SIGNATURE} v1"
        );
        assert!(fits(ID, TIMESTAMP, BODY, &among));
    }

    #[test]
    fn a_text_that_is_no_secret_is_refused_without_repeating_it() {
        let error = |text: &str| Secret::parse(text).unwrap_err();
        assert_eq!(error(""), SecretError::Prefix);
        assert_eq!(error("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), SecretError::Prefix);
        assert_eq!(error("whsec_hush!"), SecretError::Base64);
        assert_eq!(error("whsec_"), SecretError::Length(0));
        let of_bytes = |length| format!("whsec_{}", STANDARD.encode(vec![7_u8; length]));
        assert_eq!(error(&of_bytes(23)), SecretError::Length(23));
        assert_eq!(error(&of_bytes(65)), SecretError::Length(65));
        for length in LENGTHS {
            assert!(Secret::parse(&of_bytes(length)).is_ok(), "{length}");
        }
        assert_eq!(format!("{:?}", secret(SECRET)), "Secret(***)");
    }
}
