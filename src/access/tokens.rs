//! Long-lived tokens of machines: shown once, kept as a hash, good for a scope.

use std::sync::Arc;

use tracing::warn;
use trailkeep_event::time::Clock;
use trailkeep_event::{Fault, Timestamp};
use trailkeep_store::StoreError;
use trailkeep_store::access::{AccessStore, Scope, TokenRecord};
use uuid::Uuid;

use super::error::AccessError;
use super::secrets::{hash_secret, random_secret};

/// How every token begins, so that people, and scanners for leaked secrets,
/// know what they see.
pub const PREFIX: &str = "tkp_";

/// How long a token is good where nothing else is said: 90 days.
pub const USUAL_LIFE_MS: i64 = 90 * 24 * 60 * 60 * 1000;

const MAX_NAME_BYTES: usize = 100;
/// How exactly the last use is known.
const TOUCH_EVERY_MS: i64 = 60_000;

/// In the place of the account that made a token, where the shell did: the id of none.
const SHELL: Uuid = Uuid::nil();

/// The account that made a token; `None` where that was the shell.
pub fn maker(token: &TokenRecord) -> Option<Uuid> {
    Some(token.created_by).filter(|account| *account != SHELL)
}

/// Whether a bearer is a machine's token rather than a session.
pub fn is_token(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Whether a token of one scope is good for what needs another.
pub fn covers(has: Scope, needs: Scope) -> bool {
    has == needs || (has == Scope::Read && needs == Scope::Monitor)
}

/// When a token is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// After [`USUAL_LIFE_MS`].
    Usual,
    At(Timestamp),
    Never,
}

/// A token that is to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What it is for: 1 to 100 bytes.
    pub name: String,
    /// What it is good for.
    pub scope: Scope,
    /// When it ends, if ever.
    pub ending: Ending,
}

/// Makes, checks and revokes tokens.
pub struct Tokens {
    store: Arc<dyn AccessStore>,
    clock: Arc<dyn Clock>,
}

impl Tokens {
    /// On a store, with a clock that says which have ended.
    pub fn new(store: Arc<dyn AccessStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Makes a token, for an account or for the shell: the secret, which is never seen
    /// again, and what is kept.
    pub async fn create(
        &self,
        token: NewToken,
        made_by: Option<Uuid>,
    ) -> Result<(String, TokenRecord), AccessError> {
        let now = self.clock.now();
        let name = check(&token, now).map_err(AccessError::Invalid)?;
        let secret = format!("{PREFIX}{}", random_secret());
        let record = TokenRecord {
            id: Uuid::now_v7(),
            name,
            hash: hash_secret(&secret),
            scope: token.scope,
            created_by: made_by.unwrap_or(SHELL),
            created_at: now,
            expires_at: match token.ending {
                Ending::Usual => Some(now.plus_millis(USUAL_LIFE_MS)),
                Ending::At(end) => Some(end),
                Ending::Never => None,
            },
            last_used_at: None,
        };
        self.store.create_token(&record).await?;
        Ok((secret, record))
    }

    /// All tokens that have not ended, oldest first.
    pub async fn list(&self) -> Result<Vec<TokenRecord>, AccessError> {
        let now = self.clock.now();
        let mut tokens = self.store.tokens().await?;
        tokens.retain(|token| !has_ended(token, now));
        Ok(tokens)
    }

    /// Ends a token for good, on every instance at once.
    pub async fn revoke(&self, id: Uuid) -> Result<TokenRecord, AccessError> {
        let revoked = self.store.delete_token(id).await?;
        revoked.ok_or(AccessError::Unknown)
    }

    /// The token with this secret, if it is good, and notes that it was used.
    pub async fn verify(&self, secret: &str) -> Result<Option<TokenRecord>, StoreError> {
        let now = self.clock.now();
        let found = self.store.token_by_hash(&hash_secret(secret)).await?;
        let token = found.filter(|token| !has_ended(token, now));
        if let Some(token) = &token {
            self.note_use(token, now);
        }
        Ok(token)
    }

    /// In the background: the request does not wait for it.
    fn note_use(&self, token: &TokenRecord, now: Timestamp) {
        let is_noted = token
            .last_used_at
            .is_some_and(|last| now.as_millis() - last.as_millis() < TOUCH_EVERY_MS);
        if is_noted {
            return;
        }
        let store = Arc::clone(&self.store);
        let id = token.id;
        tokio::spawn(async move {
            if let Err(error) = store.touch_token(id, now).await {
                warn!(%error, "the last use of a token cannot be noted");
            }
        });
    }
}

fn has_ended(token: &TokenRecord, now: Timestamp) -> bool {
    token.expires_at.is_some_and(|end| end <= now)
}

fn check(token: &NewToken, now: Timestamp) -> Result<String, Vec<Fault>> {
    let name = token.name.trim();
    let mut faults = Vec::new();
    if !(1..=MAX_NAME_BYTES).contains(&name.len()) || name.contains(char::is_control) {
        let rule = format!("must have 1 to {MAX_NAME_BYTES} bytes without control characters");
        faults.push(Fault::of("name", rule));
    }
    if matches!(token.ending, Ending::At(end) if end <= now) {
        faults.push(Fault::of("expiresAt", "must lie in the future"));
    }
    if faults.is_empty() { Ok(name.to_owned()) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::access::memory_store::{MemoryStore, TestClock};

    fn tokens() -> (Tokens, Arc<TestClock>) {
        let clock = Arc::new(TestClock::default());
        let store = Arc::new(MemoryStore::default());
        (Tokens::new(store, Arc::clone(&clock) as Arc<dyn Clock>), clock)
    }

    fn new_token(ending: Ending) -> NewToken {
        NewToken { name: " prometheus ".to_owned(), scope: Scope::Monitor, ending }
    }

    #[tokio::test]
    async fn a_token_opens_until_it_is_revoked() {
        let (tokens, _) = tokens();
        let (secret, made) = tokens.create(new_token(Ending::Never), None).await.unwrap();
        assert!(secret.starts_with("tkp_") && secret.len() == 47, "{secret}");
        assert_eq!(made.name, "prometheus");
        assert_eq!(tokens.verify(&secret).await.unwrap().unwrap().id, made.id);
        assert!(tokens.verify("tkp_other").await.unwrap().is_none());
        tokens.revoke(made.id).await.unwrap();
        assert!(tokens.verify(&secret).await.unwrap().is_none());
        assert!(matches!(tokens.revoke(made.id).await, Err(AccessError::Unknown)));
    }

    #[tokio::test]
    async fn a_token_ends_when_it_was_to_end() {
        let (tokens, clock) = tokens();
        let end = clock.now().plus_millis(1000);
        let (secret, _) = tokens.create(new_token(Ending::At(end)), None).await.unwrap();
        clock.advance_millis(999);
        assert!(tokens.verify(&secret).await.unwrap().is_some());
        clock.advance_millis(1);
        assert!(tokens.verify(&secret).await.unwrap().is_none());
        assert!(tokens.list().await.unwrap().is_empty());
        let past = tokens.create(new_token(Ending::At(end)), None).await;
        assert!(matches!(past, Err(AccessError::Invalid(_))));
    }

    #[tokio::test]
    async fn a_token_ends_after_ninety_days_unless_it_is_made_otherwise() {
        let (tokens, clock) = tokens();
        let (usual, _) = tokens.create(new_token(Ending::Usual), None).await.unwrap();
        let (lasting, _) = tokens.create(new_token(Ending::Never), None).await.unwrap();
        clock.advance_millis(USUAL_LIFE_MS - 1);
        assert!(tokens.verify(&usual).await.unwrap().is_some());
        clock.advance_millis(1);
        assert!(tokens.verify(&usual).await.unwrap().is_none());
        assert!(tokens.verify(&lasting).await.unwrap().is_some());
    }

    #[test]
    fn read_covers_monitor_and_every_other_scope_itself_alone() {
        let scopes = [Scope::Monitor, Scope::Read, Scope::Privacy];
        for has in scopes {
            for needs in scopes {
                let is_more = (has, needs) == (Scope::Read, Scope::Monitor);
                assert_eq!(covers(has, needs), has == needs || is_more, "{has:?} {needs:?}");
            }
        }
    }
}
