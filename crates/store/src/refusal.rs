//! Why a store will never take an event.

use std::fmt;

/// Bytes of a database's error text that are kept.
const MAX_ERROR_BYTES: usize = 4_000;

/// A kind of refusal, in a word that can be switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The event is larger than the database takes.
    TooLarge,
    /// A rule that somebody gave the database: a validator, a check, a trigger.
    Validation,
    /// A unique index that somebody added has its value already.
    UniqueIndex,
    /// Any other reason; the error's text says which.
    Unknown,
}

impl Reason {
    /// Every reason there is.
    pub const ALL: [Self; 4] = [Self::TooLarge, Self::Validation, Self::UniqueIndex, Self::Unknown];

    /// Its word, on the wire and in the stores.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Validation => "validation",
            Self::UniqueIndex => "unique_index",
            Self::Unknown => "unknown",
        }
    }

    /// The reason with this word. A word that a later version wrote is
    /// [`Unknown`](Self::Unknown).
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.word() == word).unwrap_or(Self::Unknown)
    }
}

/// Why a store will never take an event, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of refusal.
    pub reason: Reason,
    /// The database's own words: at most 4,000 bytes. They may quote the event.
    pub error: String,
}

impl Refusal {
    /// A refusal in the database's words, of which as many are kept as may be.
    pub fn new(reason: Reason, error: impl Into<String>) -> Self {
        let mut error = error.into();
        error.truncate(error.floor_char_boundary(MAX_ERROR_BYTES));
        Self { reason, error }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.error, self.reason.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back_to_its_reason() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_word(reason.word()), reason);
        }
        assert_eq!(Reason::from_word("of a later version"), Reason::Unknown);
    }

    #[test]
    fn of_long_errors_the_beginning_is_kept() {
        let refusal = Refusal::new(Reason::Unknown, "ä".repeat(MAX_ERROR_BYTES));
        assert_eq!(refusal.error, "ä".repeat(MAX_ERROR_BYTES / 2));
        let refusal = Refusal::new(Reason::Unknown, format!("x{}", "ä".repeat(4_000)));
        assert_eq!(refusal.error.len(), MAX_ERROR_BYTES - 1);
    }
}
