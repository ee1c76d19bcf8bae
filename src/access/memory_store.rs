//! For tests: a store in memory, and a clock that is set.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use uuid::Uuid;

use trailkeep_event::Timestamp;
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::access::{
    AccessStore, Admission, AuditEntry, AuditRange, Created, SecretHash, SessionRecord,
    StaffAccount, StaffChange, TokenRecord, TrailAges, with_place,
};

/// A clock that stands still until it is moved.
#[derive(Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// Moves it on.
    pub fn advance_millis(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis_clamped(self.0.load(Ordering::SeqCst))
    }
}

/// What a store has to keep, in lists.
#[derive(Default)]
pub struct MemoryStore(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    is_away: bool,
    accounts: Vec<StaffAccount>,
    sessions: Vec<SessionRecord>,
    tokens: Vec<TokenRecord>,
    audit: Vec<AuditEntry>,
    set_up_codes: Vec<SecretHash>,
    audit_writes: usize,
}

impl MemoryStore {
    /// From now on nothing can be reached, or everything again.
    pub fn set_away(&self, is_away: bool) {
        self.0.lock().is_away = is_away;
    }

    /// How often entries of the audit trail were written.
    pub fn audit_writes(&self) -> usize {
        self.0.lock().audit_writes
    }

    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> Result<T, StoreError> {
        let mut kept = self.0.lock();
        if kept.is_away {
            return Err(StoreError::Unavailable("away".to_owned()));
        }
        Ok(work(&mut kept))
    }
}

#[async_trait]
impl AccessStore for MemoryStore {
    async fn create_account(
        &self,
        account: &StaffAccount,
        admission: Admission,
    ) -> Result<Created, StoreError> {
        self.with(|kept| {
            if admission == Admission::First && !kept.accounts.is_empty() {
                return Created::NotFirst;
            }
            if kept.accounts.iter().any(|other| other.email == account.email) {
                return Created::EmailTaken;
            }
            kept.accounts.push(account.clone());
            Created::Created
        })
    }

    async fn account_by_email(&self, email: &str) -> Result<Option<StaffAccount>, StoreError> {
        self.with(|kept| kept.accounts.iter().find(|one| one.email == email).cloned())
    }

    async fn account(&self, id: Uuid) -> Result<Option<StaffAccount>, StoreError> {
        self.with(|kept| kept.accounts.iter().find(|one| one.id == id).cloned())
    }

    async fn change_account(
        &self,
        id: Uuid,
        change: &StaffChange,
    ) -> Result<Option<StaffAccount>, StoreError> {
        self.with(|kept| {
            let account = kept.accounts.iter_mut().find(|one| one.id == id)?;
            if let Some(hash) = &change.password_hash {
                account.password_hash.clone_from(hash);
            }
            account.role = change.role.unwrap_or(account.role);
            account.is_disabled = change.is_disabled.unwrap_or(account.is_disabled);
            account.session_epoch += i64::from(change.ends_sessions);
            Some(account.clone())
        })
    }

    async fn renew_password_hash(
        &self,
        id: Uuid,
        verified: &str,
        renewed: &str,
    ) -> Result<bool, StoreError> {
        self.with(|kept| {
            let mut accounts = kept.accounts.iter_mut();
            let found = accounts.find(|one| one.id == id && one.password_hash == verified);
            found.map(|account| renewed.clone_into(&mut account.password_hash))
        })
        .map(|done| done.is_some())
    }

    async fn accounts(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StaffAccount>, StoreError> {
        self.with(|kept| {
            kept.accounts.sort_by(|a, b| a.email.cmp(&b.email));
            let is_after =
                |one: &&StaffAccount| after.is_none_or(|after| one.email.as_str() > after);
            kept.accounts.iter().filter(is_after).take(limit).cloned().collect()
        })
    }

    async fn note_place(&self, id: Uuid, place: &SecretHash) -> Result<(), StoreError> {
        self.with(|kept| {
            if let Some(account) = kept.accounts.iter_mut().find(|one| one.id == id) {
                account.places = with_place(&account.places, place);
            }
        })
    }

    async fn add_set_up_code(&self, hash: &SecretHash, _now: Timestamp) -> Result<(), StoreError> {
        self.with(|kept| kept.set_up_codes.push(*hash))
    }

    async fn set_up_codes(&self) -> Result<Vec<SecretHash>, StoreError> {
        self.with(|kept| kept.set_up_codes.clone())
    }

    async fn clear_set_up_codes(&self) -> Result<(), StoreError> {
        self.with(|kept| kept.set_up_codes.clear())
    }

    async fn create_session(&self, session: &SessionRecord) -> Result<bool, StoreError> {
        self.with(|kept| {
            let is_new = kept.sessions.iter().all(|one| one.id_hash != session.id_hash);
            if is_new {
                kept.sessions.push(session.clone());
            }
            is_new
        })
    }

    async fn save_session(&self, session: &SessionRecord) -> Result<(), StoreError> {
        self.with(|kept| {
            let mut sessions = kept.sessions.iter_mut();
            if let Some(old) = sessions.find(|one| one.id_hash == session.id_hash) {
                old.clone_from(session);
            }
        })
    }

    async fn session(
        &self,
        id_hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError> {
        self.with(|kept| {
            let mut sessions = kept.sessions.iter();
            let found = sessions.find(|one| one.id_hash == *id_hash && one.expires_at > now);
            found.cloned()
        })
    }

    async fn delete_session(&self, id_hash: &SecretHash) -> Result<(), StoreError> {
        self.with(|kept| kept.sessions.retain(|one| one.id_hash != *id_hash))
    }

    async fn sessions_of(
        &self,
        account_id: Uuid,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let is_theirs =
            |one: &&SessionRecord| one.account_id == Some(account_id) && one.expires_at > now;
        self.with(|kept| kept.sessions.iter().filter(is_theirs).take(limit).cloned().collect())
    }

    async fn delete_sessions_of(
        &self,
        account_id: Uuid,
        spared: Option<&SecretHash>,
    ) -> Result<(), StoreError> {
        self.with(|kept| {
            kept.sessions
                .retain(|one| one.account_id != Some(account_id) || Some(&one.id_hash) == spared);
        })
    }

    async fn create_token(&self, token: &TokenRecord) -> Result<(), StoreError> {
        self.with(|kept| kept.tokens.push(token.clone()))
    }

    async fn token_by_hash(&self, hash: &SecretHash) -> Result<Option<TokenRecord>, StoreError> {
        self.with(|kept| kept.tokens.iter().find(|one| one.hash == *hash).cloned())
    }

    async fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        self.with(|kept| kept.tokens.clone())
    }

    async fn delete_token(&self, id: Uuid) -> Result<Option<TokenRecord>, StoreError> {
        self.with(|kept| {
            let place = kept.tokens.iter().position(|one| one.id == id)?;
            Some(kept.tokens.remove(place))
        })
    }

    async fn touch_token(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
        self.with(|kept| {
            if let Some(token) = kept.tokens.iter_mut().find(|one| one.id == id) {
                token.last_used_at = Some(now);
            }
        })
    }

    async fn record(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        self.with(|kept| {
            for entry in entries {
                if kept.audit.iter().all(|other| other.id != entry.id) {
                    kept.audit.push(entry.clone());
                }
            }
            kept.audit_writes += 1;
        })
    }

    async fn audit(&self, range: &AuditRange, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let is_wanted = |entry: &&AuditEntry| {
            range.before.is_none_or(|before| entry.id < before)
                && range.actor.as_ref().is_none_or(|actor| entry.actor == *actor)
                && range
                    .subject
                    .as_ref()
                    .is_none_or(|wanted| entry.subject.as_ref() == Some(wanted))
        };
        self.with(|kept| kept.audit.iter().rev().filter(is_wanted).take(limit).cloned().collect())
    }

    async fn sweep(&self, now: Timestamp, ages: TrailAges) -> Result<(), StoreError> {
        self.with(|kept| {
            kept.sessions.retain(|one| one.expires_at > now);
            kept.audit.retain(|one| ages.entries_since.is_none_or(|since| one.at >= since));
            let is_aged =
                |one: &&mut AuditEntry| ages.addresses_since.is_some_and(|since| one.at < since);
            kept.audit.iter_mut().filter(is_aged).for_each(|one| one.client = None);
        })
    }
}
