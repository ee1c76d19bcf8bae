//! The staff of a running service.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trailkeep_store::access::Role;
use uuid::Uuid;

use super::staff::{Account, AdminError, Staff};
use crate::access::accounts::NewStaff;
use crate::access::{AccessError, email};
use crate::cli::control::{Control, ControlError};

/// The staff of a service.
pub struct There<'a>(pub &'a Control);

/// An account, as the service answers it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    id: Uuid,
    email: String,
    name: String,
    role: AnsweredRole,
    disabled: bool,
    created_at: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum AnsweredRole {
    Admin,
    Staff,
    Support,
}

impl From<Role> for AnsweredRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Staff => Self::Staff,
            Role::Support => Self::Support,
        }
    }
}

impl From<Answered> for Account {
    fn from(account: Answered) -> Self {
        Self {
            email: account.email,
            name: account.name,
            role: match account.role {
                AnsweredRole::Admin => Role::Admin,
                AnsweredRole::Staff => Role::Staff,
                AnsweredRole::Support => Role::Support,
            },
            is_disabled: account.disabled,
            created_at: account.created_at,
        }
    }
}

/// In the words that the shell has for it.
fn in_words(error: ControlError) -> AdminError {
    match error.kind() {
        Some("email-taken") => AccessError::EmailTaken.into(),
        Some("unknown-id") => AdminError::NoAccount,
        _ => error.into(),
    }
}

impl There<'_> {
    async fn accounts(&self) -> Result<Vec<Answered>, AdminError> {
        Ok(self.0.get_all("/api/staff", "users").await?)
    }
}

impl Staff for There<'_> {
    async fn create(&self, new: NewStaff, role: Role) -> Result<Account, AdminError> {
        let NewStaff { email, name, password } = new;
        let role = AnsweredRole::from(role);
        let body = json!({ "email": email, "name": name, "password": password, "role": role });
        let made: Answered = self.0.post("/api/staff", &body).await.map_err(in_words)?;
        Ok(made.into())
    }

    async fn reset_password(&self, email: &str, password: String) -> Result<Account, AdminError> {
        let email = email::normalize(email).map_err(|fault| AccessError::Invalid(vec![fault]))?;
        let accounts = self.accounts().await?;
        let account = accounts.into_iter().find(|account| account.email == email);
        let path = format!("/api/staff/{}", account.ok_or(AdminError::NoAccount)?.id);
        let body: Value = json!({ "password": password });
        let reset: Answered = self.0.patch(&path, &body).await.map_err(in_words)?;
        Ok(reset.into())
    }

    async fn all(&self) -> Result<Vec<Account>, AdminError> {
        Ok(self.accounts().await?.into_iter().map(Account::from).collect())
    }
}
