//! The database that all peers of a placement use, one after the other.

use bson::doc;
use mongodb::Client;
use trailkeep_testkit::mongod::Mongod;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::kept::Kept;
use super::peer::Peer;
use super::running::{BODIES, Running, Sources};
use crate::arguments::Arguments;
use crate::cores::Cores;

const NAME: &str = "versus";

/// Who runs on which cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Placement {
    /// Everybody on all of them.
    Shared,
    /// `mongod` on one half, everybody else on the other.
    Apart,
}

impl Placement {
    /// As it is told while it is measured.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared cores",
            Self::Apart => "mongod apart",
        }
    }
}

/// A server that runs. Dropping it ends it.
pub struct Site {
    pub server: Mongod,
    client: Client,
}

impl Site {
    /// Starts the server, on its own cores where they are divided.
    pub async fn start(arguments: &Arguments, cores: Option<&Cores>) -> Result<Self, Trouble> {
        let cache = arguments.cache_gb.to_string();
        let folder = arguments.mongod_dir();
        let start = || Mongod::start_in(&folder, &["--wiredTigerCacheSizeGB", &cache]);
        let server = tokio::task::block_in_place(|| match cores {
            Some(cores) => cores.start_database(start),
            None => Ok(start()),
        })?;
        let client = Client::with_uri_str(server.uri(NAME)).await.during("MongoDB's URI")?;
        Ok(Self { server, client })
    }

    /// Starts a peer on an empty database, of which everything is on the disk.
    pub async fn start_peer(&self, sources: &Sources, peer: Peer) -> Result<Running, Trouble> {
        self.client.database(NAME).drop().await.during("dropping the database")?;
        let admin = self.client.database("admin");
        admin.run_command(doc! { "fsync": 1 }).await.during("having the database write")?;
        Running::start(sources, peer, &self.server.uri(NAME)).await
    }

    /// Where a peer keeps events.
    pub fn kept(&self, running: &Running) -> Kept {
        match running.peer().has_database() {
            true => Kept::Database(self.client.database(NAME).collection("events")),
            false => Kept::File(running.folder().join(BODIES)),
        }
    }
}
