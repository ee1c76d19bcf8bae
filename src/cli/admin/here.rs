//! The staff in stores that this process has opened.

use std::sync::Arc;

use trailkeep_event::time::{Clock, SystemClock};
use trailkeep_store::access::{AccessStore, Role, StaffAccount};

use super::staff::{Account, AdminError, Staff};
use crate::access::AccessError;
use crate::access::accounts::{NewStaff, StaffAccounts};
use crate::access::audit::{Actor, action};
use crate::app::{self, Stores};
use crate::config::Settings;

/// The staff in opened stores.
pub struct Here {
    accounts: StaffAccounts,
    store: Arc<dyn AccessStore>,
    clock: Arc<dyn Clock>,
}

impl Here {
    pub fn new(stores: &Stores, settings: &Settings) -> Result<Self, AdminError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = Arc::clone(&stores.access);
        let accounts = app::access::accounts(&settings.access, Arc::clone(&store), &clock)?;
        Ok(Self { accounts, store, clock })
    }

    async fn note(&self, action: &str, account: &StaffAccount) -> Result<(), AdminError> {
        let entry = Actor::shell().did(action, Some(&account.email), &*self.clock);
        Ok(self.store.record(&[entry]).await?)
    }
}

impl From<StaffAccount> for Account {
    fn from(account: StaffAccount) -> Self {
        Self {
            email: account.email,
            name: account.name,
            role: account.role,
            is_disabled: account.is_disabled,
            created_at: account.created_at.to_string(),
        }
    }
}

impl Staff for Here {
    async fn create(&self, new: NewStaff, role: Role) -> Result<Account, AdminError> {
        let account = self.accounts.create(new, role).await?;
        self.note(action::CREATE_ACCOUNT, &account).await?;
        Ok(account.into())
    }

    async fn reset_password(&self, email: &str, password: String) -> Result<Account, AdminError> {
        let reset = self.accounts.reset_password(email, password).await;
        let account = reset.map_err(|error| match error {
            AccessError::Unknown => AdminError::NoAccount,
            error => error.into(),
        })?;
        self.note(action::RESET_PASSWORD, &account).await?;
        Ok(account.into())
    }

    async fn all(&self) -> Result<Vec<Account>, AdminError> {
        const PAGE: usize = 500;
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.accounts.list(after.as_deref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|last| last.email.clone());
            all.extend(page.into_iter().map(Account::from));
            if is_last {
                return Ok(all);
            }
        }
    }
}
