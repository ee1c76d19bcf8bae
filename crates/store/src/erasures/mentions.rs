//! Ids that are noted at sessions and at other ids.

use std::collections::HashMap;

use trailkeep_event::Arrival;

use crate::Id;
use crate::people::{Decision, Person, SessionUser};

/// An id that is noted elsewhere than in its own row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The id.
    pub user_id: Box<str>,
    /// Where it is noted.
    pub at: MentionedAt,
}

/// Where an id is noted as a user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum MentionedAt {
    /// At this session.
    Session(Box<str>),
    /// At this id, on which the user was signed in.
    Id(Box<str>),
}

/// What a store finds of ids, row by row, until it is enough.
pub(crate) struct Mentions {
    /// What arrived before this number is meant.
    until: HashMap<Box<str>, Option<Arrival>>,
    limit: usize,
    found: Vec<Mention>,
}

impl Mentions {
    /// At most `limit` of these ids.
    pub fn of(ids: &[Id], limit: usize) -> Self {
        let until = ids.iter().map(|id| (id.id.as_str().into(), id.until)).collect();
        Self { until, limit, found: Vec::new() }
    }

    /// Looks at a session.
    pub fn look_at_session(&mut self, session: SessionUser) {
        if self.has(&session.user_id, |until| session.since < until) {
            let at = MentionedAt::Session(session.session_id);
            self.found.push(Mention { user_id: session.user_id, at });
        }
    }

    /// Looks at the row of an id. What it says of its own id goes with the row.
    pub fn look_at_person(&mut self, person: &Person) {
        let claimed = person.claims.iter().filter(|claim| *claim.user != *person.id);
        let claimed = claimed.filter(|claim| self.has(&claim.user, |until| claim.at < until));
        let mut users: Vec<Box<str>> = claimed.map(|claim| claim.user.clone()).collect();
        if let Some(Decision { user: Some(user), at, .. }) = &person.decided
            && **user != *person.id
            && self.has(user, |until| *at < until.moment())
        {
            users.push(user.clone());
        }
        let at = || MentionedAt::Id(person.id.clone());
        self.found.extend(users.into_iter().map(|user_id| Mention { user_id, at: at() }));
    }

    /// Whether there are fewer than are to be found at the most.
    pub fn are_wanted(&self) -> bool {
        self.found.len() < self.limit
    }

    /// Those that were found: a row may have more than were wanted.
    pub fn found(mut self) -> Vec<Mention> {
        self.found.truncate(self.limit);
        self.found
    }

    /// Whether it is one of the ids, and came before its number.
    fn has(&self, user_id: &str, came_before: impl Fn(Arrival) -> bool) -> bool {
        self.until.get(user_id).is_some_and(|until| until.is_none_or(came_before))
    }
}
