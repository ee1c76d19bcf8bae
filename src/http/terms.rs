//! The terms on which a request is answered: what of the settings may change while the
//! service runs.
//!
//! **A request has one of them from its head to its answer.** The server puts the terms
//! that are in force among the extensions of each request as its head is there, and
//! whoever answers it takes them from there ([`on_terms`](super::on_terms)). So a reload,
//! which puts others in their place, is seen by a request as a whole or not at all.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use trailkeep_event::dialect::posthog::Unwanted;
use trailkeep_event::{Keep, Minimise, Rules};

use crate::access::client::Proxies;
use crate::access::limits::RateLimits;
use crate::access::write_keys::KeysOfSettings;

/// What of the settings may change while the service runs.
#[derive(Debug)]
pub struct Terms {
    /// What events must keep to.
    pub rules: Rules,
    /// What of senders is kept in payloads.
    pub keep: Keep,
    /// What is done to payloads before anything keeps them.
    pub minimise: Minimise,
    /// Which SDKs of other collectors are served.
    pub wires: Wires,
    /// Bytes of a body after decompression.
    pub max_body_bytes: usize,
    /// How long a client may take to send a head, and how long to send a body.
    pub receive_timeout: Duration,
    /// How long a client may wait for its events to be stored.
    pub wait_timeout: Duration,
    /// Origins whose pages may post events; `None` for any.
    pub allowed_origins: Option<Vec<String>>,
    /// The write keys of the settings.
    pub write_keys: KeysOfSettings,
    /// Whose word about client addresses counts.
    pub proxies: Proxies,
    /// How often what may be tried.
    pub limits: RateLimits,
    /// Streams of accepted events at once; 0 for none.
    pub max_streams: usize,
    /// How long the audit trail is kept; `None` for good.
    pub audit_retention: Option<Duration>,
    /// How long the addresses in it are kept; `None` for as long as their entries.
    pub audit_address_retention: Option<Duration>,
}

/// Which SDKs of other collectors are served.
#[derive(Debug)]
pub struct Wires {
    /// Those of Segment and RudderStack.
    pub segment: bool,
    /// Those of PostHog.
    pub posthog: bool,
    /// Types of events of PostHog that are left out.
    pub posthog_unwanted: Unwanted,
}

/// The terms in force.
pub struct InForce(RwLock<Arc<Terms>>);

impl InForce {
    /// These, until others are [put](Self::put) in their place.
    pub fn new(terms: Terms) -> Self {
        Self(RwLock::new(Arc::new(terms)))
    }

    /// The terms of whatever begins now.
    pub fn terms(&self) -> Arc<Terms> {
        Arc::clone(&self.0.read())
    }

    /// Has whatever begins from now on be answered on these terms.
    pub fn put(&self, terms: Terms) {
        *self.0.write() = Arc::new(terms);
    }
}
