//! The staff: who has an account, and who is who.

mod wanted;

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{Mutex, Notify};
use tracing::warn;
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::access::{AccessStore, Admission, Created, Role, StaffAccount, StaffChange};
use uuid::Uuid;

use super::error::AccessError;
use super::password::{Passwords, Verdict};
use super::places::place;
use super::set_up::SetUpCode;
use super::{email, password_rules};
pub use wanted::NewStaff;
use wanted::checked;

/// Longer than any password may be: what is longer is not even hashed.
const MAX_TRIED_BYTES: usize = 1024;

/// What lets somebody in who signs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayIn {
    /// The set-up code: there is no account yet.
    First,
    /// Anybody may have an account.
    Open,
}

/// What of an account changes; what is `None` stays.
#[derive(Default)]
pub struct AccountChange {
    pub role: Option<Role>,
    pub is_disabled: Option<bool>,
    /// Set for somebody who forgot theirs.
    pub password: Option<String>,
}

/// Accounts, and the rules for making and changing them.
pub struct StaffAccounts {
    store: Arc<dyn AccessStore>,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    is_sign_up_open: bool,
    /// Told when an account was made here.
    made: Arc<Notify>,
    /// Held while an account loses rights, so that two changes do not each
    /// count on the other's administrator.
    demoting: Mutex<()>,
}

impl StaffAccounts {
    /// On a store. `is_sign_up_open` lets anybody have an account, not only
    /// the first to come.
    pub fn new(
        store: Arc<dyn AccessStore>,
        clock: Arc<dyn Clock>,
        passwords: Passwords,
        is_sign_up_open: bool,
    ) -> Self {
        Self {
            store,
            clock,
            passwords,
            is_sign_up_open,
            made: Arc::new(Notify::new()),
            demoting: Mutex::new(()),
        }
    }

    /// What is told when an account was made here.
    pub fn made(&self) -> Arc<Notify> {
        Arc::clone(&self.made)
    }

    /// Whether nobody has an account yet.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.store.accounts(None, 1).await?.is_empty())
    }

    /// By which way somebody comes in who signs up with, or without, a set-up code. While
    /// there is no account the code alone counts, be sign-up open or not: the first one is
    /// the administrator's.
    pub async fn way_in(&self, code: Option<&str>) -> Result<WayIn, AccessError> {
        if !self.is_empty().await? {
            let way = self.is_sign_up_open.then_some(WayIn::Open);
            return way.ok_or(AccessError::SignUpClosed);
        }
        let typed = code.ok_or(AccessError::NoSetUpCode)?;
        let code = SetUpCode::read(typed).ok_or(AccessError::WrongSetUpCode)?;
        let known = self.store.set_up_codes().await?;
        code.is_one_of(&known).then_some(WayIn::First).ok_or(AccessError::WrongSetUpCode)
    }

    /// Makes the account of somebody who comes by themselves: the first one is
    /// the administrator, whoever comes at the same moment.
    pub async fn sign_up(&self, new: NewStaff, way: WayIn) -> Result<StaffAccount, AccessError> {
        let mut account = self.account_of(checked(new)?, Role::Admin).await?;
        if way == WayIn::First {
            match self.store.create_account(&account, Admission::First).await? {
                Created::Created => {
                    self.made.notify_one();
                    return Ok(account);
                }
                Created::EmailTaken => return Err(AccessError::EmailTaken),
                Created::NotFirst if !self.is_sign_up_open => {
                    return Err(AccessError::SignUpClosed);
                }
                Created::NotFirst => {}
            }
        }
        account.role = Role::Staff;
        self.keep(account).await
    }

    /// Makes an account for somebody.
    pub async fn create(&self, new: NewStaff, role: Role) -> Result<StaffAccount, AccessError> {
        let account = self.account_of(checked(new)?, role).await?;
        self.keep(account).await
    }

    async fn keep(&self, account: StaffAccount) -> Result<StaffAccount, AccessError> {
        match self.store.create_account(&account, Admission::Any).await? {
            Created::Created => {
                self.made.notify_one();
                Ok(account)
            }
            Created::EmailTaken | Created::NotFirst => Err(AccessError::EmailTaken),
        }
    }

    async fn account_of(&self, new: NewStaff, role: Role) -> Result<StaffAccount, AccessError> {
        Ok(StaffAccount {
            id: Uuid::now_v7(),
            email: new.email,
            name: new.name,
            role,
            password_hash: self.passwords.hash(new.password).await?,
            is_disabled: false,
            session_epoch: 0,
            places: Vec::new(),
            created_at: self.clock.now(),
        })
    }

    /// The account with this address, in any form, be it disabled.
    pub async fn with_address(&self, email: &str) -> Result<Option<StaffAccount>, AccessError> {
        Ok(match email::normalize(email) {
            Ok(email) => self.store.account_by_email(&email).await?,
            Err(_) => None,
        })
    }

    /// The account with this address and this password.
    pub async fn sign_in(
        &self,
        email: &str,
        password: String,
    ) -> Result<StaffAccount, AccessError> {
        self.sign_in_to(self.with_address(email).await?, password).await
    }

    /// The account that was found, if this is its password. An unknown address, a wrong
    /// password and a disabled account are one and the same, and take the same time.
    pub async fn sign_in_to(
        &self,
        found: Option<StaffAccount>,
        password: String,
    ) -> Result<StaffAccount, AccessError> {
        if password.len() > MAX_TRIED_BYTES {
            return Err(AccessError::WrongCredentials);
        }
        let kept = found.as_ref().map(|account| account.password_hash.as_str());
        let verdict = self.passwords.verify(password, kept).await?;
        let account = found.filter(|account| !account.is_disabled);
        match (account, verdict) {
            (Some(account), Verdict::Right) => Ok(account),
            (Some(account), Verdict::Outdated(renewed)) => {
                self.renew(&account, &renewed).await;
                Ok(account)
            }
            _ => Err(AccessError::WrongCredentials),
        }
    }

    /// Notes from where an account was signed in to. If that fails, its owner is a stranger
    /// there for once.
    pub async fn note_place(&self, account: &StaffAccount, client: IpAddr) {
        let place = place(account.id, client);
        if account.places.last() == Some(&place) {
            return;
        }
        if let Err(error) = self.store.note_place(account.id, &place).await {
            warn!(%error, "from where somebody signed in is not noted");
        }
    }

    /// Keeps a hash of today's cost, unless the password was changed while the
    /// old one was verified. If that fails, the old hash is still good.
    ///
    /// Whoever signs in is told the account as it was before: should its
    /// sessions have been ended meanwhile, then the new one has too.
    async fn renew(&self, account: &StaffAccount, renewed: &str) {
        let verified = &account.password_hash;
        let renewal = self.store.renew_password_hash(account.id, verified, renewed);
        if let Err(error) = renewal.await {
            warn!(%error, "an outdated password hash stays until the next sign-in");
        }
    }

    /// Sets another password for somebody who knows the one in force, and ends
    /// all their sessions.
    pub async fn change_password(
        &self,
        account: &StaffAccount,
        current: String,
        new: String,
    ) -> Result<StaffAccount, AccessError> {
        if current.len() > MAX_TRIED_BYTES {
            return Err(AccessError::WrongCredentials);
        }
        let kept = Some(account.password_hash.as_str());
        if self.passwords.verify(current, kept).await? == Verdict::Wrong {
            return Err(AccessError::WrongCredentials);
        }
        self.set_password(account, new, "newPassword").await
    }

    /// Sets a password for somebody who forgot theirs, and ends all their
    /// sessions.
    pub async fn reset_password(
        &self,
        email: &str,
        new: String,
    ) -> Result<StaffAccount, AccessError> {
        let email = email::normalize(email).map_err(|fault| AccessError::Invalid(vec![fault]))?;
        let account = self.store.account_by_email(&email).await?;
        let account = account.ok_or(AccessError::Unknown)?;
        self.set_password(&account, new, "password").await
    }

    async fn set_password(
        &self,
        account: &StaffAccount,
        new: String,
        field: &'static str,
    ) -> Result<StaffAccount, AccessError> {
        let change = StaffChange {
            password_hash: Some(self.hash_of_new(account, new, field).await?),
            ends_sessions: true,
            ..StaffChange::default()
        };
        let changed = self.store.change_account(account.id, &change).await?;
        let changed = changed.ok_or(AccessError::Unknown)?;
        // The sessions are of an earlier epoch and open nothing any more; this
        // removes them.
        self.store.delete_sessions_of(account.id, None).await?;
        Ok(changed)
    }

    /// The hash of another password, if that one keeps to the rules.
    async fn hash_of_new(
        &self,
        account: &StaffAccount,
        new: String,
        field: &'static str,
    ) -> Result<String, AccessError> {
        password_rules::check(&new, &account.email, field)
            .map_err(|fault| AccessError::Invalid(vec![fault]))?;
        Ok(self.passwords.hash(new).await?)
    }

    /// Changes what an account may do and how it signs in, all of it or nothing; ends
    /// its sessions if it may do nothing any more, or has another password.
    pub async fn change(
        &self,
        id: Uuid,
        wanted: AccountChange,
    ) -> Result<StaffAccount, AccessError> {
        let AccountChange { role, is_disabled, password } = wanted;
        let password_hash = match password {
            Some(new) => {
                let account = self.store.account(id).await?.ok_or(AccessError::Unknown)?;
                Some(self.hash_of_new(&account, new, "password").await?)
            }
            None => None,
        };
        let ends_sessions = is_disabled == Some(true) || password_hash.is_some();
        let change = StaffChange { password_hash, role, is_disabled, ends_sessions };
        let takes_rights =
            role.is_some_and(|role| role != Role::Admin) || is_disabled == Some(true);
        let changed = if takes_rights {
            self.take_rights(id, &change).await?
        } else {
            self.store.change_account(id, &change).await?
        };
        let changed = changed.ok_or(AccessError::Unknown)?;
        if changed.is_disabled || ends_sessions {
            self.store.delete_sessions_of(id, None).await?;
        }
        Ok(changed)
    }

    /// Leaves at least one enabled administrator. Another instance may be
    /// taking the last other one's rights at this moment, so it is looked at
    /// again afterwards: then both are given back, rather than none left.
    async fn take_rights(
        &self,
        id: Uuid,
        change: &StaffChange,
    ) -> Result<Option<StaffAccount>, AccessError> {
        let _alone = self.demoting.lock().await;
        let Some(before) = self.store.account(id).await? else {
            return Ok(None);
        };
        if !is_ruling(&before) {
            return Ok(self.store.change_account(id, change).await?);
        }
        if !self.is_there_admin_beside(id).await? {
            return Err(AccessError::LastAdmin);
        }
        let changed = self.store.change_account(id, change).await?;
        if !self.is_there_admin_beside(id).await? {
            let back = StaffChange {
                role: Some(before.role),
                is_disabled: Some(before.is_disabled),
                password_hash: change.password_hash.is_some().then_some(before.password_hash),
                ..StaffChange::default()
            };
            self.store.change_account(id, &back).await?;
            return Err(AccessError::LastAdmin);
        }
        Ok(changed)
    }

    async fn is_there_admin_beside(&self, id: Uuid) -> Result<bool, StoreError> {
        const PAGE: usize = 500;
        let mut after: Option<String> = None;
        loop {
            let page = self.store.accounts(after.as_deref(), PAGE).await?;
            if page.iter().any(|one| one.id != id && is_ruling(one)) {
                return Ok(true);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.email.clone()),
                _ => return Ok(false),
            }
        }
    }

    /// Accounts in order of their addresses.
    pub async fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StaffAccount>, AccessError> {
        Ok(self.store.accounts(after, limit).await?)
    }

    /// The account with this id, be it disabled.
    pub async fn with_id(&self, id: Uuid) -> Result<Option<StaffAccount>, AccessError> {
        Ok(self.store.account(id).await?)
    }

    /// The account with this id, if it may sign in.
    pub async fn enabled(&self, id: Uuid) -> Result<Option<StaffAccount>, StoreError> {
        let account = self.store.account(id).await?;
        Ok(account.filter(|account| !account.is_disabled))
    }
}

fn is_ruling(account: &StaffAccount) -> bool {
    account.role == Role::Admin && !account.is_disabled
}

#[cfg(test)]
mod tests;
