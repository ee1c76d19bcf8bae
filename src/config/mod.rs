//! Typed settings, and where each of them came from.
//!
//! `config/default.toml` is compiled in and is the list of all settings. Above
//! it lie, later ones winning: a file, the environment (with `.env` below the
//! real variables) and flags. The way of a setting:
//!
//! 1. [`catalog`] knows every setting's path, default and environment name.
//! 2. [`layers`] collects what each layer says into one value for each path.
//! 3. [`reader`] turns values into Rust types and notes what is wrong, so that
//!    one start names every mistake.
//! 4. [`sections`] holds the types, and next to each field its rule.

mod access;
mod accounts;
mod allowed_origins;
mod catalog;
mod error;
mod layers;
pub mod memory;
mod mongodb_uri;
mod nearest;
mod reader;
mod sections;
#[cfg(test)]
mod tests;
mod write_key;

pub use access::{Access, SecureCookie};
pub use accounts::Accounts;
pub use allowed_origins::AllowedOrigins;
pub use error::{ConfigError, ConfigErrors};
pub use layers::{Environment, Origin, Overrides};
pub use mongodb_uri::MongodbUri;
pub use reader::Entry;
pub use sections::{Buffer, Events, Flush, Health, Http, Log, LogFormat, Shutdown, Spill, Store};
pub use write_key::WriteKey;

use std::time::Duration;

use catalog::Catalog;
use layers::Layers;
use reader::Reader;

/// The documented defaults, as a file that can be edited and given to `--config`.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Every setting, checked: each value is within its range, and the values go
/// together.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Whether a batch is on disk before it is answered.
    pub journal: bool,
    /// How long a batch waits at the most for others to be synced with it.
    pub journal_sync_interval: Duration,
    /// The listener and what a request may cost.
    pub http: Http,
    /// Who may read and write, and how often.
    pub access: Access,
    /// What an event may be.
    pub events: Events,
    /// How much may wait to be stored.
    pub buffer: Buffer,
    /// What may be accepted beyond that.
    pub spill: Spill,
    /// How waiting events are written.
    pub flush: Flush,
    /// Where events are stored.
    pub store: Store,
    /// What summaries of business accounts may cost.
    pub accounts: Accounts,
    /// How the database is watched.
    pub health: Health,
    /// How long a stop may take.
    pub shutdown: Shutdown,
    /// What is logged, and how.
    pub log: Log,
}

fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be \"on\" or \"off\"".to_owned()),
    }
}

/// Settings, and for each one where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Every setting in the order of `config/default.toml`.
    pub entries: Vec<Entry>,
}

impl Settings {
    /// Loads the settings of this process: its environment and the `.env` of
    /// its working directory, with the command line's `overrides` above them.
    ///
    /// # Errors
    ///
    /// Every mistake that was found in any layer, not only the first.
    pub fn load(overrides: &Overrides) -> Result<Loaded, ConfigErrors> {
        Self::load_from(overrides, &Environment::of_process())
    }

    /// Loads the settings with `environment` in the place of the process's own.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn load_from(
        overrides: &Overrides,
        environment: &Environment,
    ) -> Result<Loaded, ConfigErrors> {
        let catalog = Catalog::compiled_in().map_err(ConfigErrors::one)?;
        let mut reader = Reader::new(Layers::collect(&catalog, overrides, environment));
        let settings = Self::read(&mut reader);
        settings.check_together(&mut reader);
        let entries = reader.finish()?;
        Ok(Loaded { settings, entries })
    }

    /// The defaults with some settings changed, given as pairs of path and
    /// value (`("flush.max_events", "10")`). Looks at nothing outside.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn with<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigErrors> {
        let overrides = pairs
            .into_iter()
            .fold(Overrides::default(), |overrides, (path, value)| {
                overrides.flag("--set", path, value)
            });
        Self::load_from(&overrides, &Environment::default()).map(|loaded| loaded.settings)
    }

    /// The defaults alone.
    ///
    /// # Panics
    ///
    /// Only if the compiled-in defaults break their own rules, which a test
    /// rules out.
    #[allow(clippy::expect_used)]
    pub fn defaults() -> Self {
        Self::with([]).expect("config/default.toml keeps the rules")
    }

    fn read(reader: &mut Reader) -> Self {
        Self {
            journal: reader.text("journal", on_or_off).unwrap_or(true),
            journal_sync_interval: reader.microseconds("journal_sync_interval_us", 0..=100_000),
            http: Http::read(reader),
            access: Access::read(reader),
            events: Events::read(reader),
            buffer: Buffer::read(reader),
            spill: Spill::read(reader),
            flush: Flush::read(reader),
            store: Store::read(reader),
            accounts: Accounts::read(reader),
            health: Health::read(reader),
            shutdown: Shutdown::read(reader),
            log: Log::read(reader),
        }
    }

    /// The rules between settings; those of one setting stand with its field.
    fn check_together(&self, reader: &mut Reader) {
        const NEVER_ACCEPTED: &str = "or a request of full size could never be accepted";
        reader.at_least(
            "http.max_body_bytes",
            "events.max_payload_bytes",
            NEVER_ACCEPTED,
        );
        reader.at_least(
            "buffer.max_events",
            "events.max_per_request",
            NEVER_ACCEPTED,
        );
        reader.at_least("buffer.max_bytes", "http.max_body_bytes", NEVER_ACCEPTED);
        reader.require(
            "spill.max_bytes",
            "journal",
            self.spill.max_bytes == 0 || self.journal,
            "must be 0 unless journal is \"on\": spilled events are in the journal alone",
        );
        reader.at_least(
            "buffer.max_events",
            "flush.max_events",
            "or a write could never be full",
        );
        reader.at_least(
            "flush.backoff_max_ms",
            "flush.backoff_min_ms",
            "because pauses grow from the one to the other",
        );
        reader.at_least(
            "shutdown.grace_ms",
            "shutdown.request_grace_ms",
            "because the requests finish within it",
        );
        reader.require(
            "access.password_memory_kib",
            "access.password_lanes",
            self.access.password_memory_kib >= 8 * self.access.password_lanes,
            "must be at least 8 for each of access.password_lanes",
        );
        reader.require(
            "events.types",
            "events.any_type",
            self.events.any_type || !self.events.types.is_empty(),
            "must name at least one type unless events.any_type is true",
        );
    }
}
