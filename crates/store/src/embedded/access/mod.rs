//! Staff accounts, sessions, tokens and the audit trail in the one file.
//!
//! Changes go through the thread that writes events, each as a transaction of
//! its own in which everything is decided; reads through the connections that
//! read. One `accounts`, `sessions`, `set_up`, `tokens`, `audit`, `write_keys`, `team` for each
//! table, with its statements; `columns` has their values.

pub(super) mod accounts;
pub(super) mod audit;
mod columns;
pub(super) mod sessions;
pub(super) mod set_up;
pub(super) mod tables;
pub(super) mod team;
pub(super) mod tokens;
pub(super) mod write_keys;

use async_trait::async_trait;
use rusqlite::Transaction;
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::EmbeddedStore;
use crate::StoreError;
use crate::access::{
    AccessStore, Admission, AuditEntry, AuditRange, Created, SecretHash, SessionRecord,
    StaffAccount, StaffChange, TokenRecord, TrailAges, token_is_taken,
};
use crate::timeouts::in_time;

/// Rows that a sweep deletes in one transaction: inserts wait for it.
const SWEEP_ROWS: usize = 500;

/// Entries of the audit trail that are added in one transaction.
const RECORD_ROWS: usize = 500;

#[async_trait]
impl AccessStore for EmbeddedStore {
    async fn create_account(
        &self,
        account: &StaffAccount,
        admission: Admission,
    ) -> Result<Created, StoreError> {
        let account = account.clone();
        self.writer
            .change(move |transaction| accounts::create(transaction, &account, admission))
            .await
    }

    async fn account_by_email(&self, email: &str) -> Result<Option<StaffAccount>, StoreError> {
        let email = email.to_owned();
        self.readers.read(move |connection| accounts::by_email(connection, &email)).await
    }

    async fn account(&self, id: Uuid) -> Result<Option<StaffAccount>, StoreError> {
        self.readers.read(move |connection| accounts::by_id(connection, id)).await
    }

    async fn change_account(
        &self,
        id: Uuid,
        change: &StaffChange,
    ) -> Result<Option<StaffAccount>, StoreError> {
        let change = change.clone();
        self.writer.change(move |transaction| accounts::change(transaction, id, &change)).await
    }

    async fn renew_password_hash(
        &self,
        id: Uuid,
        verified: &str,
        renewed: &str,
    ) -> Result<bool, StoreError> {
        let (verified, renewed) = (verified.to_owned(), renewed.to_owned());
        self.writer
            .change(move |transaction| accounts::renew_hash(transaction, id, &verified, &renewed))
            .await
    }

    async fn accounts(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StaffAccount>, StoreError> {
        let after = after.map(str::to_owned);
        self.readers
            .read(move |connection| accounts::page(connection, after.as_deref(), limit))
            .await
    }

    async fn note_place(&self, id: Uuid, place: &SecretHash) -> Result<(), StoreError> {
        let place = *place;
        self.writer.change(move |transaction| accounts::note_place(transaction, id, &place)).await
    }

    async fn add_set_up_code(&self, hash: &SecretHash, now: Timestamp) -> Result<(), StoreError> {
        let hash = *hash;
        self.writer.change(move |transaction| set_up::add(transaction, &hash, now)).await
    }

    async fn set_up_codes(&self) -> Result<Vec<SecretHash>, StoreError> {
        self.readers.read(set_up::all).await
    }

    async fn clear_set_up_codes(&self) -> Result<(), StoreError> {
        self.writer.change(set_up::clear).await
    }

    async fn create_session(&self, session: &SessionRecord) -> Result<bool, StoreError> {
        let session = session.clone();
        self.writer.change(move |transaction| sessions::create(transaction, &session)).await
    }

    async fn save_session(&self, session: &SessionRecord) -> Result<(), StoreError> {
        let session = session.clone();
        self.writer.change(move |transaction| sessions::save(transaction, &session)).await
    }

    async fn session(
        &self,
        id_hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let id_hash = *id_hash;
        self.readers.read(move |connection| sessions::find(connection, &id_hash, now)).await
    }

    async fn delete_session(&self, id_hash: &SecretHash) -> Result<(), StoreError> {
        let id_hash = *id_hash;
        self.writer.change(move |transaction| sessions::delete(transaction, &id_hash)).await
    }

    async fn sessions_of(
        &self,
        account_id: Uuid,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        self.readers.read(move |connection| sessions::of(connection, account_id, now, limit)).await
    }

    async fn delete_sessions_of(
        &self,
        account_id: Uuid,
        kept: Option<&SecretHash>,
    ) -> Result<(), StoreError> {
        let kept = kept.copied();
        self.writer
            .change(move |transaction| sessions::delete_of(transaction, account_id, kept))
            .await
    }

    async fn create_token(&self, token: &TokenRecord) -> Result<(), StoreError> {
        let token = token.clone();
        let is_there =
            self.writer.change(move |transaction| tokens::create(transaction, &token)).await?;
        if is_there { Ok(()) } else { Err(token_is_taken()) }
    }

    async fn token_by_hash(&self, hash: &SecretHash) -> Result<Option<TokenRecord>, StoreError> {
        let hash = *hash;
        self.readers.read(move |connection| tokens::by_hash(connection, &hash)).await
    }

    async fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        self.readers.read(tokens::all).await
    }

    async fn delete_token(&self, id: Uuid) -> Result<Option<TokenRecord>, StoreError> {
        self.writer.change(move |transaction| tokens::delete(transaction, id)).await
    }

    async fn touch_token(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
        self.writer.change(move |transaction| tokens::touch(transaction, id, now)).await
    }

    async fn record(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        in_time(self.timeouts.write, async {
            for entries in entries.chunks(RECORD_ROWS) {
                let entries = entries.to_vec();
                self.writer.change(move |transaction| audit::record(transaction, &entries)).await?;
            }
            Ok(())
        })
        .await
    }

    async fn audit(&self, range: &AuditRange, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let range = range.clone();
        self.readers.read(move |connection| audit::page(connection, &range, limit)).await
    }

    async fn sweep(&self, now: Timestamp, ages: TrailAges) -> Result<(), StoreError> {
        in_time(self.timeouts.prepare, async {
            self.in_steps(move |transaction| sessions::delete_ended(transaction, now, SWEEP_ROWS))
                .await?;
            self.in_steps(move |transaction| tokens::delete_ended(transaction, now, SWEEP_ROWS))
                .await?;
            if let Some(since) = ages.entries_since {
                self.in_steps(move |transaction| {
                    audit::delete_before(transaction, since, SWEEP_ROWS)
                })
                .await?;
            }
            if let Some(since) = ages.addresses_since {
                self.in_steps(move |transaction| {
                    audit::forget_addresses(transaction, since, SWEEP_ROWS)
                })
                .await?;
            }
            Ok(())
        })
        .await
    }
}

impl EmbeddedStore {
    /// Repeats a step, which is about at most [`SWEEP_ROWS`] rows and says how
    /// many, until nothing is left. Inserts get their turn between the steps.
    async fn in_steps<F>(&self, step: F) -> Result<(), StoreError>
    where
        F: Fn(&Transaction<'_>) -> rusqlite::Result<usize> + Copy + Send + 'static,
    {
        while self.writer.change(step).await? == SWEEP_ROWS {}
        Ok(())
    }
}
