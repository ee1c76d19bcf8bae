//! What is said of an event: a text with places for values of its payload, such as
//! `Placed order {orderId} for {cart.total}`. `{{` and `}}` are braces.

use std::fmt;

use super::path::{FORM, KeyPath};

/// Characters of a sentence at the most: it is one line of a journey.
pub const MAX_CHARACTERS: usize = 200;

/// What is said of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence(Box<[Part]>);

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it stands; never empty, and none follows another.
    Text(Box<str>),
    /// The place for a value.
    Key(KeyPath),
}

/// A part of a sentence that was filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Of the sentence itself.
    Text(&'a str),
    /// Of the payload.
    Value(String),
}

/// Why a text is no sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SentenceError {
    #[error("must have 1 to {MAX_CHARACTERS} characters")]
    Length,
    #[error("is blank")]
    Blank,
    #[error("holds a control character")]
    Control,
    /// The place of the brace, from 1.
    #[error(
        "opens a brace at character {0} and does not close it; write {{{{ for one that is shown"
    )]
    Unclosed(usize),
    /// The place of the brace, from 1.
    #[error("closes a brace at character {0} that is not open; write }}}} for one that is shown")]
    Unopened(usize),
    #[error("has {0:?} between braces, which must be {FORM}")]
    NoKey(String),
}

impl Sentence {
    /// Reads what somebody wrote.
    pub fn parse(text: &str) -> Result<Self, SentenceError> {
        if !(1..=MAX_CHARACTERS).contains(&text.chars().count()) {
            return Err(SentenceError::Length);
        }
        if text.contains(char::is_control) {
            return Err(SentenceError::Control);
        }
        if text.trim().is_empty() {
            return Err(SentenceError::Blank);
        }
        let place = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
        let mut parts = Parts::default();
        let mut rest = text;
        while let Some(brace) = rest.find(['{', '}']) {
            let (plain, from) = rest.split_at(brace);
            parts.plain.push_str(plain);
            rest = if let Some(behind) = from.strip_prefix("{{") {
                parts.plain.push('{');
                behind
            } else if let Some(behind) = from.strip_prefix("}}") {
                parts.plain.push('}');
                behind
            } else if let Some(behind) = from.strip_prefix('{') {
                let inside = behind.split_once('}').filter(|(key, _)| !key.contains('{'));
                let (key, behind) = inside.ok_or_else(|| SentenceError::Unclosed(place(from)))?;
                let path = KeyPath::new(key);
                parts.key(path.ok_or_else(|| SentenceError::NoKey(key.to_owned()))?);
                behind
            } else {
                return Err(SentenceError::Unopened(place(from)));
            };
        }
        parts.plain.push_str(rest);
        Ok(parts.finish())
    }

    /// Its parts, in their order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Fills in the values, which `get` finds by their keys, the outermost first. `None`
    /// where it does not find one: nobody is to read half of a sentence.
    pub fn fill(&self, get: impl Fn(&[Box<str>]) -> Option<String>) -> Option<Vec<Piece<'_>>> {
        let filled = self.0.iter().map(|part| match part {
            Part::Text(text) => Some(Piece::Text(text)),
            Part::Key(path) => get(path.keys()).map(Piece::Value),
        });
        filled.collect()
    }
}

/// The parts of a sentence as they are found.
#[derive(Default)]
struct Parts {
    done: Vec<Part>,
    /// What is to be one text.
    plain: String,
}

impl Parts {
    fn key(&mut self, path: KeyPath) {
        self.end_text();
        self.done.push(Part::Key(path));
    }

    fn end_text(&mut self) {
        if !self.plain.is_empty() {
            self.done.push(Part::Text(std::mem::take(&mut self.plain).into()));
        }
    }

    fn finish(mut self) -> Sentence {
        self.end_text();
        Sentence(self.done.into())
    }
}

/// The text that it was read from.
impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Part::Key(path) => write!(f, "{{{path}}}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
