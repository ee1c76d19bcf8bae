//! An erased id as JSON, and hashes in hexadecimal digits.

use serde::{Deserialize, Serialize};
use trailkeep_event::Arrival;

use super::{ErasedId, IdHash};

/// An id that is erased; the hash in hexadecimal digits.
#[derive(Serialize, Deserialize)]
pub struct IdInJson {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Box<str>>,
    hash: String,
    until: i64,
}

impl IdInJson {
    pub fn of(id: &ErasedId) -> Self {
        Self { id: id.id.clone(), hash: digits_of(&id.hash.0), until: id.until.as_i64() }
    }

    /// The id; or what is wrong with it.
    pub fn into_id(self) -> Result<ErasedId, String> {
        let hash = bytes_of(&self.hash)?;
        Ok(ErasedId { id: self.id, hash: IdHash(hash), until: Arrival::from_i64(self.until) })
    }
}

pub fn digits_of(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes; or what is wrong with the digits.
pub fn bytes_of(digits: &str) -> Result<[u8; 32], String> {
    let wrong = || format!("{digits:?} is no hash");
    let mut bytes = [0; 32];
    if digits.len() != 2 * bytes.len() {
        return Err(wrong());
    }
    for (byte, place) in bytes.iter_mut().zip((0..digits.len()).step_by(2)) {
        let pair = digits.get(place..place + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}
