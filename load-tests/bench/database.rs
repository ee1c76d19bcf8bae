//! The benchmark's own `mongod`, past the service.

use std::time::Duration;

use bson::doc;
use bson::raw::RawDocumentBuf;
use mongodb::options::ClientOptions;
use mongodb::{Client, Collection, Database as Handle};
use trailkeep_testkit::mongod::Mongod;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::arguments::Arguments;
use crate::processes::Cpu;

const NAME: &str = "bench";
const EVENTS: &str = "events";
const OUTCOMES: &str = "processedEvents";
/// What is kept of processors.
const PROCESSORS: [&str; 5] =
    ["processors", "feed.default", "parked.default", OUTCOMES, "processorStates"];

/// A server with a database. Dropping it ends the server and removes its data.
pub struct Database {
    server: Mongod,
    handle: Handle,
}

impl Database {
    /// Starts a server, with the cache and the folder that are asked for.
    pub async fn start(arguments: &Arguments) -> Result<Self, Trouble> {
        let cache = arguments.cache_gb.to_string();
        let folder = arguments.mongod_dir();
        let start = || Mongod::start_in(&folder, &["--wiredTigerCacheSizeGB", &cache]);
        let server = tokio::task::block_in_place(|| match &arguments.cores {
            Some(cores) => cores.start_database(start),
            None => Ok(start()),
        })?;
        let options = ClientOptions::parse(server.uri(NAME)).await.during("MongoDB's URI")?;
        let client = Client::with_options(options).during("a client of MongoDB")?;
        Ok(Self { handle: client.database(NAME), server })
    }

    /// Where a service finds it.
    pub fn uri(&self) -> String {
        self.server.uri(NAME)
    }

    /// Where another database on its server is found.
    pub fn uri_of(&self, name: &str) -> String {
        self.server.uri(name)
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Stops the server where it stands, until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.server.pause();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.server.resume();
    }

    /// The database itself.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The events, undecoded.
    pub fn events(&self) -> Collection<RawDocumentBuf> {
        self.handle.collection(EVENTS)
    }

    /// What became of events at the processor that needs no name, undecoded.
    pub fn outcomes(&self) -> Collection<RawDocumentBuf> {
        self.handle.collection(OUTCOMES)
    }

    /// Drops all events, with the collection, its indexes and its periods.
    pub async fn drop_events(&self) -> Result<(), Trouble> {
        self.events().drop().await.during("dropping the events")?;
        let periods = self.handle.collection::<RawDocumentBuf>("periods");
        periods.drop().await.during("dropping the periods")
    }

    /// Drops what there is of processors: what an earlier one left would be fed for.
    pub async fn forget_processors(&self) -> Result<(), Trouble> {
        for name in PROCESSORS {
            let kept = self.handle.collection::<RawDocumentBuf>(name);
            kept.drop().await.during("forgetting the processor")?;
        }
        Ok(())
    }

    /// Drops what is known of services that ran before, for none of which anybody waits.
    pub async fn forget_instances(&self) -> Result<(), Trouble> {
        let instances = self.handle.collection::<RawDocumentBuf>("instances");
        instances.drop().await.during("forgetting who ran before")
    }

    /// Has the server write all that it still has in memory alone, so that no
    /// measurement pays for what was written before it.
    pub async fn settle(&self) -> Result<(), Trouble> {
        let admin = self.handle.client().database("admin");
        let written = admin.run_command(doc! { "fsync": 1 }).await;
        written.during("having the database write what it holds")?;
        Ok(())
    }

    /// Waits until the server has put away what it has in its cache, or for a minute: it does
    /// that for a while, on the cores that reads need.
    pub async fn rest(&self) -> Result<(), Trouble> {
        const SECOND: Duration = Duration::from_secs(1);
        for _ in 0..60 {
            let before = Cpu::of(self.pid())?;
            tokio::time::sleep(SECOND).await;
            if Cpu::of(self.pid())?.since(&before) < SECOND / 50 {
                break;
            }
        }
        Ok(())
    }

    /// The server's version.
    pub async fn version(&self) -> Result<String, Trouble> {
        let info = self
            .handle
            .run_command(doc! { "buildInfo": 1 })
            .await
            .during("asking for the version")?;
        Ok(info.get_str("version").unwrap_or("unknown").to_owned())
    }
}
