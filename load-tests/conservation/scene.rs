//! One service with its store, and the rounds on it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use crate::arguments::Arguments;
use crate::fault::{Fault, StoreKind};
use crate::inject;
use crate::load::{Load, http_client};
use crate::mongod::{Mongod, ReplicaSet};
use crate::oracle::Oracle;
use crate::proxy::{Proxy, Roughness};
use crate::service::{Launch, Service, libfaketime};
use crate::stored::{self, Stored};
use crate::trouble::{Trouble, While as _};
use crate::verdict::Verdict;

/// How long all that was accepted may take to be in the store when nothing is
/// wrong any more.
const STORED_LIMIT: Duration = Duration::from_secs(60);
const DATABASE: &str = "conservation";
/// The file of the offset by which the service's clock is wrong.
const CLOCK: &str = "clock";

/// Where events end up.
pub enum Store {
    Embedded,
    Mongodb(Mongod),
    ReplicaSet(ReplicaSet),
}

/// The proxies of a bad network.
pub struct Network {
    producers: Proxy,
    database: Option<Proxy>,
}

impl Network {
    /// Makes all of it bad, or good again.
    pub fn be_rough(&self, is_rough: bool) {
        for proxy in [Some(&self.producers), self.database.as_ref()]
            .into_iter()
            .flatten()
        {
            proxy.be_rough(is_rough);
        }
    }
}

/// A service with its store, what was sent to it, and what breaks there.
pub struct Scene {
    pub fault: Fault,
    pub is_quick: bool,
    pub store: Store,
    pub network: Option<Network>,
    pub oracle: Arc<Oracle>,
    launch: Launch,
    service: Option<Service>,
    http: reqwest::Client,
    /// Of the service itself.
    url: String,
    last_verdict: Verdict,
    home: TempDir,
}

impl Scene {
    /// Starts a store and a service with new folders.
    pub async fn set(
        arguments: &Arguments,
        binary: &Path,
        fault: Fault,
        kind: StoreKind,
    ) -> Result<Self, Trouble> {
        let home = tempfile::Builder::new()
            .prefix("trailkeep-conservation-")
            .tempdir()
            .during("a temporary folder")?;
        let store = match kind {
            StoreKind::Embedded => Store::Embedded,
            StoreKind::Mongodb => Store::Mongodb(tokio::task::block_in_place(Mongod::start)),
            StoreKind::ReplicaSet => Store::ReplicaSet(ReplicaSet::start(3).await),
        };
        let port = free_port()?;
        let network = match fault {
            Fault::CutConnection => Some(rough_network(&store, port).await?),
            _ => None,
        };
        let mut settings = settings(fault, port, arguments.journal.is_on());
        if let Some(uri) = uri_for_service(&store, network.as_ref()) {
            settings.push(("MONGODB_URI".to_owned(), uri));
        }
        if let (Fault::ClockBack, Some(library)) = (fault, libfaketime()) {
            settings.extend(faked_clock(&library, &home.path().join(CLOCK)));
        }
        let mut scene = Self {
            fault,
            is_quick: arguments.quick,
            store,
            network,
            oracle: Arc::default(),
            launch: Launch {
                binary: binary.to_owned(),
                folder: home.path().to_owned(),
                settings,
            },
            service: None,
            http: http_client()?,
            url: format!("http://127.0.0.1:{port}"),
            last_verdict: Verdict::default(),
            home,
        };
        scene.step_clock(0)?;
        scene.start().await?;
        Ok(scene)
    }

    /// One round: load, the fault meanwhile, recovery, and the check of all
    /// that was sent in this scene so far.
    pub async fn round(&mut self, round: u32, seed: u64) -> Result<Verdict, Trouble> {
        let result = self.try_round(round, seed).await;
        result.map_err(|trouble| {
            Trouble(format!(
                "{trouble}\n--- the service's last lines ---\n{}\n---",
                self.launch.log_tail()
            ))
        })
    }

    async fn try_round(&mut self, round: u32, seed: u64) -> Result<Verdict, Trouble> {
        let mut rng = StdRng::seed_from_u64(seed ^ (u64::from(round) << 32) ^ self.fault as u64);
        if self.service.is_none() {
            self.start().await?;
        }
        let name = format!("s{seed}-r{round}");
        let load = Load::start(&name, &self.producers_url(), &self.oracle, &mut rng)?;
        load.wait_for_more(100).await?;
        inject::inject(self, &load, &mut rng).await?;
        load.stop().await?;
        self.wait_until_stored().await?;
        self.take_service()?.stop().await?;

        let stored = self.stored().await?;
        self.last_verdict = self
            .oracle
            .read(|batches, hit| Verdict::on(batches, hit, &stored));
        Ok(self.last_verdict)
    }

    /// The check after the last round that was carried out.
    pub fn last_verdict(&self) -> Verdict {
        self.last_verdict
    }

    /// Leaves the folder behind for whoever looks into what went wrong.
    pub fn keep(mut self) -> Self {
        self.service = None;
        self.home.disable_cleanup(true);
        eprintln!("what is left lies in {}", self.home.path().display());
        self
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// The running service, taken out to be ended.
    pub fn take_service(&mut self) -> Result<Service, Trouble> {
        self.service
            .take()
            .ok_or_else(|| Trouble("the service does not run".to_owned()))
    }

    /// The running service.
    pub fn service(&self) -> Result<&Service, Trouble> {
        self.service
            .as_ref()
            .ok_or_else(|| Trouble("the service does not run".to_owned()))
    }

    /// Starts the service and waits until it is ready.
    pub async fn start(&mut self) -> Result<(), Trouble> {
        let mut service = self.launch.start()?;
        service.wait_until_ready(&self.http, &self.url).await?;
        self.service = Some(service);
        Ok(())
    }

    /// Starts the service, and lets it run before it is ready.
    pub fn launch(&mut self) -> Result<(), Trouble> {
        self.service = Some(self.launch.start()?);
        Ok(())
    }

    /// Sets by how many seconds the service's clock is wrong. Has an effect
    /// only where the clock is faked.
    pub fn step_clock(&self, seconds: i64) -> Result<(), Trouble> {
        if self.fault != Fault::ClockBack {
            return Ok(());
        }
        // Renamed, because the file may be read at any moment.
        let (new, file) = (self.folder().join("clock.new"), self.folder().join(CLOCK));
        std::fs::write(&new, format!("{seconds:+}\n")).during("stepping the clock")?;
        std::fs::rename(new, file).during("stepping the clock")
    }

    fn producers_url(&self) -> String {
        match &self.network {
            Some(network) => format!("http://{}", network.producers.address()),
            None => self.url.clone(),
        }
    }

    /// The flusher alone must get there; a stop, which comes next, would flush
    /// as well.
    async fn wait_until_stored(&mut self) -> Result<(), Trouble> {
        let http = self.http.clone();
        let url = self.url.clone();
        if let Some(service) = &mut self.service {
            service.wait_until_ready(&http, &url).await?;
        }
        if self.fault == Fault::BitFlip {
            // Its flushes are held back on purpose; the stop makes one.
            return Ok(());
        }
        let deadline = Instant::now() + STORED_LIMIT;
        let goal = self.oracle.accepted() - self.oracle.accepted_and_hit();
        while self.count_stored().await? < goal {
            if Instant::now() > deadline {
                // The check says what is missing.
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn count_stored(&self) -> Result<u64, Trouble> {
        match uri_for_reading(&self.store) {
            None => stored::count_in_file(&self.database_file()?),
            Some(uri) => stored::count_in_mongodb(&uri).await,
        }
    }

    async fn stored(&self) -> Result<Vec<Stored>, Trouble> {
        match uri_for_reading(&self.store) {
            None => stored::in_file(&self.database_file()?),
            Some(uri) => stored::in_mongodb(&uri).await,
        }
    }

    fn database_file(&self) -> Result<PathBuf, Trouble> {
        let is_database =
            |file: &PathBuf| file.extension().is_some_and(|extension| extension == "db");
        std::fs::read_dir(self.folder())
            .during("the data folder")?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(is_database)
            .ok_or_else(|| Trouble("there is no database in the data folder".to_owned()))
    }
}

fn settings(fault: Fault, port: u16, has_journal: bool) -> Vec<(String, String)> {
    let port = port.to_string();
    let journal = if has_journal { "on" } else { "off" };
    // A write fails soon, so that an outage is longer than all limits.
    let mut settings = vec![
        ("PORT", port.as_str()),
        ("JOURNAL", journal),
        ("LOG_LEVEL", "info"),
        ("FLUSH_TIMEOUT_MS", "700"),
        ("FLUSH_BACKOFF_MAX_MS", "500"),
        ("HEALTH_CHECK_INTERVAL_MS", "200"),
        ("HEALTH_CHECK_TIMEOUT_MS", "500"),
        ("HEALTH_UNREADY_AFTER_MS", "1000"),
    ];
    if fault == Fault::BitFlip {
        // What the journal alone has is what a damage to it can take.
        settings.extend([("FLUSH_MAX_WAIT_MS", "60000"), ("FLUSH_MAX_EVENTS", "4000")]);
    }
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn faked_clock(library: &Path, file: &Path) -> [(String, String); 4] {
    [
        ("LD_PRELOAD".to_owned(), library.display().to_string()),
        (
            "FAKETIME_TIMESTAMP_FILE".to_owned(),
            file.display().to_string(),
        ),
        ("FAKETIME_NO_CACHE".to_owned(), "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
    ]
}

async fn rough_network(store: &Store, port: u16) -> Result<Network, Trouble> {
    let (requests, replies) = (0.02, 0.05);
    let roughness = Roughness { requests, replies };
    let producers = Proxy::to(format!("127.0.0.1:{port}"), roughness, 1).await?;
    let database = match store {
        Store::Mongodb(server) => Some(Proxy::to(server.address(), roughness, 2).await?),
        Store::Embedded | Store::ReplicaSet(_) => None,
    };
    Ok(Network {
        producers,
        database,
    })
}

/// With time limits that are shorter than an outage.
fn uri_for_service(store: &Store, network: Option<&Network>) -> Option<String> {
    let limits = "serverSelectionTimeoutMS=1000&connectTimeoutMS=1000";
    match (store, network.and_then(|network| network.database.as_ref())) {
        (Store::Mongodb(_), Some(proxy)) => Some(format!(
            "mongodb://{}/{DATABASE}?directConnection=true&{limits}",
            proxy.address()
        )),
        (Store::Mongodb(server), None) => Some(format!("{}?{limits}", server.uri(DATABASE))),
        (Store::ReplicaSet(set), _) => Some(format!("{}&{limits}", set.uri(DATABASE))),
        (Store::Embedded, _) => None,
    }
}

fn uri_for_reading(store: &Store) -> Option<String> {
    match store {
        Store::Embedded => None,
        Store::Mongodb(server) => Some(server.uri(DATABASE)),
        Store::ReplicaSet(set) => Some(format!("{}&readConcernLevel=majority", set.uri(DATABASE))),
    }
}

/// Below the ports that the system hands out by itself: it must be free again
/// at each start.
fn free_port() -> Result<u16, Trouble> {
    (0..1000)
        .map(|_| rand::random_range(20_000..32_000))
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .ok_or_else(|| Trouble("there is no free port".to_owned()))
}
