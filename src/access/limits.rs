//! How often something may be tried, by whom it is tried. Counted by each
//! instance for itself.

use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use trailkeep_store::access::StaffAccount;

pub use super::client::network;
use super::error::AccessError;
use super::places::known_place;

/// How many of what there may be; 0 for any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Tries for the address of one account within [`ATTEMPTS_WINDOW`].
    pub attempts_per_address: u32,
    /// Tries of one client within it.
    pub attempts_per_client: u32,
    /// Requests with events a second from one client.
    pub events_per_client: u32,
    /// Requests with events a second with one write key.
    pub events_per_key: u32,
}

/// The limits in force; `None` where there is none.
#[derive(Debug)]
pub struct RateLimits {
    pub sign_in: Attempts,
    /// Tries to sign in from where the account was signed in to before, by account and
    /// network.
    pub at_known_places: Option<Arc<Limit>>,
    pub sign_up: Attempts,
    /// Wrong set-up codes, whoever tries them.
    pub wrong_set_up_codes: Option<Arc<Limit>>,
    /// Requests with events, by client address.
    pub events_by_client: Option<Arc<Limit>>,
    /// Requests with events, by write key.
    pub events_by_key: Option<Arc<Limit>>,
}

/// The time within which tries to sign in, and to sign up, are counted: who has
/// used them up gets the next one within a minute, and a guesser few in a day.
pub const ATTEMPTS_WINDOW: Duration = Duration::from_secs(15 * 60);

/// Wrong set-up codes within [`ATTEMPTS_WINDOW`]. No number of tries finds one: this keeps
/// them from the audit trail. The right one is never counted.
pub const WRONG_SET_UP_CODES: u32 = 100;

/// Tries that are counted by the address of the account and by that of the
/// client, so that neither one account can be tried by many clients nor many
/// accounts by one.
#[derive(Debug)]
pub struct Attempts {
    /// Tries for one account.
    pub by_email: Option<Arc<Limit>>,
    /// Tries of one client.
    pub by_client: Option<Arc<Limit>>,
}

impl Attempts {
    /// Counts a try, which may be one too many. The shell has no address, and as many as
    /// it likes: it could set a password without guessing one.
    pub fn check(&self, client: Option<IpAddr>, email: &str) -> Result<(), AccessError> {
        self.check_client(client)?;
        self.check_email(client, email)
    }

    /// Counts a try against the client's number alone.
    pub fn check_client(&self, client: Option<IpAddr>) -> Result<(), AccessError> {
        client.map_or(Ok(()), |client| check(self.by_client.as_deref(), &network(client)))
    }

    /// Counts a try against the number of the account's address alone.
    pub fn check_email(&self, client: Option<IpAddr>, email: &str) -> Result<(), AccessError> {
        client.map_or(Ok(()), |_| check(self.by_email.as_deref(), email))
    }

    fn renewed(before: Option<&Self>, rates: &Rates) -> Self {
        let (by_email, by_client) =
            before.map(|before| (&before.by_email, &before.by_client)).unzip();
        Self {
            by_email: Limit::renewed(by_email, rates.attempts_per_address, ATTEMPTS_WINDOW),
            by_client: Limit::renewed(by_client, rates.attempts_per_client, ATTEMPTS_WINDOW),
        }
    }
}

/// Counts a try against a limit, where there is one.
pub fn check<K: Hash + ?Sized>(limit: Option<&Limit>, key: &K) -> Result<(), AccessError> {
    limit.map_or(Ok(()), |limit| limit.check(key).map_err(AccessError::TooOften))
}

/// So many keys are counted each for itself: some 10 MiB.
const MAX_KEYS: usize = 100_000;
/// Beyond that, keys share this many counters by their hash.
const SHARED_COUNTERS: u64 = 4096;

/// So many tries in a period, by key; that many may come at once, and room for
/// one more comes back evenly. Memory is bounded, however many keys come.
pub struct Limit {
    tries: u32,
    limiter: DefaultKeyedRateLimiter<Counter>,
    clock: DefaultClock,
    hasher: RandomState,
}

/// Where a key is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Counter {
    Own(u64),
    Shared(u64),
}

impl Limit {
    /// `tries` in each `period`; `None` where either is nothing.
    pub fn new(tries: u32, period: Duration) -> Option<Self> {
        let quota = Quota::with_period(period.checked_div(tries)?)?;
        Some(Self {
            tries,
            limiter: DefaultKeyedRateLimiter::keyed(quota.allow_burst(NonZeroU32::new(tries)?)),
            clock: DefaultClock::default(),
            hasher: RandomState::new(),
        })
    }

    /// The one of before where its number is the same, with all that it has counted; else
    /// one that has counted nothing.
    fn renewed(
        before: Option<&Option<Arc<Self>>>,
        tries: u32,
        period: Duration,
    ) -> Option<Arc<Self>> {
        let same = before.and_then(Option::as_ref).filter(|limit| limit.tries == tries);
        same.cloned().or_else(|| Self::new(tries, period).map(Arc::new))
    }

    /// Counts a try; after how long the next one has room, if there is none now.
    pub fn check<K: Hash + ?Sized>(&self, key: &K) -> Result<(), Duration> {
        self.limiter
            .check_key(&self.counter(key))
            .map_err(|refused| refused.wait_time_from(self.clock.now()))
    }

    fn counter<K: Hash + ?Sized>(&self, key: &K) -> Counter {
        // Only the hash is kept: keys may be long, and addresses are personal.
        let hash = self.hasher.hash_one(key);
        if self.limiter.len() < MAX_KEYS {
            Counter::Own(hash)
        } else {
            Counter::Shared(hash % SHARED_COUNTERS)
        }
    }

    /// Forgets the keys that have all their room again. Called from time to time.
    pub fn shrink(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// The number alone: who is counted is nobody's to see.
impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limit({})", self.tries)
    }
}

impl RateLimits {
    /// With these numbers. Of limits of before, those whose number is the same go on with
    /// what they have counted: who has used up all tries gets none by a reload.
    pub fn new(rates: &Rates, before: Option<&Self>) -> Self {
        const SECOND: Duration = Duration::from_secs(1);
        let per_address = rates.attempts_per_address;
        let at_known_places = before.map(|before| &before.at_known_places);
        let wrong_codes = before.map(|before| &before.wrong_set_up_codes);
        let by_client = before.map(|before| &before.events_by_client);
        let by_key = before.map(|before| &before.events_by_key);
        Self {
            sign_in: Attempts::renewed(before.map(|before| &before.sign_in), rates),
            at_known_places: Limit::renewed(at_known_places, per_address, ATTEMPTS_WINDOW),
            sign_up: Attempts::renewed(before.map(|before| &before.sign_up), rates),
            wrong_set_up_codes: Limit::renewed(wrong_codes, WRONG_SET_UP_CODES, ATTEMPTS_WINDOW),
            events_by_client: Limit::renewed(by_client, rates.events_per_client, SECOND),
            events_by_key: Limit::renewed(by_key, rates.events_per_key, SECOND),
        }
    }

    /// Counts a try for the password of an account, `None` where the address has none. From
    /// where it was signed in to before, it is counted there alone: neither what others try
    /// for the address nor what others of that network try stands against its owner.
    pub fn check_sign_in(
        &self,
        client: Option<IpAddr>,
        email: &str,
        account: Option<&StaffAccount>,
    ) -> Result<(), AccessError> {
        match client.and_then(|client| known_place(account, client)) {
            Some(place) => check(self.at_known_places.as_deref(), &place),
            None => self.sign_in.check(client, email),
        }
    }

    /// Forgets whoever has all room again.
    pub fn shrink(&self) {
        let all = [
            &self.sign_in.by_email,
            &self.sign_in.by_client,
            &self.at_known_places,
            &self.sign_up.by_email,
            &self.sign_up.by_client,
            &self.wrong_set_up_codes,
            &self.events_by_client,
            &self.events_by_key,
        ];
        all.into_iter().flatten().for_each(|limit| limit.shrink());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn so_many_and_no_more_each_key_for_itself() {
        let limit = Limit::new(3, HOUR).unwrap();
        for _ in 0..3 {
            limit.check("a").unwrap();
        }
        let wait = limit.check("a").unwrap_err();
        assert!(wait > Duration::from_secs(1190) && wait <= HOUR / 3, "{wait:?}");
        limit.check("b").unwrap();
    }

    #[test]
    fn a_limit_whose_number_stays_goes_on_with_what_it_has_counted() {
        let rates = Rates { attempts_per_address: 1, events_per_client: 1, ..Rates::default() };
        let before = RateLimits::new(&rates, None);
        let client = IpAddr::from([192, 0, 2, 1]);
        before.sign_in.check_email(Some(client), "a").unwrap();
        check(before.events_by_client.as_deref(), &client).unwrap();

        let more = Rates { events_per_client: 2, ..rates };
        let after = RateLimits::new(&more, Some(&before));
        assert!(after.sign_in.check_email(Some(client), "a").is_err());
        after.sign_up.check_email(Some(client), "a").unwrap();
        assert!(after.sign_up.check_email(Some(client), "a").is_err());
        for _ in 0..2 {
            check(after.events_by_client.as_deref(), &client).unwrap();
        }
        assert!(check(after.events_by_client.as_deref(), &client).is_err());

        let none = RateLimits::new(&Rates::default(), Some(&after));
        assert!(none.events_by_client.is_none() && none.sign_in.by_email.is_none());
        assert!(none.wrong_set_up_codes.is_some(), "that is no setting");
    }

    #[test]
    fn nothing_is_no_limit() {
        assert!(Limit::new(0, HOUR).is_none());
        check(None, "a").unwrap();
    }

    #[test]
    fn the_shell_may_try_as_often_as_it_likes() {
        let limited = || Limit::new(1, HOUR).map(Arc::new);
        let attempts = Attempts { by_email: limited(), by_client: limited() };
        for _ in 0..3 {
            attempts.check(None, "a").unwrap();
        }
        let client = Some(IpAddr::from([192, 0, 2, 1]));
        attempts.check(client, "a").unwrap();
        assert!(attempts.check(client, "b").is_err());
    }

    #[test]
    fn keys_beyond_the_bound_share_places() {
        let limit = Limit::new(1, HOUR).unwrap();
        for key in 0..(MAX_KEYS + 50_000) {
            let _ = limit.check(&key);
        }
        let most = MAX_KEYS + usize::try_from(SHARED_COUNTERS).unwrap();
        assert!(limit.limiter.len() <= most, "{}", limit.limiter.len());
    }

    #[test]
    fn keys_with_all_their_room_are_forgotten() {
        let limit = Limit::new(1000, Duration::from_millis(1)).unwrap();
        limit.check("a").unwrap();
        let started = std::time::Instant::now();
        while !limit.limiter.is_empty() {
            limit.shrink();
            assert!(started.elapsed() < Duration::from_secs(10));
        }
    }
}
