//! The one database, as the parts that use it see it.

use std::path::Path;
use std::sync::Arc;

use trailkeep_store::access::AccessStore;
use trailkeep_store::activity::ActivityStore;
use trailkeep_store::dead_letters::DeadLetterStore;
use trailkeep_store::embedded::{self, EmbeddedSettings, EmbeddedStore};
use trailkeep_store::erasures::ErasureStore;
use trailkeep_store::mongo::{self, MongoSettings, MongoStore, PeriodSettings};
use trailkeep_store::payloads::{PayloadKey, PayloadStore};
use trailkeep_store::people::PeopleStore;
use trailkeep_store::processing::ProcessingStore;
use trailkeep_store::summaries::AccountStore;
use trailkeep_store::team::TeamStore;
use trailkeep_store::write_keys::WriteKeyStore;
use trailkeep_store::{Retention, Store, Timeouts};

use super::error::StartError;
use crate::config::Settings;
use crate::monitoring::health::check_timeout;

/// How long the settings let the store take.
pub fn timeouts(settings: &Settings) -> Timeouts {
    Timeouts {
        read: settings.store.read_timeout,
        write: settings.write.timeout,
        check: check_timeout(settings.health.check_interval),
        prepare: Timeouts::PREPARE,
    }
}

/// What a MongoDB is used with.
pub fn of_mongodb(settings: &Settings) -> MongoSettings {
    MongoSettings {
        retention: retention(settings),
        timeouts: timeouts(settings),
        periods: PeriodSettings::DEFAULT,
    }
}

/// How long events are kept.
pub fn retention(settings: &Settings) -> Retention {
    let store = &settings.store;
    let by_type = store.retention_by_type.iter();
    Retention::of_all(store.retention)
        .with_types(by_type.map(|(kind, kept)| (kind.as_str().into(), *kept)))
}

/// Where the settings have the data, without a word of who signs in there.
pub fn place(settings: &Settings) -> String {
    match &settings.store.mongodb_uri {
        Some(uri) => {
            let mongo::Place { hosts, database } = mongo::place(uri.expose());
            format!("{hosts}/{database}")
        }
        None => "the embedded store".to_owned(),
    }
}

/// The payload keys that the settings name, which take none that is no key.
pub fn payload_keys(settings: &Settings) -> Vec<PayloadKey> {
    settings.search.payload_keys.iter().filter_map(|name| PayloadKey::new(name)).collect()
}

/// The one database, as the parts that use it see it.
#[derive(Clone)]
pub struct Stores {
    /// Where events stay.
    pub events: Arc<dyn Store>,
    /// Where events are kept that it refuses for good.
    pub letters: Arc<dyn DeadLetterStore>,
    /// Where accounts, sessions, tokens and the audit trail stay.
    pub access: Arc<dyn AccessStore>,
    /// Where write keys stay.
    pub write_keys: Arc<dyn WriteKeyStore>,
    /// Where what the pages show for the whole team stays.
    pub team: Arc<dyn TeamStore>,
    /// Where events of business accounts are counted.
    pub accounts: Arc<dyn AccountStore>,
    /// Where rows about ids stay.
    pub people: Arc<dyn PeopleStore>,
    /// Where events are found by their payloads.
    pub payloads: Arc<dyn PayloadStore>,
    /// Where events of ids are counted by day.
    pub activity: Arc<dyn ActivityStore>,
    /// Where feeds and outcomes of processors stay.
    pub processing: Arc<dyn ProcessingStore>,
    /// Where it stays who was erased.
    pub erasures: Arc<dyn ErasureStore>,
}

impl Stores {
    /// Opens the store that the settings name.
    pub async fn open(settings: &Settings) -> Result<Self, StartError> {
        Ok(match &settings.store.mongodb_uri {
            Some(uri) => {
                embedded::refuse_half_moved(&settings.store.data_dir)?;
                Self::of(MongoStore::connect(uri.expose(), &of_mongodb(settings)).await?)
            }
            None => Self::in_folder(settings, &settings.store.data_dir)?,
        })
    }

    /// Opens the embedded store of a folder.
    pub fn in_folder(settings: &Settings, folder: &Path) -> Result<Self, StartError> {
        let settings =
            EmbeddedSettings { retention: retention(settings), timeouts: timeouts(settings) };
        Ok(Self::of(EmbeddedStore::open(folder, &settings)?))
    }

    /// All of one.
    pub(super) fn of(
        store: impl Store
        + DeadLetterStore
        + AccessStore
        + AccountStore
        + PeopleStore
        + PayloadStore
        + ActivityStore
        + ProcessingStore
        + ErasureStore
        + WriteKeyStore
        + TeamStore,
    ) -> Self {
        let store = Arc::new(store);
        Self {
            events: Arc::clone(&store) as Arc<dyn Store>,
            letters: Arc::clone(&store) as Arc<dyn DeadLetterStore>,
            access: Arc::clone(&store) as Arc<dyn AccessStore>,
            write_keys: Arc::clone(&store) as Arc<dyn WriteKeyStore>,
            team: Arc::clone(&store) as Arc<dyn TeamStore>,
            accounts: Arc::clone(&store) as Arc<dyn AccountStore>,
            people: Arc::clone(&store) as Arc<dyn PeopleStore>,
            payloads: Arc::clone(&store) as Arc<dyn PayloadStore>,
            activity: Arc::clone(&store) as Arc<dyn ActivityStore>,
            processing: Arc::clone(&store) as Arc<dyn ProcessingStore>,
            erasures: store,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_payload_key_that_the_settings_take_is_one() {
        let names = ["it's a key", "ß", &"x".repeat(64)].join(",");
        let settings = Settings::with([("search.payload_keys", names.as_str())]).unwrap();
        let keys = payload_keys(&settings);
        assert!(keys.iter().map(PayloadKey::as_str).eq(names.split(',')));
    }
}
