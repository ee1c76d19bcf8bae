//! The write keys of a running service.

use serde_json::{Value, json};

use super::keys::{Keys, KeysError};
use crate::access::write_keys::{NewWriteKey, WriteKeyError};
use crate::cli::control::{Control, ControlError};

/// The keys of a service.
pub struct There<'a>(pub &'a Control);

const PATH: &str = "/api/write-keys";

impl Keys for There<'_> {
    async fn all(&self) -> Result<Vec<Value>, KeysError> {
        let mut answer: Value = self.0.get(PATH).await?;
        match answer["writeKeys"].take() {
            Value::Array(keys) => Ok(keys),
            _ => Ok(Vec::new()),
        }
    }

    async fn create(&self, new: NewWriteKey) -> Result<(String, Value), KeysError> {
        let NewWriteKey { name, origins, expires_at } = new;
        let expires_at = expires_at.map(|end| end.to_string());
        let body = json!({ "name": name, "origins": origins, "expiresAt": expires_at });
        let made: Result<Value, ControlError> = self.0.post(PATH, &body).await;
        let made = made.map_err(|error| match error.kind() {
            Some("name-taken") => WriteKeyError::NameTaken.into(),
            _ => KeysError::from(error),
        })?;
        let key = made["key"].as_str().unwrap_or_default().to_owned();
        Ok((key, made))
    }

    async fn revoke(&self, id: &str) -> Result<(), KeysError> {
        let revoked: Result<(), ControlError> = self.0.delete(&format!("{PATH}/{id}")).await;
        revoked.map_err(|error| match error.kind() {
            Some("unknown-id") => KeysError::Unknown,
            _ => error.into(),
        })
    }
}
