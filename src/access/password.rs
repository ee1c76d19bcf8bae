//! Passwords as Argon2id hashes.
//!
//! A hash costs tens of milliseconds of a core and 19 MiB. So
//! hashing happens off the async threads, a few at once, and behind a queue of
//! a fixed length: a flood of sign-ins gets [`PasswordError::Busy`], and
//! neither takes the memory nor the threads that ingestion needs.

mod hasher;

use std::sync::Arc;

use tokio::sync::Semaphore;

use self::hasher::Hasher;
pub use self::hasher::{HashCost, PasswordError, Verdict};
use super::error::AccessError;

impl From<PasswordError> for AccessError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            PasswordError::Failed(reason) => Self::Defect(reason),
        }
    }
}

/// Hashes and checks passwords.
pub struct Passwords {
    hasher: Arc<Hasher>,
    /// Of a password that nobody has.
    nobodys: Arc<str>,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Passwords {
    /// Checks the cost.
    pub fn new(cost: &HashCost) -> Result<Self, PasswordError> {
        let hasher = Hasher::new(cost)?;
        Ok(Self {
            nobodys: hasher.nobodys()?.into(),
            hasher: Arc::new(hasher),
            turns: Arc::new(Semaphore::new(cost.parallel)),
            places: Arc::new(Semaphore::new(cost.parallel + cost.waiting)),
        })
    }

    /// The hash of a new password, in its PHC form.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let hasher = Arc::clone(&self.hasher);
        self.in_turn(move || hasher.hash(password.as_bytes())).await
    }

    /// Checks a password against a kept hash. Where there is none, it is
    /// checked against the hash of nobody's password, so that the answer takes
    /// as long, and is always wrong.
    pub async fn verify(
        &self,
        password: String,
        kept: Option<&str>,
    ) -> Result<Verdict, PasswordError> {
        let hasher = Arc::clone(&self.hasher);
        let is_somebodys = kept.is_some();
        let kept: Arc<str> = kept.map_or_else(|| Arc::clone(&self.nobodys), Into::into);
        self.in_turn(move || {
            let verdict = hasher.verify(password.as_bytes(), &kept)?;
            Ok(if is_somebodys { verdict } else { Verdict::Wrong })
        })
        .await
    }

    /// Runs on a thread for blocking work when it is its turn. The place in the
    /// queue is held until the work is done, even if nobody waits for it any more.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place =
            Arc::clone(&self.places).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let turn =
            Arc::clone(&self.turns).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop((turn, place));
            done
        })
        .await
        .map_err(|error| PasswordError::Failed(error.to_string()))?
    }
}

/// A password for somebody who is to choose another one: 120 random bits in
/// groups that can be read out.
pub fn generate() -> String {
    // Without the letters and digits that are taken for one another.
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes = rand::random::<[u8; 24]>();
    let letters: Vec<char> =
        bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    let groups: Vec<String> = letters.chunks(6).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const CHEAP: HashCost =
        HashCost { memory_kib: 8, passes: 1, lanes: 1, parallel: 2, waiting: 10 };

    async fn verdict(passwords: &Passwords, password: &str, kept: Option<&str>) -> Verdict {
        passwords.verify(password.to_owned(), kept).await.unwrap()
    }

    #[tokio::test]
    async fn the_right_password_is_right_and_any_other_wrong() {
        let passwords = Passwords::new(&CHEAP).unwrap();
        let kept = passwords.hash("kx7#mqvz".to_owned()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{kept}");
        assert_eq!(verdict(&passwords, "kx7#mqvz", Some(&kept)).await, Verdict::Right);
        assert_eq!(verdict(&passwords, "kx7#mqv", Some(&kept)).await, Verdict::Wrong);
        assert_eq!(verdict(&passwords, "kx7#mqvz", None).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_renewed() {
        let old = Passwords::new(&CHEAP).unwrap();
        let kept = old.hash("kx7#mqvz".to_owned()).await.unwrap();
        let new = Passwords::new(&HashCost { passes: 2, ..CHEAP }).unwrap();
        assert_eq!(verdict(&new, "wrong", Some(&kept)).await, Verdict::Wrong);
        let Verdict::Outdated(renewed) = verdict(&new, "kx7#mqvz", Some(&kept)).await else {
            unreachable!("the cost is another");
        };
        assert!(renewed.contains("t=2"), "{renewed}");
        assert_eq!(verdict(&new, "kx7#mqvz", Some(&renewed)).await, Verdict::Right);
    }

    #[tokio::test]
    async fn beyond_the_queue_the_answer_is_busy() {
        let passwords = Passwords::new(&HashCost { parallel: 1, waiting: 1, ..CHEAP }).unwrap();
        // Both places are taken, and the one turn too.
        let turn = passwords.turns.acquire().await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..2 {
            let mut hash = Box::pin(passwords.hash("kx7#mqvz".to_owned()));
            assert!(futures_util::poll!(&mut hash).is_pending());
            waiting.push(hash);
        }
        let refused = passwords.hash("kx7#mqvz".to_owned()).await;
        assert!(matches!(refused, Err(PasswordError::Busy)));
        drop(turn);
        for hash in waiting {
            hash.await.unwrap();
        }
        passwords.hash("kx7#mqvz".to_owned()).await.unwrap();
    }

    #[test]
    fn generated_passwords_differ_and_keep_the_rules() {
        let password = generate();
        assert_eq!(password.len(), 27);
        assert_ne!(password, generate());
        super::super::password_rules::check(&password, "jo@example.com", "password").unwrap();
    }
}
