//! Links that sign in: once, and soon. Made by whoever runs the process, for an account
//! that is there; known to this process alone.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use trailkeep_event::Timestamp;
use trailkeep_event::time::Clock;
use trailkeep_store::access::SecretHash;
use uuid::Uuid;

use super::secrets::{hash_secret, random_secret};

/// For how long a link is good.
const LIFETIME_MS: i64 = 10 * 60 * 1000;

/// Links that are good at once; the oldest gives way.
const MOST: usize = 16;

/// The links that were not used yet.
pub struct SignInLinks {
    clock: Arc<dyn Clock>,
    open: Mutex<VecDeque<Link>>,
}

struct Link {
    secret: SecretHash,
    account: Uuid,
    until: Timestamp,
}

impl SignInLinks {
    /// None yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, open: Mutex::default() }
    }

    /// What a link has to carry to sign in to this account.
    pub fn make(&self, account: Uuid) -> String {
        let secret = random_secret();
        let until = self.clock.now().plus_millis(LIFETIME_MS);
        let mut open = self.open.lock();
        if open.len() == MOST {
            open.pop_front();
        }
        open.push_back(Link { secret: hash_secret(&secret), account, until });
        secret
    }

    /// The account that a link signs in to; the link is used up.
    pub fn take(&self, secret: &str) -> Option<Uuid> {
        let (secret, now) = (hash_secret(secret), self.clock.now());
        let mut open = self.open.lock();
        open.retain(|link| link.until > now);
        let place = open.iter().position(|link| link.secret == secret)?;
        open.remove(place).map(|link| link.account)
    }
}

#[cfg(test)]
mod tests {
    use trailkeep_event::time::SystemClock;

    use super::*;

    #[test]
    fn a_link_signs_in_once() {
        let links = SignInLinks::new(Arc::new(SystemClock));
        let account = Uuid::now_v7();
        let secret = links.make(account);
        assert_eq!(links.take("another"), None);
        assert_eq!(links.take(&secret), Some(account));
        assert_eq!(links.take(&secret), None);
    }

    #[test]
    fn of_too_many_the_oldest_gives_way() {
        let links = SignInLinks::new(Arc::new(SystemClock));
        let account = Uuid::now_v7();
        let secrets: Vec<String> = (0..=MOST).map(|_| links.make(account)).collect();
        let good: Vec<bool> = secrets.iter().map(|secret| links.take(secret).is_some()).collect();
        assert_eq!(good.iter().filter(|is_good| **is_good).count(), MOST);
        assert!(!good[0]);
    }
}
