//! What is wrong with what somebody sent, told so that the sender can mend it.

use std::borrow::Cow;

/// How many faults one answer names; the rest are only counted.
pub const MAX_LISTED: usize = 100;

/// One thing that is wrong: with an event, a value of a body, or a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which event of the request, from 0; `None` where the fault is in none of
    /// them.
    pub index: Option<usize>,
    /// The field as the sender spelled it, or the contract's name for it when
    /// it is missing; empty when the fault is the whole value.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: Cow<'static, str>,
}

impl Fault {
    /// A fault of what is no event.
    pub fn of(field: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { index: None, field: field.into(), message: message.into() }
    }
}

/// The faults of one request: the first [`MAX_LISTED`] and how many in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    listed: Vec<Fault>,
    total: usize,
}

impl Faults {
    /// Adds a fault. The closure makes it only if it will be listed, so that a
    /// hostile request cannot make us format more than is answered.
    pub fn add(&mut self, fault: impl FnOnce() -> Fault) {
        if self.listed.len() < MAX_LISTED {
            self.listed.push(fault());
        }
        self.total += 1;
    }

    /// Counts faults that follow on at least [`MAX_LISTED`] others, and so are
    /// not listed.
    pub fn count(&mut self, faults: usize) {
        self.total += faults;
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// How many faults there are, listed or not.
    pub fn total(&self) -> usize {
        self.total
    }

    /// The first [`MAX_LISTED`] of them, in the order in which they were found.
    pub fn listed(&self) -> &[Fault] {
        &self.listed
    }
}

/// The first [`MAX_LISTED`] of what may be very many, and how many are beyond:
/// more are never named, and a hostile request has room for a million.
#[derive(Debug)]
pub struct Listed<T> {
    /// The first of them.
    pub first: Vec<T>,
    /// How many there are beyond.
    pub beyond: usize,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { first: Vec::new(), beyond: 0 }
    }
}

impl<T> Listed<T> {
    /// Counts an item, and keeps it while there is room in the list.
    pub fn push(&mut self, item: T) {
        if self.first.len() < MAX_LISTED {
            self.first.push(item);
        } else {
            self.beyond += 1;
        }
    }
}

/// Characters of a key that an answer repeats.
const MAX_KEY: usize = 64;

/// A key as it is named in an answer: a hostile one is not sent back whole.
pub fn clip(key: &str) -> String {
    match key.char_indices().nth(MAX_KEY) {
        None => key.to_owned(),
        Some((end, _)) => format!("{}...", &key[..end]),
    }
}
