//! Who was signed in on an id.

use trailkeep_event::Arrival;

/// Claims that decide anything: the first is whose the id is, the second ends that.
const KEPT: usize = 2;

/// Stands for users who were erased: nobody has an id without bytes.
pub const FORGOTTEN: &str = "";

/// An event had an id beside a user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The least arrival of an event that had both.
    pub at: Arrival,
    /// The user.
    pub user: Box<str>,
}

/// The two least claims of different users on one id, by arrival and user.
///
/// Two are enough, and leaving out the rest is safe in any order: a user's claim only ever
/// sinks, so one that has two others below it has them below it for good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims(Vec<Claim>);

impl Claims {
    /// Takes a claim.
    pub fn take(&mut self, claim: Claim) {
        match self.0.iter_mut().find(|other| other.user == claim.user) {
            Some(known) => known.at = known.at.min(claim.at),
            None => self.0.push(claim),
        }
        self.0.sort_unstable();
        self.0.truncate(KEPT);
    }

    /// Takes those of another row of the same id.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|claim| self.take(claim.clone()));
    }

    /// Forgets who a user was who claims the id since before a number: that somebody did stays,
    /// for it ends what others claim. Answers whether anything changed.
    pub fn forget(&mut self, user: &str, before: Arrival) -> bool {
        let is_meant = |claim: &Claim| *claim.user == *user && claim.at < before;
        let Some(place) = self.0.iter().position(is_meant) else {
            return false;
        };
        let claim = self.0.remove(place);
        self.take(Claim { at: claim.at, user: FORGOTTEN.into() });
        true
    }

    /// In order, the least first.
    pub fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.0.iter()
    }
}
