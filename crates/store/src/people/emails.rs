//! The e-mail addresses that a user had.

use std::cmp::Reverse;

use trailkeep_event::Arrival;

/// Addresses that are kept besides the current one.
pub const MAX_EARLIER_EMAILS: usize = 5;

/// Bytes of an address at the most. What is longer is no address, as mail has it.
pub const MAX_EMAIL_BYTES: usize = 256;

/// An address that a user had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// As it was sent, without blanks around it.
    pub address: Box<str>,
    /// The greatest arrival of an event that said it.
    pub said: Arrival,
}

/// The addresses that were said last, the newest first: the current one, and at most
/// [`MAX_EARLIER_EMAILS`] others.
///
/// What is left out is left out in any order: an address's arrival only ever rises, so one
/// that has six others above it gets among them only by being said again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Emails(Vec<Email>);

impl Emails {
    /// Takes what was said to be an address; one that is none is passed over.
    pub fn take(&mut self, text: &str, said: Arrival) {
        if let Some(address) = address(text) {
            self.add(Email { address: address.into(), said });
        }
    }

    /// Takes those of another row of the same id.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|email| self.add(email.clone()));
    }

    pub(super) fn add(&mut self, email: Email) {
        match self.0.iter_mut().find(|other| other.address == email.address) {
            Some(known) => known.said = known.said.max(email.said),
            None => self.0.push(email),
        }
        self.0.sort_unstable_by(|left, right| {
            let place = |email: &Email| Reverse((email.said, email.address.clone()));
            place(left).cmp(&place(right))
        });
        self.0.truncate(1 + MAX_EARLIER_EMAILS);
    }

    /// All of them, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Email> {
        self.0.iter()
    }
}

/// The address that a text is, if it is one: something, not too long, without control
/// characters. Who sends it knows best what an address looks like.
pub fn address(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_one = (1..=MAX_EMAIL_BYTES).contains(&text.len()) && !text.contains(char::is_control);
    is_one.then_some(text)
}
