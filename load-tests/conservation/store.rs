//! Where events end up, past the service.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bson::Document;
use mongodb::Client;
use trailkeep_testkit::mongod::{Mongod, ReplicaSet};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::calendar::{Calendar, PERIODS};
use crate::fault::StoreKind;
use crate::stored::{self, Stored};

const DATABASE: &str = "conservation";

/// A store of a scene's own.
pub enum Store {
    /// A file in the service's data folder.
    Embedded,
    /// One server.
    Mongodb(Mongod),
    /// Three of them.
    ReplicaSet(ReplicaSet),
}

impl Store {
    /// Starts the servers that it takes.
    pub async fn start(kind: StoreKind) -> Self {
        match kind {
            StoreKind::Embedded => Self::Embedded,
            StoreKind::Mongodb => Self::Mongodb(tokio::task::block_in_place(Mongod::start)),
            StoreKind::ReplicaSet => Self::ReplicaSet(ReplicaSet::start(3).await),
        }
    }

    /// The URI for the service, where it needs one, with time limits that are
    /// shorter than an outage.
    pub fn uri_for_service(&self, proxy: Option<SocketAddr>) -> Option<String> {
        let limits = "serverSelectionTimeoutMS=1000&connectTimeoutMS=1000";
        match (self, proxy) {
            (Self::Mongodb(_), Some(proxy)) => {
                Some(format!("mongodb://{proxy}/{DATABASE}?directConnection=true&{limits}"))
            }
            (Self::Mongodb(server), None) => Some(format!("{}?{limits}", server.uri(DATABASE))),
            (Self::ReplicaSet(set), _) => Some(format!("{}&{limits}", set.uri(DATABASE))),
            (Self::Embedded, _) => None,
        }
    }

    /// How many events it has. `folder` is the service's.
    pub async fn count(&self, folder: &Path) -> Result<u64, Trouble> {
        match self.uri_for_reading() {
            None => stored::count_in_file(&file_in(folder)?),
            Some(uri) => stored::count_in_mongodb(&uri).await,
        }
    }

    /// All events that it has. `folder` is the service's.
    pub async fn read(&self, folder: &Path) -> Result<Vec<Stored>, Trouble> {
        match self.uri_for_reading() {
            None => stored::in_file(&file_in(folder)?),
            Some(uri) => stored::in_mongodb(&uri).await,
        }
    }

    /// Gives it a calendar, before a service is started; none where there are no
    /// periods.
    pub async fn put_calendar(&self, calendar: Document) -> Result<(), Trouble> {
        let Some(uri) = self.uri_for_reading() else { return Ok(()) };
        let client = Client::with_uri_str(&uri).await.during("MongoDB's URI")?;
        let periods = client.database(DATABASE).collection(PERIODS);
        periods.insert_one(calendar).await.during("making a calendar")?;
        client.shutdown().await;
        Ok(())
    }

    /// Its calendar; `None` where there are no periods.
    pub async fn calendar(&self) -> Result<Option<Calendar>, Trouble> {
        let Some(uri) = self.uri_for_reading() else { return Ok(None) };
        let client = Client::with_uri_str(&uri).await.during("MongoDB's URI")?;
        let periods = client.database(DATABASE).collection::<Document>(PERIODS);
        let document = periods.find_one(Document::new()).await.during("reading the calendar")?;
        client.shutdown().await;
        let calendar = Calendar::of(document.as_ref());
        calendar.map(Some).ok_or_else(|| Trouble("the calendar cannot be read".to_owned()))
    }

    fn uri_for_reading(&self) -> Option<String> {
        match self {
            Self::Embedded => None,
            Self::Mongodb(server) => Some(server.uri(DATABASE)),
            Self::ReplicaSet(set) => {
                Some(format!("{}&readConcernLevel=majority", set.uri(DATABASE)))
            }
        }
    }
}

/// The embedded store's file.
pub fn file_in(folder: &Path) -> Result<PathBuf, Trouble> {
    let is_database = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "db");
    std::fs::read_dir(folder)
        .during("the data folder")?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(is_database)
        .ok_or_else(|| Trouble("there is no database in the data folder".to_owned()))
}
