//! What is stored against what was answered: the conservation of events.

use std::collections::HashMap;

use crate::record::{Batch, Record};

/// The user and the event's id.
pub type Identity = (String, String);

/// The result, in events. All but the first two are defects.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Answered 202; one that was sent twice counts once.
    pub accepted: u64,
    /// In the store.
    pub stored: u64,
    /// Accepted and not stored.
    pub lost: u64,
    /// Stored more than once.
    pub doubled: u64,
    /// Stored, and refused or never sent.
    pub invented: u64,
    /// Accepted, and answered with another id than was sent, or with none.
    pub misnamed: u64,
}

/// What may be in the store, by what was answered. An event that was sent
/// several times has the greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// Must not be there.
    Refused,
    /// May be there.
    Unanswered,
    /// Must be there.
    Accepted,
}

impl Check {
    /// Compares.
    pub fn on(record: &Record, stored: &[Identity]) -> Self {
        let mut promised = Promised::default();
        for batch in record.batches() {
            promised.note(batch);
        }
        let mut copies: HashMap<&Identity, u64> = HashMap::new();
        for identity in stored {
            *copies.entry(identity).or_default() += 1;
        }
        let accepted = || promised.fates.iter().filter(|(_, fate)| **fate == Fate::Accepted);
        Self {
            accepted: accepted().count() as u64,
            stored: stored.len() as u64,
            lost: accepted().filter(|(identity, _)| !copies.contains_key(identity)).count() as u64,
            doubled: copies.values().map(|copies| copies - 1).sum(),
            misnamed: promised.misnamed,
            invented: promised.invented(copies.into_keys()),
        }
    }

    /// Whether no defect was found.
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.invented + self.misnamed == 0
    }
}

#[derive(Default)]
struct Promised {
    fates: HashMap<Identity, Fate>,
    /// By user: events that were left to the service to name, and not answered.
    nameless: HashMap<String, u64>,
    misnamed: u64,
}

impl Promised {
    fn note(&mut self, batch: &Batch) {
        let Some(answer) = &batch.answer else {
            return self.note_unanswered(batch);
        };
        if answer.status != 202 {
            for event in &batch.events {
                if let Some(id) = &event.id {
                    self.raise((event.user.clone(), id.clone()), Fate::Refused);
                }
            }
            return;
        }
        let sent = batch.events.len();
        self.misnamed += sent.abs_diff(answer.event_ids.len()) as u64;
        for (event, answered) in batch.events.iter().zip(&answer.event_ids) {
            self.misnamed += u64::from(event.id.as_ref().is_some_and(|id| id != answered));
            let id = event.id.as_ref().unwrap_or(answered);
            self.raise((event.user.clone(), id.clone()), Fate::Accepted);
        }
    }

    fn note_unanswered(&mut self, batch: &Batch) {
        for event in &batch.events {
            match &event.id {
                Some(id) => self.raise((event.user.clone(), id.clone()), Fate::Unanswered),
                None => *self.nameless.entry(event.user.clone()).or_default() += 1,
            }
        }
    }

    fn raise(&mut self, identity: Identity, fate: Fate) {
        let known = self.fates.entry(identity).or_insert(fate);
        *known = fate.max(*known);
    }

    /// How many of these have no right to be there.
    fn invented<'a>(mut self, stored: impl Iterator<Item = &'a Identity>) -> u64 {
        let mut invented = 0;
        for identity in stored {
            match self.fates.get(identity) {
                Some(Fate::Accepted | Fate::Unanswered) => {}
                Some(Fate::Refused) => invented += 1,
                None => match self.nameless.get_mut(&identity.0) {
                    Some(left) if *left > 0 => *left -= 1,
                    _ => invented += 1,
                },
            }
        }
        invented
    }
}

#[cfg(test)]
mod tests;
