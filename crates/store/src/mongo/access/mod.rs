//! Staff accounts, sessions, tokens and the audit trail in MongoDB.
//!
//! Collections of their own: `accounts`, `sessions`, `tokens`, `audit`, `setUpCodes`,
//! `writeKeys` and `team`. What is unique is so by a unique index, never by a look
//! beforehand, so that it holds between instances. The server itself removes sessions and tokens that have
//! ended (TTL indexes), within a minute or so; that they no longer count does
//! not wait for it.
//!
//! - `collections`: their names, and how they are read.
//! - `documents`: the fields of the collections.
//! - `accounts`, `sessions`, `tokens`, `audit`, `set_up`, `write_keys`, `team`: what is asked
//!   of each.
//! - `indexes`: what decides uniqueness, and what finds and removes.

mod accounts;
mod audit;
pub mod collections;
pub mod documents;
pub mod indexes;
mod sessions;
mod set_up;
pub mod team;
mod tokens;
pub mod write_keys;

use async_trait::async_trait;
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::store::MongoStore;
use crate::StoreError;
use crate::access::{
    AccessStore, Admission, AuditEntry, AuditRange, Created, SecretHash, SessionRecord,
    StaffAccount, StaffChange, TokenRecord, TrailAges,
};
use crate::timeouts::in_time;

#[async_trait]
impl AccessStore for MongoStore {
    async fn create_account(
        &self,
        account: &StaffAccount,
        admission: Admission,
    ) -> Result<Created, StoreError> {
        self.write(async { accounts::create(self.link().await?, account, admission).await }).await
    }

    async fn account_by_email(&self, email: &str) -> Result<Option<StaffAccount>, StoreError> {
        self.read(async { accounts::by_email(self.link().await?, email).await }).await
    }

    async fn account(&self, id: Uuid) -> Result<Option<StaffAccount>, StoreError> {
        self.read(async { accounts::by_id(self.link().await?, id).await }).await
    }

    async fn change_account(
        &self,
        id: Uuid,
        change: &StaffChange,
    ) -> Result<Option<StaffAccount>, StoreError> {
        self.write(async { accounts::change(self.link().await?, id, change).await }).await
    }

    async fn renew_password_hash(
        &self,
        id: Uuid,
        verified: &str,
        renewed: &str,
    ) -> Result<bool, StoreError> {
        accounts::renew_hash(self.connection.link().await?, id, verified, renewed).await
    }

    async fn accounts(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StaffAccount>, StoreError> {
        self.read(async { accounts::page(self.link().await?, after, limit).await }).await
    }

    async fn note_place(&self, id: Uuid, place: &SecretHash) -> Result<(), StoreError> {
        self.write(async { accounts::note_place(self.link().await?, id, place).await }).await
    }

    async fn add_set_up_code(&self, hash: &SecretHash, now: Timestamp) -> Result<(), StoreError> {
        self.write(async { set_up::add(self.link().await?, hash, now).await }).await
    }

    async fn set_up_codes(&self) -> Result<Vec<SecretHash>, StoreError> {
        self.read(async { set_up::all(self.link().await?).await }).await
    }

    async fn clear_set_up_codes(&self) -> Result<(), StoreError> {
        self.write(async { set_up::clear(self.link().await?).await }).await
    }

    async fn create_session(&self, session: &SessionRecord) -> Result<bool, StoreError> {
        self.write(async { sessions::create(self.link().await?, session).await }).await
    }

    async fn save_session(&self, session: &SessionRecord) -> Result<(), StoreError> {
        self.write(async { sessions::save(self.link().await?, session).await }).await
    }

    async fn session(
        &self,
        id_hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError> {
        self.read(async { sessions::find(self.link().await?, id_hash, now).await }).await
    }

    async fn delete_session(&self, id_hash: &SecretHash) -> Result<(), StoreError> {
        self.write(async { sessions::delete(self.link().await?, id_hash).await }).await
    }

    async fn sessions_of(
        &self,
        account_id: Uuid,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        self.read(async { sessions::of(self.link().await?, account_id, now, limit).await }).await
    }

    async fn delete_sessions_of(
        &self,
        account_id: Uuid,
        kept: Option<&SecretHash>,
    ) -> Result<(), StoreError> {
        self.write(async { sessions::delete_of(self.link().await?, account_id, kept).await }).await
    }

    async fn create_token(&self, token: &TokenRecord) -> Result<(), StoreError> {
        self.write(async { tokens::create(self.link().await?, token).await }).await
    }

    async fn token_by_hash(&self, hash: &SecretHash) -> Result<Option<TokenRecord>, StoreError> {
        self.read(async { tokens::by_hash(self.link().await?, hash).await }).await
    }

    async fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        self.read(async { tokens::all(self.link().await?).await }).await
    }

    async fn delete_token(&self, id: Uuid) -> Result<Option<TokenRecord>, StoreError> {
        self.write(async { tokens::delete(self.link().await?, id).await }).await
    }

    async fn touch_token(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
        self.write(async { tokens::touch(self.link().await?, id, now).await }).await
    }

    async fn record(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        self.write(async { audit::record(self.link().await?, entries).await }).await
    }

    async fn audit(&self, range: &AuditRange, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let timeout = self.settings.timeouts.read;
        self.read(async { audit::page(self.link().await?, range, limit, timeout).await }).await
    }

    /// Only the audit trail: the rest is removed by the server.
    async fn sweep(&self, _now: Timestamp, ages: TrailAges) -> Result<(), StoreError> {
        let forget = async {
            let link = self.link().await?;
            if let Some(since) = ages.entries_since {
                audit::forget_before(link, since).await?;
            }
            if let Some(since) = ages.addresses_since {
                audit::forget_addresses_before(link, since).await?;
            }
            Ok(())
        };
        in_time(self.settings.timeouts.prepare, forget).await
    }
}
