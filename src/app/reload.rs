//! What needs no restart: the settings are read again, checked as at a start, and put in
//! force.
//!
//! - *All or nothing.* With any mistake nothing changes, and every mistake is told. What is
//!   put in force is always a whole that a start would have taken: a setting that is
//!   `reloadable` has its new value, every other one that of the start.
//! - *One place.* Whatever a reload changes is made in [`terms`] and handed on in
//!   [`Reloader::put_in_force`]; a start goes through the same. The sections are taken apart
//!   to the last field, so that a new setting has to be decided about, and a test changes
//!   each that is tagged and looks whether that is in force.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tracing::{Level, enabled, error, info};
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Fault, Keep, MAX_FUTURE_MS, Minimise, Rules, TypeRule};

use super::memory;
use crate::access::Access;
use crate::access::audit::{Actor, action};
use crate::access::client::Proxies;
use crate::access::limits::{RateLimits, Rates};
use crate::access::write_keys::KeysOfSettings;
use crate::config::{
    self, AllowedOrigins, ConfigErrors, Events, Http, Kept, Live, Loaded, Log, Settings,
};
use crate::http::budget::Budget;
use crate::http::reload::reloader::{NotReloaded, Reload, Reloaded};
use crate::http::terms::{InForce, Terms, Wires};
use crate::telemetry::LogLevel;

/// The settings of a start, and where they are read again.
pub struct Configured {
    pub loaded: Loaded,
    /// Reads all of them again.
    pub read: Arc<Read>,
    /// The log's.
    pub level: LogLevel,
}

/// How settings are read again. Takes as long as a disk does.
pub type Read = dyn Fn() -> Result<Loaded, ConfigErrors> + Send + Sync;

/// What requests are answered on, by these settings. Limits of before whose numbers stay go
/// on with what they have counted.
pub fn terms(settings: &Settings, before: Option<&Terms>) -> Terms {
    let Settings { http, access, events, wires, live, .. } = settings;
    let Http {
        max_body_bytes,
        receive_timeout,
        wait_timeout,
        allowed_origins,
        host: _,
        port: _,
        max_connections: _,
        api_docs: _,
        tracker_path: _,
    } = http;
    let config::Access {
        attempts_per_address,
        attempts_per_client,
        write_keys,
        events_per_client,
        events_per_key,
        trusted_proxies,
        audit_retention,
        audit_address_retention,
        open_sign_up: _,
        session_lifetime: _,
        secure_cookie: _,
    } = access;
    let Live { max_streams } = live;
    let rates = Rates {
        attempts_per_address: whole(*attempts_per_address),
        attempts_per_client: whole(*attempts_per_client),
        events_per_client: whole(*events_per_client),
        events_per_key: whole(*events_per_key),
    };
    Terms {
        rules: rules(events),
        keep: keep(events.keep),
        minimise: minimise(events),
        wires: of_wires(wires),
        max_body_bytes: *max_body_bytes,
        receive_timeout: *receive_timeout,
        wait_timeout: *wait_timeout,
        allowed_origins: match allowed_origins {
            AllowedOrigins::Any => None,
            AllowedOrigins::Listed(list) => Some(list.clone()),
        },
        write_keys: keys(write_keys),
        proxies: Proxies::new(trusted_proxies.clone()),
        limits: RateLimits::new(&rates, before.map(|before| &before.limits)),
        max_streams: *max_streams,
        audit_retention: *audit_retention,
        audit_address_retention: *audit_address_retention,
    }
}

/// What events must keep to.
fn rules(events: &Events) -> Rules {
    let Events {
        types,
        default_user,
        max_per_request,
        max_payload_bytes,
        keep: _,
        drop_keys: _,
        hash_keys: _,
    } = events;
    Rules {
        types: TypeRule::listed(types),
        default_user: default_user.as_deref().map(Into::into),
        max_events: *max_per_request,
        payload: PayloadLimits {
            max_bytes: *max_payload_bytes,
            max_depth: PayloadLimits::MAX_DEPTH,
        },
        max_future_ms: MAX_FUTURE_MS,
    }
}

/// What of senders is kept.
fn keep(kept: Kept) -> Keep {
    let Kept { user_agent, address } = kept;
    Keep { user_agent, address }
}

/// What is done to payloads before anything keeps them.
fn minimise(events: &Events) -> Minimise {
    let set = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
    Minimise { drop: set(&events.drop_keys), hash: set(&events.hash_keys) }
}

/// Which SDKs of other collectors are served.
fn of_wires(wires: &config::Wires) -> Wires {
    let config::Wires { segment, posthog, posthog_unwanted } = wires;
    let unwanted = posthog_unwanted.iter().map(|name| name.as_str().into()).collect();
    Wires { segment: *segment, posthog: *posthog, posthog_unwanted: unwanted }
}

/// The write keys of the settings.
pub fn keys(keys: &[config::WriteKey]) -> KeysOfSettings {
    KeysOfSettings::new(keys.iter().map(|key| (key.name.as_str(), key.expose())))
}

/// The settings' own limits are far lower.
fn whole(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Reads the settings again, and puts in force what needs no restart.
pub struct Reloader(Arc<Parts>);

/// What it is made of.
pub struct Parts {
    pub read: Arc<Read>,
    pub level: LogLevel,
    pub in_force: Arc<InForce>,
    pub bodies: Budget,
    pub access: Arc<Access>,
    /// The settings in force. Held while they are read again.
    pub loaded: Mutex<Loaded>,
}

impl Reloader {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

#[async_trait]
impl Reload for Reloader {
    /// In a task of its own: what is begun is done to its end, also where who asked is gone,
    /// and no answer waits for the audit trail.
    async fn reload(&self, asked_by: Actor) -> Result<Reloaded, NotReloaded> {
        let parts = Arc::clone(&self.0);
        tokio::spawn(async move { parts.reload(&asked_by).await }).await.unwrap_or_else(|error| {
            error!(%error, "reading the settings again broke off");
            Err(NotReloaded::Failed)
        })
    }
}

impl Parts {
    async fn reload(&self, asked_by: &Actor) -> Result<Reloaded, NotReloaded> {
        let mut loaded = self.loaded.lock().await;
        let read = Arc::clone(&self.read);
        // Files may lie on a network.
        let read = spawn_blocking(move || read()).await.map_err(|error| {
            error!(%error, "the settings cannot be read");
            NotReloaded::Failed
        })?;
        let config::Reloaded { loaded: anew, changed, needs_restart } =
            read.and_then(|read| loaded.reloaded(&read)).map_err(|errors| wrong(&errors))?;
        let reloaded = Reloaded { changed, needs_restart };
        self.put_in_force(&anew.settings, || say(&reloaded, asked_by));
        let before = memory::reckon(&loaded.settings).mebibytes();
        let bound = memory::reckon(&anew.settings).mebibytes();
        if bound != before {
            info!(mebibytes = bound, "memory is bounded");
        }
        *loaded = anew;
        if !reloaded.changed.is_empty() {
            let changed = reloaded.changed.join(", ");
            self.access.audit.note(asked_by, action::RELOAD, Some(&changed));
        }
        Ok(reloaded)
    }

    /// Has all parts that go by settings go by these from now on, and has it told. Told by the
    /// level of the log that shows more: also to whoever turns it down.
    fn put_in_force(&self, settings: &Settings, tell: impl Fn()) {
        let Settings {
            // In the terms, those of them that can be.
            http: _,
            access: _,
            events: _,
            wires: _,
            live: _,
            log,
            // These need a restart.
            journal: _,
            backlog: _,
            write: _,
            store: _,
            accounts: _,
            search: _,
            processors: _,
            health: _,
            shutdown: _,
        } = settings;
        let Log { level, format: _ } = log;
        self.bodies.limit_to(memory::bodies(settings));
        let before = self.in_force.terms();
        self.in_force.put(terms(settings, Some(&before)));
        self.access.write_keys.tell_rule(&self.in_force.terms().write_keys);
        let is_shown = enabled!(Level::INFO);
        if is_shown {
            tell();
        }
        if let Err(error) = self.level.set(level) {
            error!(%error, "the level of the log stays as it is");
        }
        if !is_shown {
            tell();
        }
    }
}

/// Tells every mistake, in the log and to who asked.
fn wrong(errors: &ConfigErrors) -> NotReloaded {
    for mistake in errors.iter() {
        error!(%mistake, "the settings were read again, and are wrong; nothing was changed");
    }
    let fault = |mistake: &config::ConfigError| Fault::of(mistake.subject(), mistake.to_string());
    NotReloaded::Wrong(errors.iter().map(fault).collect())
}

/// What came of it, for the log.
fn say(reloaded: &Reloaded, asked_by: &Actor) {
    let Reloaded { changed, needs_restart } = reloaded;
    let (changed, needs_restart) = (changed.join(", "), needs_restart.join(", "));
    let asked_by = &asked_by.name;
    match (changed.as_str(), needs_restart.as_str()) {
        ("", "") => info!(asked_by, "the settings were read again; nothing differs"),
        (_, "") => info!(asked_by, changed, "the settings were read again"),
        ("", _) => info!(asked_by, needs_restart, "the settings were read again"),
        _ => info!(asked_by, changed, needs_restart, "the settings were read again"),
    }
}

#[cfg(test)]
mod tests;
