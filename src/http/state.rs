//! What the handlers share, and the settings of the contract.

use std::sync::Arc;
use std::time::Duration;

use trailkeep_event::time::Clock;
use trailkeep_store::Retention;

use super::budget::Budget;
use super::reload::reloader::Reload;
use super::terms::InForce;
use crate::access::Access;
use crate::dead_letters::DeadLetters;
use crate::ingest::Ingest;
use crate::journeys::linked::Links;
use crate::journeys::profile::Profiles;
use crate::journeys::{AccountEvents, Journeys};
use crate::live::Live;
use crate::monitoring::health::Health;
use crate::monitoring::history::History;
use crate::monitoring::refusals::Refusals;
use crate::monitoring::statistics::Statistics;
use crate::people::search::Search;
use crate::privacy::erase::Erasing;
use crate::privacy::export::Sources;
use crate::processing::Processing;
use crate::summaries::Summaries;

/// What the handlers work with.
pub struct Service {
    /// Where accepted events go.
    pub ingest: Arc<Ingest>,
    /// Where journeys come from.
    pub journeys: Journeys,
    /// Whose ids are whose.
    pub links: Links,
    /// Accepted events as they come.
    pub live: Arc<Live>,
    /// What is known of users.
    pub profiles: Profiles,
    /// All that is known of users, to be given to them.
    pub exports: Arc<Sources>,
    /// Has users erased.
    pub erasing: Erasing,
    /// What finds people.
    pub search: Search,
    /// Where the events of business accounts come from.
    pub account_events: AccountEvents,
    /// Where summaries of business accounts come from.
    pub summaries: Arc<Summaries>,
    /// What the database refused for good.
    pub dead_letters: Arc<DeadLetters>,
    /// Who is delivered for.
    pub processing: Arc<Processing>,
    /// Whether the service is well.
    pub health: Arc<Health>,
    /// Who may do what.
    pub access: Arc<Access>,
    /// The memory of bodies until their events are in the backlog.
    pub bodies: Budget,
    /// What is counted.
    pub statistics: Arc<Statistics>,
    /// What was refused.
    pub refusals: Refusals,
    /// How the counters came to where they are.
    pub history: Arc<History>,
    /// What a reload may change. A request has terms of its own, from its head on.
    pub in_force: Arc<InForce>,
    /// What reads the settings again.
    pub reload: Arc<dyn Reload>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When the process started.
    pub started: std::time::Instant,
    /// What stays as it was at the start.
    pub options: Options,
}

/// What stays as it was at the start.
#[derive(Debug, Clone)]
pub struct Options {
    /// How sessions are kept by clients.
    pub session: SessionOptions,
    /// Whether the documentation is served.
    pub api_docs: bool,
    /// Where the tracker for pages is served: `/t.js`.
    pub tracker_path: String,
    /// How long events are kept.
    pub retention: Retention,
}

/// How a session's cookie is made.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// Whether browsers send it over HTTPS alone.
    pub is_secure: bool,
    /// How long a session lasts after its last use.
    pub lifetime: Duration,
}

impl SessionOptions {
    /// The cookie's name. Browsers take the prefix only from the host itself,
    /// over HTTPS, so that no neighbouring subdomain can set it.
    pub fn cookie_name(&self) -> &'static str {
        if self.is_secure { "__Host-trailkeep" } else { "trailkeep" }
    }
}
