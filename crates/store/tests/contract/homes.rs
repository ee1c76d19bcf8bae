//! Each store opened for one test, in a place of its own that goes with it.

use std::sync::Arc;
use std::time::Duration;

use mongodb::{Client, Database};
use trailkeep_store::access::AccessStore;
use trailkeep_store::activity::ActivityStore;
use trailkeep_store::dead_letters::DeadLetterStore;
use trailkeep_store::embedded::{EmbeddedSettings, EmbeddedStore};
use trailkeep_store::erasures::ErasureStore;
use trailkeep_store::mongo::{MongoSettings, MongoStore, PeriodSettings};
use trailkeep_store::payloads::PayloadStore;
use trailkeep_store::people::PeopleStore;
use trailkeep_store::processing::ProcessingStore;
use trailkeep_store::summaries::AccountStore;
use trailkeep_store::team::TeamStore;
use trailkeep_store::write_keys::WriteKeyStore;
use trailkeep_store::{Retention, Store, Timeouts};
use trailkeep_store_contract::erasures::samples::Stores;
use trailkeep_testkit::mongod::shared_uri;

/// Settings that no test has an opinion on.
pub const SETTINGS: MongoSettings = MongoSettings {
    retention: Retention::of_all(None),
    timeouts: TIMEOUTS,
    periods: PeriodSettings::DEFAULT,
};

/// Long enough for a machine that has other things to do.
const TIMEOUTS: Timeouts = within(Duration::from_secs(20));

/// The same limit for all calls.
pub const fn within(limit: Duration) -> Timeouts {
    Timeouts { read: limit, write: limit, check: limit, prepare: limit }
}

/// A store and what has to be removed after the test.
pub struct Home {
    store: Arc<dyn Store>,
    letters: Arc<dyn DeadLetterStore>,
    access: Arc<dyn AccessStore>,
    accounts: Arc<dyn AccountStore>,
    activity: Arc<dyn ActivityStore>,
    processing: Arc<dyn ProcessingStore>,
    people: Arc<dyn PeopleStore>,
    payloads: Arc<dyn PayloadStore>,
    erasures: Arc<dyn ErasureStore>,
    write_keys: Arc<dyn WriteKeyStore>,
    team: Arc<dyn TeamStore>,
    place: Place,
}

enum Place {
    Mongo(MongoPlace),
    Folder(tempfile::TempDir),
}

/// The same with so short periods that a few events make many: nobody who asks
/// may notice.
pub const SHORT_PERIODS: MongoSettings = MongoSettings {
    periods: PeriodSettings { events: 3, ahead: Duration::from_millis(1) },
    retention: Retention::of_all(None),
    timeouts: TIMEOUTS,
};

/// A prepared MongoDB store in a new database.
pub async fn open_mongo() -> Home {
    let place = MongoPlace::new().await;
    let store = place.mongo_store(&SHORT_PERIODS).await;
    store.prepare().await.unwrap();
    Home {
        store: store.clone(),
        letters: store.clone(),
        access: store.clone(),
        accounts: store.clone(),
        activity: store.clone(),
        processing: store.clone(),
        people: store.clone(),
        payloads: store.clone(),
        erasures: store.clone(),
        write_keys: store.clone(),
        team: store,
        place: Place::Mongo(place),
    }
}

/// A prepared embedded store in a new folder.
pub async fn open_embedded() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let settings = EmbeddedSettings { retention: Retention::of_all(None), timeouts: TIMEOUTS };
    let store = Arc::new(EmbeddedStore::open(folder.path(), &settings).unwrap());
    store.prepare().await.unwrap();
    Home {
        store: store.clone(),
        letters: store.clone(),
        access: store.clone(),
        accounts: store.clone(),
        activity: store.clone(),
        processing: store.clone(),
        people: store.clone(),
        payloads: store.clone(),
        erasures: store.clone(),
        write_keys: store.clone(),
        team: store,
        place: Place::Folder(folder),
    }
}

impl Home {
    /// Checks one promise about events.
    pub async fn check_events<F, Checking>(self, promise: F)
    where
        F: FnOnce(Arc<dyn Store>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(self.store.clone());
        self.check(checking).await;
    }

    /// Checks one promise about dead letters.
    pub async fn check_letters<F, Checking>(self, promise: F)
    where
        F: FnOnce(Arc<dyn DeadLetterStore>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(self.letters.clone());
        self.check(checking).await;
    }

    /// Checks one promise about staff accounts and what belongs to them.
    pub async fn check_access<F, Checking>(self, promise: F)
    where
        F: FnOnce(Arc<dyn AccessStore>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(self.access.clone());
        self.check(checking).await;
    }

    /// Checks one promise about business accounts, whose events it stores.
    pub async fn check_accounts<F, Checking>(self, promise: F)
    where
        F: FnOnce(Arc<dyn Store>, Arc<dyn AccountStore>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(self.store.clone(), self.accounts.clone());
        self.check(checking).await;
    }

    /// Checks one promise about how much ids did, whose events it stores.
    pub async fn check_activity<F, Checking>(self, promise: F)
    where
        F: FnOnce(Arc<dyn Store>, Arc<dyn ActivityStore>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(self.store.clone(), self.activity.clone());
        self.check(checking).await;
    }

    /// Checks one promise about what processing keeps.
    pub async fn check_processing<F, Checking>(self, promise: F)
    where
        F: FnOnce(Arc<dyn ProcessingStore>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(self.processing.clone());
        self.check(checking).await;
    }

    /// Checks one promise about the events that processing reads, which it stores.
    pub async fn check_pending_events<F, Checking>(self, promise: F)
    where
        F: FnOnce(Arc<dyn Store>, Arc<dyn ProcessingStore>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(self.store.clone(), self.processing.clone());
        self.check(checking).await;
    }

    /// Checks one promise about events found by their payloads, which it stores.
    pub async fn check_payloads<F, Checking>(self, promise: F)
    where
        F: FnOnce(Arc<dyn Store>, Arc<dyn PayloadStore>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(self.store.clone(), self.payloads.clone());
        self.check(checking).await;
    }

    /// Checks one promise about who is who.
    pub async fn check_people<F, Checking>(self, promise: F)
    where
        F: FnOnce(Arc<dyn PeopleStore>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(self.people.clone());
        self.check(checking).await;
    }

    /// Checks one promise about who is erased, and what is removed then.
    pub async fn check_erasures<F, Checking>(self, promise: F)
    where
        F: FnOnce(Stores) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(Stores {
            erasures: self.erasures.clone(),
            events: self.store.clone(),
            letters: self.letters.clone(),
            processing: self.processing.clone(),
            people: self.people.clone(),
            access: self.access.clone(),
        });
        self.check(checking).await;
    }

    /// Checks one promise about write keys.
    pub async fn check_write_keys<F, Checking>(self, promise: F)
    where
        F: FnOnce(Arc<dyn WriteKeyStore>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(self.write_keys.clone());
        self.check(checking).await;
    }

    /// Checks one promise about what the pages show for the whole team.
    pub async fn check_team<F, Checking>(self, promise: F)
    where
        F: FnOnce(Arc<dyn TeamStore>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let checking = promise(self.team.clone());
        self.check(checking).await;
    }

    /// Leaves nothing behind, whether the promise holds or not.
    async fn check(self, checking: impl Future<Output = ()> + Send + 'static) {
        let checked = tokio::spawn(checking).await;
        self.store.close().await;
        match self.place {
            Place::Mongo(place) => place.remove().await,
            Place::Folder(folder) => folder.close().unwrap(),
        }
        pass_on(checked);
    }
}

/// A database of one test.
pub struct MongoPlace {
    uri: String,
    client: Client,
    name: String,
}

impl MongoPlace {
    /// A new database.
    pub async fn new() -> Self {
        let name = format!("trailkeep_test_{}", uuid::Uuid::new_v4().simple());
        let uri = shared_uri(&name);
        let client = Client::with_uri_str(&uri).await.unwrap();
        Self { uri, client, name }
    }

    /// A new store on this database, not yet prepared.
    pub async fn store(&self, settings: &MongoSettings) -> Arc<dyn Store> {
        self.mongo_store(settings).await
    }

    /// The same, as what it is.
    pub async fn mongo_store(&self, settings: &MongoSettings) -> Arc<MongoStore> {
        Arc::new(MongoStore::connect(&self.uri, settings).await.unwrap())
    }

    /// What a person at a shell would see.
    pub fn database(&self) -> Database {
        self.client.database(&self.name)
    }

    /// Runs a test on this database and drops the database, whatever comes.
    pub async fn run<F, Checking>(self, test: F)
    where
        F: FnOnce(Arc<Self>) -> Checking,
        Checking: Future<Output = ()> + Send + 'static,
    {
        let place = Arc::new(self);
        let checked = tokio::spawn(test(place.clone())).await;
        if let Some(place) = Arc::into_inner(place) {
            place.remove().await;
        }
        pass_on(checked);
    }

    async fn remove(self) {
        self.database().drop().await.unwrap();
        self.client.shutdown().await;
    }
}

fn pass_on(checked: Result<(), tokio::task::JoinError>) {
    if let Err(error) = checked {
        std::panic::resume_unwind(error.into_panic());
    }
}

#[test]
fn the_database_of_a_uri_is_replaced_and_its_options_stay() {
    for (server, expected) in [
        ("mongodb://h:1", "mongodb://h:1/new"),
        ("mongodb://h:1/", "mongodb://h:1/new"),
        ("mongodb://h:1/old?w=1", "mongodb://h:1/new?w=1"),
        ("mongodb://u:p@h", "mongodb://u:p@h/new?authSource=admin"),
        ("mongodb+srv://u:p@h/old?w=1", "mongodb+srv://u:p@h/new?w=1&authSource=old"),
        ("mongodb://u:p@h/old?authSource=x", "mongodb://u:p@h/new?authSource=x"),
    ] {
        assert_eq!(trailkeep_testkit::mongod::in_database(server, "new"), expected, "{server}");
    }
}
