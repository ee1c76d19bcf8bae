//! Write keys in stores that this process has opened.

use std::sync::Arc;

use serde_json::Value;
use trailkeep_event::time::{Clock, SystemClock};
use trailkeep_store::access::AccessStore;

use super::keys::{Keys, KeysError};
use crate::access::audit::{Actor, action};
use crate::access::write_keys::{KeysOfSettings, NewWriteKey, WriteKeys};
use crate::app::{self, Stores};
use crate::cli::terminal::complain;
use crate::config::Settings;
use crate::http::write_keys::WriteKeyBody;

/// The keys in opened stores, and in the data folder, where there is one.
pub struct Here {
    keys: WriteKeys,
    of_settings: KeysOfSettings,
    trail: Arc<dyn AccessStore>,
    clock: Arc<dyn Clock>,
}

impl Here {
    pub fn new(stores: &Stores, settings: &Settings) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = app::access::write_keys(settings, stores, &clock);
        let of_settings = app::reload::keys(&settings.access.write_keys);
        Self { keys, of_settings, trail: Arc::clone(&stores.access), clock }
    }

    /// What is done is done, and a new key must not be lost for this.
    async fn note(&self, action: &str, name: &str) {
        let entry = Actor::shell().did(action, Some(name), &*self.clock);
        if let Err(error) = self.trail.record(&[entry]).await {
            complain(&format!("trailkeep: the audit trail has no entry of this: {error}\n"));
        }
    }
}

fn value(body: &WriteKeyBody) -> Value {
    serde_json::to_value(body).unwrap_or_default()
}

impl Keys for Here {
    async fn all(&self) -> Result<Vec<Value>, KeysError> {
        let stored = self.keys.list().await?;
        let now = self.clock.now();
        let of_settings =
            self.of_settings.names().iter().map(|name| WriteKeyBody::of_settings(name));
        let stored = stored.into_iter().map(|key| WriteKeyBody::of(key, now));
        Ok(of_settings.chain(stored).map(|key| value(&key)).collect())
    }

    async fn create(&self, new: NewWriteKey) -> Result<(String, Value), KeysError> {
        let (key, record) = self.keys.create(&self.of_settings, new, None).await?;
        self.note(action::CREATE_WRITE_KEY, &record.name).await;
        Ok((key, value(&WriteKeyBody::of(record, self.clock.now()))))
    }

    async fn revoke(&self, id: &str) -> Result<(), KeysError> {
        let id = id.parse().map_err(|_| KeysError::Unknown)?;
        let revoked = self.keys.revoke(id).await?;
        self.note(action::REVOKE_WRITE_KEY, &revoked.name).await;
        Ok(())
    }
}
