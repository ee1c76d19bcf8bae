//! The sessions of one account, as its owner sees and ends them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use trailkeep_event::Timestamp;
use trailkeep_event::time::Clock;
use trailkeep_store::access::{AccessStore, SecretHash, SessionRecord};
use uuid::Uuid;

use super::error::AccessError;
use super::sessions::RENEWED_KEY;

/// When a session began, in milliseconds, as the session keeps it.
pub const STARTED_KEY: &str = "startedAt";
/// From which address it was opened.
pub const CLIENT_KEY: &str = "client";
/// With which program, in its own words.
pub const USER_AGENT_KEY: &str = "userAgent";

/// So many of an account are told, those that were used last.
const MAX_TOLD: usize = 500;
const MAX_USER_AGENT_CHARS: usize = 200;

/// What of a `User-Agent` is kept.
pub fn user_agent(sent: &[u8]) -> String {
    let text = String::from_utf8_lossy(sent);
    text.chars().filter(|letter| !letter.is_control()).take(MAX_USER_AGENT_CHARS).collect()
}

/// A session that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// By which it is told and ended. It opens nothing: it is a hash of the hash that is
    /// kept.
    pub id: Uuid,
    /// The hash that is kept.
    pub hash: SecretHash,
    /// When it began; `None` for one of a version that did not keep it.
    pub started_at: Option<Timestamp>,
    /// When it was used last, to five minutes.
    pub last_used_at: Option<Timestamp>,
    /// When it ends, unless it is used again.
    pub expires_at: Timestamp,
    /// From which address it was opened.
    pub client: Option<String>,
    /// With which program: the first 200 characters.
    pub user_agent: Option<String>,
}

impl OpenSession {
    fn of(record: SessionRecord) -> Self {
        let data: HashMap<String, Value> = serde_json::from_slice(&record.data).unwrap_or_default();
        let moment =
            |key| data.get(key).and_then(Value::as_i64).map(Timestamp::from_millis_clamped);
        let text = |key| data.get(key).and_then(Value::as_str).map(str::to_owned);
        Self {
            id: id_of(&record.id_hash),
            hash: record.id_hash,
            started_at: moment(STARTED_KEY),
            last_used_at: moment(RENEWED_KEY),
            expires_at: record.expires_at,
            client: text(CLIENT_KEY),
            user_agent: text(USER_AGENT_KEY),
        }
    }
}

fn id_of(hash: &SecretHash) -> Uuid {
    let hash: SecretHash = Sha256::digest(hash).into();
    let (id, _) = hash.split_at(16);
    Uuid::from_slice(id).unwrap_or_default()
}

/// Tells and ends them.
pub struct OpenSessions {
    store: Arc<dyn AccessStore>,
    clock: Arc<dyn Clock>,
}

impl OpenSessions {
    /// On a store, with a clock that says which have ended.
    pub fn new(store: Arc<dyn AccessStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// The account's, the one that was used last first; at most 500.
    pub async fn of(&self, account: Uuid) -> Result<Vec<OpenSession>, AccessError> {
        let found = self.store.sessions_of(account, self.clock.now(), MAX_TOLD).await?;
        Ok(found.into_iter().map(OpenSession::of).collect())
    }

    /// Ends one of the account's, on every instance at once.
    pub async fn end(&self, account: Uuid, id: Uuid) -> Result<OpenSession, AccessError> {
        let mut sessions = self.of(account).await?.into_iter();
        let session = sessions.find(|session| session.id == id).ok_or(AccessError::Unknown)?;
        self.store.delete_session(&session.hash).await?;
        Ok(session)
    }

    /// Ends all of the account's but one; answers those that were told.
    pub async fn end_others(
        &self,
        account: Uuid,
        kept: &SecretHash,
    ) -> Result<Vec<OpenSession>, AccessError> {
        let mut sessions = self.of(account).await?;
        self.store.delete_sessions_of(account, Some(kept)).await?;
        sessions.retain(|session| session.hash != *kept);
        Ok(sessions)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::access::memory_store::{MemoryStore, TestClock};

    const ANN: Uuid = Uuid::from_u128(1);

    async fn sessions() -> (OpenSessions, Arc<MemoryStore>) {
        let store = Arc::new(MemoryStore::default());
        for number in 0..3 {
            let data = format!(r#"{{"startedAt":{number},"renewedAt":5,"userAgent":"curl"}}"#);
            let session = SessionRecord {
                id_hash: [number; 32],
                account_id: Some(ANN),
                data: data.into_bytes(),
                expires_at: Timestamp::from_millis_clamped(100),
            };
            store.create_session(&session).await.unwrap();
        }
        (OpenSessions::new(Arc::clone(&store) as _, Arc::new(TestClock::default())), store)
    }

    #[tokio::test]
    async fn a_session_is_ended_by_an_id_that_is_not_what_is_kept() {
        let (sessions, _) = sessions().await;
        let told = sessions.of(ANN).await.unwrap();
        assert_eq!(told.len(), 3);
        assert_eq!(told[1].started_at.map(Timestamp::as_millis), Some(1));
        assert_eq!(told[1].user_agent.as_deref(), Some("curl"));
        assert_ne!(told[1].id.as_bytes()[..], told[1].hash[..16]);
        let stranger = sessions.end(Uuid::from_u128(2), told[1].id).await;
        assert!(matches!(stranger, Err(AccessError::Unknown)));
        assert_eq!(sessions.end(ANN, told[1].id).await.unwrap(), told[1]);
        let again = sessions.end(ANN, told[1].id).await;
        assert!(matches!(again, Err(AccessError::Unknown)));
        assert_eq!(sessions.of(ANN).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn all_others_end_at_once() {
        let (sessions, _) = sessions().await;
        let ended = sessions.end_others(ANN, &[2; 32]).await.unwrap();
        assert_eq!(ended.len(), 2);
        assert_eq!(sessions.of(ANN).await.unwrap()[0].hash, [2; 32]);
    }

    #[test]
    fn a_user_agent_is_cut_and_has_no_controls() {
        assert_eq!(user_agent(b"curl/8\t\x01x"), "curl/8x");
        assert_eq!(user_agent("ż".repeat(300).as_bytes()).chars().count(), 200);
        assert_eq!(user_agent(&[0xff]), "\u{fffd}");
    }
}
