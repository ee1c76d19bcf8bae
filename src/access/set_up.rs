//! The set-up code: whoever has it makes the first account, which is the administrator's.
//! Without it, whoever finds a new service first would have it.
//!
//! Each instance has a code of its own, because none can show another's: a store keeps
//! hashes alone. All hashes are there, so that each instance takes each code. They are of
//! use only while there is no account, which the store decides with the account itself.

use std::fmt;

use subtle::{Choice, ConstantTimeEq as _};
use trailkeep_store::access::SecretHash;

use super::secrets::hash_secret;

/// 32 digits and letters, none of which is easily taken for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 100 bits: far more than anybody can guess, and still typed in a moment.
const LETTERS: usize = 20;
const GROUP: usize = 4;

/// A set-up code.
#[derive(Clone, PartialEq, Eq)]
pub struct SetUpCode([u8; LETTERS]);

impl SetUpCode {
    /// One that nobody has.
    pub fn random() -> Self {
        let random: [u8; LETTERS] = rand::random();
        Self(random.map(|byte| ALPHABET[usize::from(byte % 32)]))
    }

    /// A code as somebody typed it: in any case, with or without what stands between its
    /// groups, and with the letters that look like digits.
    pub fn read(typed: &str) -> Option<Self> {
        let is_between = |letter: &char| letter.is_whitespace() || *letter == '-';
        let letters = typed.chars().filter(|letter| !is_between(letter)).map(known);
        // One more than there may be tells that there are too many.
        let letters = letters.take(LETTERS + 1).collect::<Option<Vec<u8>>>()?;
        letters.try_into().ok().map(Self)
    }

    /// What of it is kept.
    pub fn hash(&self) -> SecretHash {
        hash_secret(&String::from_utf8_lossy(&self.0))
    }

    /// Whether it is one of these. All are compared, whole, so that the time tells nothing.
    pub fn is_one_of(&self, hashes: &[SecretHash]) -> bool {
        let own = self.hash();
        let none = Choice::from(0);
        hashes.iter().fold(none, |found, hash| found | hash.ct_eq(&own)).into()
    }
}

fn known(letter: char) -> Option<u8> {
    let letter = match letter.to_ascii_uppercase() {
        'O' => b'0',
        'I' | 'L' => b'1',
        other => u8::try_from(other).ok()?,
    };
    ALPHABET.contains(&letter).then_some(letter)
}

/// In groups, as it is shown.
impl fmt::Display for SetUpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, group) in self.0.chunks(GROUP).enumerate() {
            let between = if number == 0 { "" } else { "-" };
            write!(f, "{between}{}", String::from_utf8_lossy(group))?;
        }
        Ok(())
    }
}

/// Not in full: this gets into logs by mistake.
impl fmt::Debug for SetUpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetUpCode")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_shown_and_as_people_type_it() {
        let code = SetUpCode::read("0123-4567-89AB-CDEF-GHJK").unwrap();
        assert_eq!(code.to_string(), "0123-4567-89AB-CDEF-GHJK");
        for typed in ["0123456789abcdefghjk", " 0123 4567\t89AB-cdef--ghjk\n"] {
            assert_eq!(SetUpCode::read(typed), Some(code.clone()), "{typed:?}");
        }
        assert_eq!(SetUpCode::read("OI23-4567-89AB-CDEF-GHJK"), Some(code.clone()));
        assert_eq!(SetUpCode::read("ol23-4567-89AB-CDEF-GHJK"), Some(code));
        for none in [
            "",
            "-",
            "0123-4567-89AB-CDEF-GHJ",
            "0123-4567-89AB-CDEF-GHJKM",
            "0123-4567-89AB-CDEF-GHJU",
            "0123-4567-89AB-CDEF-GHJ\u{130}",
        ] {
            assert_eq!(SetUpCode::read(none), None, "{none:?}");
        }
    }

    #[test]
    fn codes_differ_and_each_is_known_by_its_hash_alone() {
        let codes: Vec<_> = (0..50).map(|_| SetUpCode::random()).collect();
        let hashes: Vec<_> = codes.iter().map(SetUpCode::hash).collect();
        for (number, code) in codes.iter().enumerate() {
            assert_eq!(SetUpCode::read(&code.to_string()).as_ref(), Some(code));
            assert!(code.is_one_of(&hashes));
            assert!(!code.is_one_of(&hashes[number + 1..]));
        }
        assert!(!codes[0].is_one_of(&[]));
    }
}
