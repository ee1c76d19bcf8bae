//! Long random texts by which somebody is known: made here, and kept as a hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use trailkeep_store::access::SecretHash;

const SECRET_BYTES: usize = 32;

/// One that nobody has.
pub fn random_secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; SECRET_BYTES]>())
}

/// What of a secret is kept: long random secrets need no slow hash.
pub fn hash_secret(secret: &str) -> SecretHash {
    Sha256::digest(secret.as_bytes()).into()
}
