//! Sessions of the staff: `axum-login` on `tower-sessions`, kept in our stores.
//!
//! A client holds the session's id, as a cookie or as a bearer; only the id's
//! hash is stored. Every request asks the store for the session and for its
//! account, so that a session that was ended on one instance is ended on all.
//! A session holds the session epoch that its account had when it was opened,
//! and is good only for as long as the account still has it. Setting another
//! password and disabling an account raise the epoch, and so end also a session
//! that is opened at that same moment. A hash that is renewed at another cost
//! does not: the password is the same.
//!
//! `axum-login` answers a store that fails with a bare 500. So here a store
//! that fails yields a session in which nobody is signed in, and what failed is
//! noted in the request's [`Trouble`], for whoever has to answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum_login::{AuthUser, AuthnBackend};
use serde_json::Value;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tracing::warn;
use trailkeep_event::Timestamp;
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::access::{AccessStore, SessionRecord, StaffAccount};
use uuid::Uuid;

use super::accounts::StaffAccounts;
use super::error::AccessError;
use super::secrets::hash_secret;

/// When a session was last prolonged, in milliseconds, as the session keeps it.
pub const RENEWED_KEY: &str = "renewedAt";

/// Where `axum-login` keeps in a session who is signed in.
pub const ACCOUNT_KEY: &str = "account";

tokio::task_local! {
    static TROUBLE: Arc<Trouble>;
}

/// What kept a request's session from being read or written.
#[derive(Debug, Default)]
pub struct Trouble(OnceLock<StoreError>);

impl Trouble {
    /// Runs a request's work; what fails in it is noted here.
    pub async fn watch<T>(self: Arc<Self>, work: impl Future<Output = T>) -> T {
        TROUBLE.scope(self, work).await
    }

    /// What failed, if anything did.
    pub fn found(&self) -> Option<&StoreError> {
        self.0.get()
    }

    fn note(error: &StoreError) {
        // Outside of a request nobody asks.
        let _ = TROUBLE.try_with(|trouble| trouble.0.set(error.clone()));
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct SignedIn {
    /// The account as it is now.
    pub account: StaffAccount,
    epoch: [u8; 8],
}

impl SignedIn {
    /// Somebody whose password was right, or whose session is good.
    pub fn new(account: StaffAccount) -> Self {
        let epoch = account.session_epoch.to_be_bytes();
        Self { account, epoch }
    }
}

/// Without the password's hash: this gets into logs.
impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("id", &self.account.id).finish_non_exhaustive()
    }
}

impl AuthUser for SignedIn {
    type Id = Uuid;

    fn id(&self) -> Uuid {
        self.account.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.epoch
    }
}

/// An address and a password.
pub struct Credentials {
    /// The address, in any form.
    pub email: String,
    pub password: String,
}

/// Where `axum-login` asks who somebody is.
#[derive(Clone)]
pub struct Backend(pub Arc<StaffAccounts>);

impl AuthnBackend for Backend {
    type User = SignedIn;
    type Credentials = Credentials;
    type Error = AccessError;

    async fn authenticate(
        &self,
        credentials: Credentials,
    ) -> std::result::Result<Option<SignedIn>, AccessError> {
        let Credentials { email, password } = credentials;
        match self.0.sign_in(&email, password).await {
            Ok(account) => Ok(Some(SignedIn::new(account))),
            Err(AccessError::WrongCredentials) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn get_user(&self, id: &Uuid) -> std::result::Result<Option<SignedIn>, AccessError> {
        Ok(match self.0.enabled(*id).await {
            Ok(account) => account.map(SignedIn::new),
            Err(error) => {
                Trouble::note(&error);
                None
            }
        })
    }
}

/// Sessions in a store.
#[derive(Clone)]
pub struct Sessions {
    store: Arc<dyn AccessStore>,
    clock: Arc<dyn Clock>,
    lifetime_ms: i64,
}

impl Sessions {
    /// On a store, with the clock that says which have ended, and how long
    /// each lasts after it was prolonged.
    pub fn new(store: Arc<dyn AccessStore>, clock: Arc<dyn Clock>, lifetime: Duration) -> Self {
        Self { store, clock, lifetime_ms: i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX) }
    }

    /// When a session ends that was prolonged at a moment.
    pub fn end_of(&self, renewed_at: Timestamp) -> Timestamp {
        renewed_at.plus_millis(self.lifetime_ms)
    }

    /// Whether enough of a session's life has gone to be worth a write. The last use is
    /// told to its owner, so the steps are no longer than five minutes.
    pub fn is_worth_prolonging(&self, renewed_at: Timestamp, now: Timestamp) -> bool {
        const STEPS: i64 = 100;
        const LONGEST_STEP_MS: i64 = 5 * 60_000;
        let step = (self.lifetime_ms / STEPS).min(LONGEST_STEP_MS);
        now.as_millis() - renewed_at.as_millis() >= step
    }

    /// What is kept. The end that clients are told counts, not the one that
    /// `tower-sessions` makes up when it saves.
    fn kept(&self, record: &Record) -> Result<SessionRecord> {
        let renewed_at = record.data.get(RENEWED_KEY).and_then(Value::as_i64);
        let renewed_at =
            renewed_at.map_or_else(|| self.clock.now(), Timestamp::from_millis_clamped);
        Ok(SessionRecord {
            id_hash: hash_secret(&record.id.to_string()),
            account_id: account_of(&record.data),
            data: serde_json::to_vec(&record.data)
                .map_err(|error| Error::Encode(error.to_string()))?,
            expires_at: self.end_of(renewed_at),
        })
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

#[async_trait]
impl SessionStore for Sessions {
    /// Always under a new id: one that a client brought may be known to others.
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            record.id = Id::default();
            if self.store.create_session(&self.kept(record)?).await.map_err(failed)? {
                return Ok(());
            }
        }
    }

    /// Only prolongs, so a failure costs nothing but an earlier end.
    async fn save(&self, record: &Record) -> Result<()> {
        if let Err(error) = self.store.save_session(&self.kept(record)?).await {
            warn!(%error, "a session is not prolonged");
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let hash = hash_secret(&id.to_string());
        match self.store.session(&hash, self.clock.now()).await {
            Ok(found) => found.map(|session| opened(*id, &session)).transpose(),
            Err(error) => {
                Trouble::note(&error);
                // Not `None`, which would take the client's cookie away.
                Ok(Some(Record {
                    id: *id,
                    data: HashMap::new(),
                    expiry_date: OffsetDateTime::UNIX_EPOCH,
                }))
            }
        }
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let hash = hash_secret(&id.to_string());
        self.store.delete_session(&hash).await.map_err(failed)
    }
}

fn failed(error: StoreError) -> Error {
    Trouble::note(&error);
    Error::Backend(error.to_string())
}

fn account_of(data: &HashMap<String, Value>) -> Option<Uuid> {
    data.get(ACCOUNT_KEY)?.get("user_id")?.as_str()?.parse().ok()
}

fn opened(id: Id, session: &SessionRecord) -> Result<Record> {
    let nanos = i128::from(session.expires_at.as_millis()) * 1_000_000;
    Ok(Record {
        id,
        data: serde_json::from_slice(&session.data)
            .map_err(|error| Error::Decode(error.to_string()))?,
        expiry_date: OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .map_err(|error| Error::Decode(error.to_string()))?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::access::memory_store::{MemoryStore, TestClock};

    fn sessions() -> (Sessions, Arc<MemoryStore>, Arc<TestClock>) {
        let store = Arc::new(MemoryStore::default());
        let clock = Arc::new(TestClock::default());
        let sessions = Sessions::new(
            Arc::clone(&store) as _,
            Arc::clone(&clock) as _,
            Duration::from_secs(10),
        );
        (sessions, store, clock)
    }

    fn record(account: Uuid) -> Record {
        let signed_in = serde_json::json!({ "user_id": account, "auth_hash": [1, 2] });
        Record {
            id: Id(7),
            data: HashMap::from([
                (ACCOUNT_KEY.to_owned(), signed_in),
                (RENEWED_KEY.to_owned(), 0.into()),
            ]),
            expiry_date: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(10),
        }
    }

    #[tokio::test]
    async fn a_session_is_kept_under_a_new_id_and_only_by_its_hash() {
        let (sessions, store, clock) = sessions();
        let account = Uuid::now_v7();
        let mut record = record(account);
        sessions.create(&mut record).await.unwrap();
        assert_ne!(record.id, Id(7));
        assert_eq!(sessions.load(&record.id).await.unwrap().unwrap(), record);

        let hash = hash_secret(&record.id.to_string());
        let kept = store.session(&hash, clock.now()).await.unwrap().unwrap();
        assert_eq!(kept.account_id, Some(account));
        let data = String::from_utf8(kept.data).unwrap();
        assert!(!data.contains(&record.id.to_string()));
    }

    #[tokio::test]
    async fn a_session_ends_in_time_and_does_not_come_back_when_saved() {
        let (sessions, _, clock) = sessions();
        let mut record = record(Uuid::now_v7());
        sessions.create(&mut record).await.unwrap();
        clock.advance_millis(9_999);
        assert!(sessions.load(&record.id).await.unwrap().is_some());
        clock.advance_millis(1);
        assert!(sessions.load(&record.id).await.unwrap().is_none());
        sessions.delete(&record.id).await.unwrap();
        record.data.insert(RENEWED_KEY.to_owned(), 10_000.into());
        sessions.save(&record).await.unwrap();
        assert!(sessions.load(&record.id).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_store_that_fails_is_trouble_and_signs_nobody_out() {
        let (sessions, store, _) = sessions();
        store.set_away(true);
        let trouble = Arc::new(Trouble::default());
        let loaded = Arc::clone(&trouble).watch(sessions.load(&Id(7))).await;
        assert!(loaded.unwrap().unwrap().data.is_empty());
        assert!(matches!(trouble.found(), Some(StoreError::Unavailable(_))));
    }
}
