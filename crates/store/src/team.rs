//! What the console's pages show for a whole team, as a store keeps it.
//!
//! What may be in it is decided in `access`, which has a copy in memory. A store keeps one
//! whole, and of several that come at once one of them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use trailkeep_event::Timestamp;

use super::StoreError;

/// What the pages show for the whole team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRecord {
    /// What is said of an event, by its type.
    pub sentences: BTreeMap<String, String>,
    /// The types that a journey does not show at first.
    pub hidden_types: Vec<String>,
    /// Paths to the values of a payload that stand beside an event, by its type.
    pub pinned_keys: BTreeMap<String, Vec<String>>,
    /// Whether the pages ask why before somebody looks at a user.
    pub asks_for_reason: bool,
    /// When it was set.
    pub updated_at: Timestamp,
}

/// Keeps what the pages show for the whole team.
///
/// As with [`Store`](super::Store), any call may be made at any time and ends in time,
/// and a database that is away is [`StoreError::Unavailable`].
#[async_trait]
pub trait TeamStore: Send + Sync + 'static {
    /// What was set last; `None` before anything was.
    async fn team(&self) -> Result<Option<TeamRecord>, StoreError>;

    /// Puts this in the place of what was set before. It would survive a crash of the store.
    async fn set_team(&self, team: &TeamRecord) -> Result<(), StoreError>;
}
