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
mod gone;
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
pub use sections::{
    Backlog, Events, Health, Http, Journal, Log, LogFormat, Shutdown, Store, Write,
};
pub use write_key::WriteKey;

use catalog::Catalog;
use layers::Layers;
use reader::Reader;

/// The documented defaults, as a file that can be edited and given to `--config`.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Every setting, checked: each value is within its range, and the values go
/// together.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The listener and what a request may cost.
    pub http: Http,
    /// Who may read and write, and how often.
    pub access: Access,
    /// What an event may be.
    pub events: Events,
    /// How accepted events are kept until they are stored.
    pub journal: Journal,
    /// How much may be accepted and not stored.
    pub backlog: Backlog,
    /// How waiting events are written.
    pub write: Write,
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
    /// value (`("write.max_events", "10")`). Looks at nothing outside.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn with<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigErrors> {
        let overrides = pairs.into_iter().fold(Overrides::default(), |overrides, (path, value)| {
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
            http: Http::read(reader),
            access: Access::read(reader),
            events: Events::read(reader),
            journal: Journal::read(reader),
            backlog: Backlog::read(reader),
            write: Write::read(reader),
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
        reader.at_least("http.max_body_bytes", "events.max_payload_bytes", NEVER_ACCEPTED);
        reader.at_least("backlog.max_events", "events.max_per_request", NEVER_ACCEPTED);
        reader.at_least("backlog.max_bytes", "http.max_body_bytes", NEVER_ACCEPTED);
        reader.require(
            "journal.max_bytes",
            "backlog.max_bytes",
            self.journal.max_bytes / 2 >= self.backlog.max_bytes as u64,
            "must be at least twice backlog.max_bytes: a batch that does not fit into the rest of a \
             segment leaves that empty",
        );
        reader.at_least("backlog.max_events", "write.max_events", "or a write could never be full");
        reader.at_least(
            "write.backoff_max_ms",
            "write.backoff_min_ms",
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
