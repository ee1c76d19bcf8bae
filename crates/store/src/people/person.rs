//! A row, what it says, and how two become one.
//!
//! Each part merges so that order and repetition make no difference: the least or the
//! greatest stays, by itself or for each key. (Of traits that exceed their bounds not quite
//! so: [`Traits`] says how far.) What an event says is a row of the same kind with little in
//! it, so there is one way for it in.

use trailkeep_event::{Arrival, Payload, Timestamp};

use super::claims::{Claim, Claims, FORGOTTEN};
use super::emails::{Emails, address};
use super::traits::{EMAIL, Traits};

/// Rows are deleted by the hour: or each event would change an index.
const HOUR_MS: i64 = 60 * 60 * 1000;

/// What is known of one id, a user's or an anonymous one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id.
    pub id: Box<str>,
    /// When events of it were received; `None` where there was none, and somebody decided
    /// about it.
    pub seen: Option<Seen>,
    /// Whether it was ever sent as `userId`, and not as an anonymous id alone.
    pub is_named: bool,
    /// The least arrival at which it was sent as a user's own: as `userId` beside another
    /// `anonymousId`, or in an `identify`.
    pub user_since: Option<Arrival>,
    /// Who was signed in on it.
    pub claims: Claims,
    /// What an administrator said. Stands above the claims.
    pub decided: Option<Decision>,
    /// What `identify` events said.
    pub traits: Traits,
    /// The addresses that were among that, the current one included.
    pub emails: Emails,
}

/// The first and the last time that an id was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The earliest receipt of an event.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
}

/// An administrator's word on whose an id is. Of two, the later stays; of one moment, that
/// of the actor whose name comes later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// When it was said.
    pub at: Timestamp,
    /// Who said it.
    pub by: Box<str>,
    /// Whose it is; `None` for nobody's.
    pub user: Option<Box<str>>,
}

/// An id is a user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The user.
    pub user: Box<str>,
    /// Since when that is known: the arrival of the event that said so, or the lowest at
    /// the moment of the decision.
    pub since: Arrival,
    /// From where on events of the id are not the user's any more.
    pub until: Option<Arrival>,
}

impl Link {
    /// Whether an event of the id belongs to the user's journey. What came before `since`
    /// does: that is what a link is for.
    pub fn has(&self, arrival: Arrival) -> bool {
        self.until.is_none_or(|until| arrival < until)
    }
}

impl Person {
    /// Says nothing of an id yet: merged into a row it changes nothing.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            seen: None,
            is_named: false,
            user_since: None,
            claims: Claims::default(),
            decided: None,
            traits: Traits::default(),
            emails: Emails::default(),
        }
    }

    /// An event of the id was received then.
    #[must_use]
    pub fn seen_at(mut self, received_at: Timestamp) -> Self {
        self.see(Seen { first: received_at, last: received_at });
        self
    }

    /// It was sent as `userId`.
    #[must_use]
    pub fn named(mut self) -> Self {
        self.is_named = true;
        self
    }

    /// It was sent as a user's own.
    #[must_use]
    pub fn as_user(mut self, arrival: Arrival) -> Self {
        self.user_since = least(self.user_since, Some(arrival));
        self
    }

    /// It was sent beside this user. An id beside itself says nothing.
    #[must_use]
    pub fn claimed_by(mut self, user: &str, arrival: Arrival) -> Self {
        if user != &*self.id {
            self.claims.take(Claim { at: arrival, user: user.into() });
        }
        self
    }

    /// An `identify` with this payload said it: traits are those in `payload.traits`, or
    /// the payload itself where it has none. A trait `email` that is no address is a trait
    /// alone.
    #[must_use]
    pub fn identified(mut self, payload: &Payload, arrival: Arrival) -> Self {
        let said = Traits::said_in(payload, arrival);
        if let Some(text) = said.text(EMAIL) {
            self.emails.take(&text, arrival);
        }
        self.traits.merge(&said);
        self
    }

    /// An administrator said it.
    #[must_use]
    pub fn decided(mut self, decision: Decision) -> Self {
        self.decided = self.decided.take().max(Some(decision));
        self
    }

    /// Takes what another row of the same id says.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.id, other.id);
        if let Some(seen) = other.seen {
            self.see(seen);
        }
        self.is_named |= other.is_named;
        self.user_since = least(self.user_since, other.user_since);
        self.claims.merge(&other.claims);
        if self.decided < other.decided {
            self.decided.clone_from(&other.decided);
        }
        self.traits.merge(&other.traits);
        self.emails.merge(&other.emails);
    }

    /// Forgets a user who was signed in on the id before a number, or whose it was said to be
    /// before its moment. Answers whether anything changed.
    pub fn forget(&mut self, user: &str, before: Arrival) -> bool {
        let said = |decision: &&mut Decision| {
            decision.user.as_deref() == Some(user) && decision.at < before.moment()
        };
        let decided = self.decided.as_mut().filter(said);
        let is_changed = decided.is_some();
        if let Some(decision) = decided {
            decision.user = None;
        }
        self.claims.forget(user, before) || is_changed
    }

    /// The row of an id of which a part is erased, with these users up to a number: what is left
    /// is that somebody was signed in on it, and since when it is a user's own. All else its
    /// events say again.
    #[must_use]
    pub fn emptied(&self, erased: &[&str], before: Arrival) -> Self {
        let claims = self.claims.clone();
        let (user_since, decided) = (self.user_since, self.decided.clone());
        let mut left = Self { claims, user_since, decided, ..Self::new(&self.id) };
        for user in erased {
            left.forget(user, before);
        }
        left
    }

    /// Whether it says what the other one says, but for when the id was seen, which may be
    /// off by so many milliseconds.
    pub(super) fn says_no_more_than(&self, other: &Self, lag_ms: i64) -> bool {
        let is_near = |left: Timestamp, right: Timestamp| {
            left.as_millis().abs_diff(right.as_millis()) <= lag_ms.unsigned_abs()
        };
        let is_seen_alike = match (self.seen, other.seen) {
            (Some(left), Some(right)) => {
                is_near(left.first, right.first) && is_near(left.last, right.last)
            }
            (left, right) => left == right,
        };
        is_seen_alike && *self == Self { seen: self.seen, ..other.clone() }
    }

    fn see(&mut self, seen: Seen) {
        self.seen = Some(self.seen.map_or(seen, |known| Seen {
            first: known.first.min(seen.first),
            last: known.last.max(seen.last),
        }));
    }

    /// Whose the id is. A decision stands above all. Else it is the one's who was signed in
    /// on it first, until somebody else was, or until the id turned out to be a user's own;
    /// where that was known before, nobody's.
    ///
    /// Links are one deep by this: an id that is known to be a user's gets none.
    pub fn link(&self) -> Option<Link> {
        if let Some(decision) = &self.decided {
            let user = decision.user.clone().filter(|user| *user != self.id)?;
            return Some(Link { user, since: Arrival::first_at(decision.at), until: None });
        }
        let mut claims = self.claims.iter().filter(|claim| claim.user != self.id);
        let first = claims.next().filter(|claim| *claim.user != *FORGOTTEN)?;
        if self.user_since.is_some_and(|since| since <= first.at) {
            return None;
        }
        let until = least(claims.next().map(|second| second.at), self.user_since);
        Some(Link { user: first.user.clone(), since: first.at, until })
    }

    /// Whether the id is this user's, or was until its link ended.
    pub fn is_linked_to(&self, user_id: &str) -> bool {
        self.link().is_some_and(|link| *link.user == *user_id)
    }

    /// The address that is in force: the newest trait `email`, where that is one.
    pub fn email(&self) -> Option<Box<str>> {
        let text = self.traits.text(EMAIL)?;
        address(&text).map(Box::from)
    }

    /// When it goes, if there is a retention. It counts from the end of the hour in which
    /// the id was seen last, or decided about where it was not seen.
    pub(crate) fn age(&self) -> Option<Age> {
        let decided = self.decided.as_ref();
        let last = self.seen.map(|seen| seen.last).or(decided.map(|decision| decision.at))?;
        let hour = last.as_millis().div_euclid(HOUR_MS).saturating_add(1);
        let from = Timestamp::from_millis_clamped(hour.saturating_mul(HOUR_MS));
        let is_joined = decided.is_some_and(|decision| decision.user.is_some());
        Some(if is_joined { Age::WithItsUser(from) } else { Age::Alone(from) })
    }
}

/// How a row goes once its time is over, which counts from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// By itself.
    Alone(Timestamp),
    /// An administrator joined it to a user, and it stays while that one has a row.
    WithItsUser(Timestamp),
}

/// The lesser of those that are there.
fn least(left: Option<Arrival>, right: Option<Arrival>) -> Option<Arrival> {
    left.into_iter().chain(right).min()
}
