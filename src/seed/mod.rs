//! Sample data: the events of a shop's visitors, as its trackers would have
//! sent them over the last weeks.
//!
//! Pure: a [`Plan`] says what is wanted, [`Samples`] is the stream of it, and
//! the same plan always gives the same stream. It is in order of time, so that
//! event ids, which carry their time, reach a database's unique index in order.
//!
//! # The model
//!
//! - **Accounts** (`account-0001`, ...) are of different size: which one a
//!   visit belongs to is drawn from Zipf's law with exponent 0.5. Beside them
//!   stands one *whale* with a fixed share of all events; it is not drawn but
//!   kept to, so that its events are never further from that share than one
//!   visit is long.
//! - **Users** (`user-000001`, ...) belong to one account each; the whale has
//!   its share of them. Within an account, who visits is drawn from Zipf's law
//!   with exponent 0.8: a few users with long journeys, many with short ones.
//! - **Visits** begin with a `session_start` and go on for 2 to 30 events,
//!   about 8 on average and at most 45 minutes, in an order that a person could
//!   have caused: nothing is bought that is not in the cart, and only what
//!   plays is paused. In half of them the visitor signs in (`identify`), with a name
//!   and an address that belong to the user. Some go wrong. Each has a session id of
//!   its own.
//! - **Times** follow the day: ten times as many visits in the evening (UTC) as
//!   at night, and fewer at weekends. All lie between `until` less `days`, and
//!   `until`.
//! - **Payloads** have about 100 bytes of JSON.
//!
//! The files: `rhythm` is when visits begin, `people` who makes them, `visit`
//! what happens in one, `payload` what trackers add, `stream` all of them
//! merged by time, `now` visits that are under way, and `sample` one event on its way to the store or the wire.
//!
//! # What "the same" means
//!
//! Random numbers come from ChaCha8, whose stream is the same everywhere.
//! Zipf's law and the lengths of visits are computed with the platform's
//! floating-point functions: one build repeats itself exactly; a platform whose
//! functions round the last bit differently may, in theory, differ in a visit.

mod now;
mod payload;
mod people;
mod rhythm;
mod sample;
mod stream;
mod visit;

pub use now::Now;
pub use sample::Sample;
pub use stream::Samples;
pub use visit::Kind;

use trailkeep_event::Timestamp;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What is wanted. The same plan gives the same events.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How many events; at least 1.
    pub events: u64,
    /// What chance is drawn from.
    pub seed: u64,
    /// Users, those of the whale included.
    pub users: u32,
    /// Accounts beside the whale; at least 1.
    pub accounts: u32,
    /// Days that the events are spread over; 1 to 3,650.
    pub days: u32,
    /// No event is later than this, and none earlier than `days` before it.
    pub until: Timestamp,
    /// The whale's account id, 1 to 256 bytes without control characters.
    pub whale: Box<str>,
    /// Its share of the events, 0 to 1; 0 for no whale.
    pub whale_share: f64,
}

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanFault {
    /// There is nothing to make.
    #[error("the number of events must be at least 1")]
    NoEvents,
    /// Each account needs a user, and so does the whale.
    #[error("{users} users are too few for {accounts} accounts and the whale; at least {least}")]
    TooFewUsers {
        /// Users asked for.
        users: u32,
        /// Accounts asked for.
        accounts: u32,
        least: u64,
    },
    /// There is nobody to make events.
    #[error("the number of accounts must be at least 1")]
    NoAccounts,
    /// The span is empty, or beyond what anybody kept events for.
    #[error("the number of days must be from 1 to 3650")]
    Days,
    /// Event ids hold the time since 1970, in 48 bits.
    #[error("the events would begin before 1970, or end after the year 9999")]
    Until,
    #[error("the whale's share must be from 0 to 1")]
    Share,
    /// It could not be sent as an `accountId`.
    #[error("the whale's name must have 1 to 256 bytes, and no control characters")]
    Name,
}

impl Plan {
    /// Checks each limit that the fields name.
    ///
    /// # Errors
    ///
    /// The first limit that is not kept.
    pub fn check(&self) -> Result<(), PlanFault> {
        let least = u64::from(self.accounts) + 1;
        let is_name =
            (1..=256).contains(&self.whale.len()) && !self.whale.chars().any(char::is_control);
        match self {
            _ if self.events == 0 => Err(PlanFault::NoEvents),
            _ if self.accounts == 0 => Err(PlanFault::NoAccounts),
            _ if u64::from(self.users) < least => {
                Err(PlanFault::TooFewUsers { users: self.users, accounts: self.accounts, least })
            }
            _ if !(1..=3650).contains(&self.days) => Err(PlanFault::Days),
            _ if self.from().as_millis() < 0 => Err(PlanFault::Until),
            _ if !(0.0..=1.0).contains(&self.whale_share) => Err(PlanFault::Share),
            _ if !is_name => Err(PlanFault::Name),
            _ => Ok(()),
        }
    }

    /// No event is earlier than this.
    pub fn from(&self) -> Timestamp {
        self.until.plus_millis(-i64::from(self.days) * DAY_MS)
    }
}

#[cfg(test)]
mod tests;
