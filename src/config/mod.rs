//! Typed settings, and where each of them came from.
//!
//! `config/default.toml` is compiled in and is the one table of settings. Above
//! it lie, later ones winning: a file, the environment (with `.env` below the
//! real variables) and flags. The way of a setting:
//!
//! 1. [`catalog`] takes the table apart: path, default, name in the environment, and
//!    the [`rule`] that its tag gives.
//! 2. [`layers`] collects what each layer says into one value for each path.
//! 3. [`reader`] checks values against their rules, fills the structs of
//!    [`sections`], and notes what is wrong, so that one start names every mistake.
//! 4. [`fields`] makes Rust types of values, and checks what a tag cannot say.
//!
//! Sections of a name that the operator chooses ([`named`]) are added to the table as
//! the layers name them.
//!
//! What a reload may change is tagged so in the table, and [`reloading`] says what it
//! comes to.
//!
//! A new setting is an entry in the table, a field in a struct, and a new
//! `.env.example` (`trailkeep config --env-example`).

mod allowed_origins;
mod catalog;
mod days_by_type;
mod env_example;
mod error;
mod fields;
mod gone;
mod headers;
mod kept;
mod layers;
mod mongodb_uri;
mod named;
mod names;
mod nearest;
mod origin;
mod payload_keys;
mod processor_url;
mod processors;
mod reader;
mod reloading;
mod rule;
mod sections;
#[cfg(test)]
mod tests;
mod values;
mod webhook_secret;
mod write_key;

pub use allowed_origins::AllowedOrigins;
pub use catalog::DEFAULTS;
pub use env_example::env_example;
pub use error::{ConfigError, ConfigErrors};
pub use kept::Kept;
pub use layers::{Environment, Overrides};
pub use mongodb_uri::MongodbUri;
pub use origin::Origin;
pub use processor_url::ProcessorUrl;
pub use processors::{FieldNames, From, Processor};
pub use reader::Entry;
pub use reloading::Reloaded;
pub use sections::{
    Access, Accounts, Backlog, Events, Health, Http, Journal, Live, Log, LogFormat, Search,
    SecureCookie, Shutdown, Store, Wires, Write,
};
pub use webhook_secret::WebhookSecret;
pub use write_key::WriteKey;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use catalog::Catalog;
use layers::Layers;
use reader::Reader;
use serde::Deserialize;
use values::Values;

/// Every setting, checked: each value is within its range, and the values go
/// together.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The listener and what a request may cost.
    pub http: Http,
    /// Who may read and write, and how often.
    pub access: Access,
    /// What an event may be.
    pub events: Events,
    /// Which SDKs of other collectors are served.
    pub wires: Wires,
    /// How accepted events are kept until they are stored.
    pub journal: Journal,
    /// How much may be accepted and not stored.
    pub backlog: Backlog,
    /// How waiting events are written.
    pub write: Write,
    /// Where events are stored.
    pub store: Store,
    /// Streams of accepted events.
    pub live: Live,
    /// What summaries of business accounts may cost.
    pub accounts: Accounts,
    /// What else people are found by.
    pub search: Search,
    /// Whom events are sent to, by name; those that have a URL.
    #[serde(deserialize_with = "processors::with_url")]
    pub processors: BTreeMap<String, Processor>,
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
    pub settings: Settings,
    /// Every setting in the order of `config/default.toml`.
    pub entries: Vec<Entry>,
    /// What a reload compares.
    values: Values,
}

impl Loaded {
    /// Checks what the layers say.
    fn of(catalog: Catalog, layers: Layers) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(&catalog, layers);
        let settings: Settings = reader.fill()?;
        settings.check_together(&mut reader);
        processors::check_together(&settings.processors, &catalog, &mut reader);
        let (entries, given) = reader.finish()?;
        Ok(Self { settings, entries, values: Values { catalog, given } })
    }
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
        let mut catalog = Catalog::compiled_in().map_err(ConfigErrors::one)?;
        let layers = Layers::collect(&mut catalog, overrides, environment);
        Loaded::of(catalog, layers)
    }

    /// The data folder of this process, whatever else is wrong with its settings: there a
    /// command finds the service that is to say what is wrong with them.
    ///
    /// # Errors
    ///
    /// Only if the compiled-in defaults break their own rules, which a test rules out.
    pub fn data_dir(overrides: &Overrides) -> Result<PathBuf, ConfigErrors> {
        let mut catalog = Catalog::compiled_in().map_err(ConfigErrors::one)?;
        let layers = Layers::collect(&mut catalog, overrides, &Environment::of_process());
        let settings: Self = Reader::new(&catalog, layers).fill()?;
        Ok(settings.store.data_dir)
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

    /// How long an event waits for others to be written with it.
    pub fn max_wait(&self) -> Duration {
        let write = &self.write;
        if self.processors.is_empty() {
            write.max_wait
        } else {
            write.max_wait.min(write.max_wait_with_processors)
        }
    }

    /// The rules between settings.
    fn check_together(&self, reader: &mut Reader<'_>) {
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
    }
}
