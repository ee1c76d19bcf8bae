//! Where in payloads is looked.

/// Bytes of a key at the most.
const MAX_KEY_BYTES: usize = 64;

/// Characters that mean something in the path of a field, in one database or the other.
const RESERVED: [char; 4] = ['$', '.', '"', '\\'];

/// A key of payloads, in their outermost object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadKey(Box<str>);

impl PayloadKey {
    /// A key of 1 to 64 bytes without control characters, `$`, `.`, `"` and `\`; `None` for
    /// another, which no index could be made of.
    pub fn new(name: &str) -> Option<Self> {
        let is_wrong = |c: char| c.is_control() || RESERVED.contains(&c);
        let is_key = (1..=MAX_KEY_BYTES).contains(&name.len()) && !name.contains(is_wrong);
        is_key.then(|| Self(name.into()))
    }

    /// The key, as payloads have it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_name_of_one_field() {
        for name in ["orderId", "order number", "Bestell-Nr 'ß' 漢", &"x".repeat(64)] {
            assert_eq!(PayloadKey::new(name).as_ref().map(PayloadKey::as_str), Some(name));
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused() {
        let long = "ä".repeat(33);
        for wrong in ["", "$set", "a$", "order.id", ".", "a\"b", "a\\b", "a\0", "a\n", &long] {
            assert_eq!(PayloadKey::new(wrong), None, "{wrong:?}");
        }
    }
}
