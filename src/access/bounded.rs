//! A store whose calls end in time, so that no request waits for a database
//! that hangs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use uuid::Uuid;

use crate::event::Timestamp;
use crate::store::StoreError;
use crate::store::access::{
    AccessStore, Account, AccountChange, Admission, AuditEntry, AuditRange, Created, SecretHash,
    SessionRecord, TokenRecord,
};

/// A store, and how long a call to it may take.
pub struct Bounded {
    store: Arc<dyn AccessStore>,
    limit: Duration,
}

impl Bounded {
    /// Bounds the calls to a store.
    pub fn new(store: Arc<dyn AccessStore>, limit: Duration) -> Self {
        Self { store, limit }
    }

    async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        timeout(self.limit, call).await.unwrap_or_else(|_| {
            let reason = format!("no answer within {:?}", self.limit);
            Err(StoreError::Unavailable(reason))
        })
    }
}

#[async_trait]
impl AccessStore for Bounded {
    async fn create_account(
        &self,
        account: &Account,
        admission: Admission,
    ) -> Result<Created, StoreError> {
        self.in_time(self.store.create_account(account, admission))
            .await
    }

    async fn account_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        self.in_time(self.store.account_by_email(email)).await
    }

    async fn account(&self, id: Uuid) -> Result<Option<Account>, StoreError> {
        self.in_time(self.store.account(id)).await
    }

    async fn change_account(
        &self,
        id: Uuid,
        change: &AccountChange,
    ) -> Result<Option<Account>, StoreError> {
        self.in_time(self.store.change_account(id, change)).await
    }

    async fn renew_password_hash(
        &self,
        id: Uuid,
        verified: &str,
        renewed: &str,
    ) -> Result<bool, StoreError> {
        self.in_time(self.store.renew_password_hash(id, verified, renewed))
            .await
    }

    async fn accounts(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Account>, StoreError> {
        self.in_time(self.store.accounts(after, limit)).await
    }

    async fn create_session(&self, session: &SessionRecord) -> Result<bool, StoreError> {
        self.in_time(self.store.create_session(session)).await
    }

    async fn save_session(&self, session: &SessionRecord) -> Result<(), StoreError> {
        self.in_time(self.store.save_session(session)).await
    }

    async fn session(
        &self,
        id_hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError> {
        self.in_time(self.store.session(id_hash, now)).await
    }

    async fn delete_session(&self, id_hash: &SecretHash) -> Result<(), StoreError> {
        self.in_time(self.store.delete_session(id_hash)).await
    }

    async fn delete_sessions_of(&self, account_id: Uuid) -> Result<(), StoreError> {
        self.in_time(self.store.delete_sessions_of(account_id))
            .await
    }

    async fn create_token(&self, token: &TokenRecord) -> Result<(), StoreError> {
        self.in_time(self.store.create_token(token)).await
    }

    async fn token_by_hash(&self, hash: &SecretHash) -> Result<Option<TokenRecord>, StoreError> {
        self.in_time(self.store.token_by_hash(hash)).await
    }

    async fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        self.in_time(self.store.tokens()).await
    }

    async fn delete_token(&self, id: Uuid) -> Result<Option<TokenRecord>, StoreError> {
        self.in_time(self.store.delete_token(id)).await
    }

    async fn touch_token(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
        self.in_time(self.store.touch_token(id, now)).await
    }

    async fn record(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        self.in_time(self.store.record(entries)).await
    }

    async fn audit(&self, range: &AuditRange, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.in_time(self.store.audit(range, limit)).await
    }

    /// Unbounded: it runs in the background, and may have much to remove.
    async fn sweep(
        &self,
        now: Timestamp,
        audit_since: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.store.sweep(now, audit_since).await
    }
}
