//! Who may watch the service while the database is away.
//!
//! Whether a session or a token is good only the database knows, so that both
//! end on every instance at once. But it is when the database is away that
//! `/health`, `/stats` and `/metrics` are needed most. For these alone, what
//! the database last said on this instance counts as long as it cannot be
//! asked. Nothing can be revoked meanwhile either.

use std::collections::HashMap;

use parking_lot::Mutex;

use trailkeep_event::Timestamp;
use trailkeep_store::access::SecretHash;

/// How long the database's last word counts.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// So many are remembered; who comes then is not.
const MAX: usize = 1000;

/// Hashes of secrets that were good, and until when they count.
#[derive(Default)]
pub struct Remembered(Mutex<HashMap<SecretHash, Timestamp>>);

impl Remembered {
    /// The database said that this secret is good, at most until `end`.
    pub fn good(&self, secret: SecretHash, now: Timestamp, end: Option<Timestamp>) {
        let kept = now.plus_millis(KEPT_MS);
        let until = end.map_or(kept, |end| end.min(kept));
        let mut seen = self.0.lock();
        if seen.len() >= MAX && !seen.contains_key(&secret) {
            seen.retain(|_, until| *until > now);
        }
        if seen.len() < MAX || seen.contains_key(&secret) {
            seen.insert(secret, until);
        }
    }

    /// The database said that this secret is not good.
    pub fn bad(&self, secret: &SecretHash) {
        self.0.lock().remove(secret);
    }

    /// Whether the database last said that this secret is good.
    pub fn was_good(&self, secret: &SecretHash, now: Timestamp) -> bool {
        self.0.lock().get(secret).is_some_and(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const A: SecretHash = [1; 32];

    #[test]
    fn the_last_word_counts_for_a_day_or_until_the_end() {
        let now = Timestamp::from_millis(0).unwrap();
        let remembered = Remembered::default();
        assert!(!remembered.was_good(&A, now));
        remembered.good(A, now, None);
        assert!(remembered.was_good(&A, now.plus_millis(KEPT_MS - 1)));
        assert!(!remembered.was_good(&A, now.plus_millis(KEPT_MS)));
        remembered.good(A, now, Some(now.plus_millis(10)));
        assert!(!remembered.was_good(&A, now.plus_millis(10)));
        remembered.good(A, now, None);
        remembered.bad(&A);
        assert!(!remembered.was_good(&A, now));
    }

    #[test]
    fn no_more_than_the_bound_are_kept() {
        let now = Timestamp::from_millis(0).unwrap();
        let remembered = Remembered::default();
        for number in 0..2 * MAX {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_le_bytes());
            remembered.good(hash, now, None);
        }
        assert_eq!(remembered.0.lock().len(), MAX);
        remembered.good(A, now.plus_millis(2 * KEPT_MS), None);
        assert!(remembered.was_good(&A, now.plus_millis(2 * KEPT_MS)));
    }
}
