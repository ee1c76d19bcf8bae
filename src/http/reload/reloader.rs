//! Whoever reads the settings again, as the routes see them.

use async_trait::async_trait;
use serde::Serialize;
use trailkeep_event::Fault;
use utoipa::ToSchema;

use crate::access::audit::Actor;

/// Reads the settings again, and puts in force what needs no restart.
#[async_trait]
pub trait Reload: Send + Sync {
    /// Does it for somebody. Whoever asks while it is done for another waits for that.
    ///
    /// # Errors
    ///
    /// Something is wrong with the settings. Then all is as it was.
    async fn reload(&self, asked_by: Actor) -> Result<Reloaded, NotReloaded>;
}

/// What came of it, by the paths of settings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "changed": ["log.level", "events.types"], "needsRestart": ["store.mongodb_uri"]
}))]
pub struct Reloaded {
    /// The settings whose new value is in force.
    pub changed: Vec<String>,
    /// Those that have a new value, of which the service goes by the old one until it is
    /// started again. A section that is new, or gone, is told as one.
    pub needs_restart: Vec<String>,
}

/// Why it did not come about.
#[derive(Debug)]
pub enum NotReloaded {
    /// Every mistake: what it is about, and how a start tells it.
    Wrong(Vec<Fault>),
    /// A defect of ours.
    Failed,
}
