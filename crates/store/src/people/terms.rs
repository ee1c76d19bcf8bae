//! What people are searched by.
//!
//! A term is a text in lower case with a letter in front that says of what kind it is, so
//! that one index finds all kinds and none is found for another.

use super::emails::MAX_EMAIL_BYTES;
use super::person::Person;
use super::traits::NAMES;

/// Words of names that are searched at the most.
pub const MAX_NAME_WORDS: usize = 12;

/// Bytes of a word that are searched; what is longer is cut, also when it is searched for.
pub const MAX_WORD_BYTES: usize = 64;

/// Bytes of an id that are searched: all that an event may have.
const MAX_ID_BYTES: usize = 256;

/// What a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermKind {
    /// The id, a user's or an anonymous one.
    Id,
    /// An e-mail address, be it an earlier one.
    Email,
    /// A word of a name. Words are what is between blanks.
    NameWord,
}

/// How a term is compared with what is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// All of it, in any case.
    Whole,
    /// How it begins, in any case.
    Prefix,
}

impl TermKind {
    const fn letter(self) -> char {
        match self {
            Self::Id => 'i',
            Self::Email => 'e',
            Self::NameWord => 'n',
        }
    }

    const fn most_bytes(self) -> usize {
        match self {
            Self::Id => MAX_ID_BYTES,
            Self::Email => MAX_EMAIL_BYTES,
            Self::NameWord => MAX_WORD_BYTES,
        }
    }

    /// The term that a text is. It is cut before it is put into lower case, in which some
    /// letters take more bytes: so what is searched for is cut where the term was. Each
    /// letter is taken alone: a sigma that ends what is searched for ends no word.
    fn term(self, text: &str) -> String {
        let cut = &text[..text.floor_char_boundary(self.most_bytes())];
        let mut term = String::with_capacity(1 + cut.len());
        term.push(self.letter());
        term.extend(cut.chars().flat_map(char::to_lowercase));
        term
    }
}

impl Person {
    /// What the row is found by, each once and in the order of bytes: its id, its
    /// addresses, and the first words of its names. Lower case as Unicode has it; nothing
    /// else about a letter is changed.
    pub fn terms(&self) -> Vec<String> {
        let mut terms = vec![TermKind::Id.term(&self.id)];
        terms.extend(self.emails.iter().map(|email| TermKind::Email.term(&email.address)));
        let mut words = Vec::new();
        for name in NAMES.iter().filter_map(|key| self.traits.text(key)) {
            for word in name.split_whitespace().map(|word| TermKind::NameWord.term(word)) {
                if words.len() < MAX_NAME_WORDS && !words.contains(&word) {
                    words.push(word);
                }
            }
        }
        terms.extend(words);
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    /// Whether a store would find the row by this: it has a term of this kind that is or
    /// begins with the text, in any case.
    pub fn has_term(&self, kind: TermKind, text: &str, matching: Matching) -> bool {
        let wanted = kind.term(text);
        self.terms().iter().any(|term| match matching {
            Matching::Whole => *term == wanted,
            Matching::Prefix => term.starts_with(&wanted),
        })
    }

    /// The address, of the newest and the earlier ones, that begins with the text, in any
    /// case.
    pub fn email_from(&self, text: &str) -> Option<Box<str>> {
        let wanted = TermKind::Email.term(text);
        let mut known = self.emails.iter().map(|email| &email.address);
        known.find(|address| TermKind::Email.term(address).starts_with(&wanted)).cloned()
    }
}

/// A range of terms in the order of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The first, itself included.
    pub from: String,
    /// Behind the last. No text has the character that it ends with.
    pub to: String,
}

/// Where the terms lie that begin with this text.
pub fn range(kind: TermKind, text: &str) -> Range {
    let from = kind.term(text);
    let to = format!("{from}{}", char::MAX);
    Range { from, to }
}
