//! Where events end up, past the service.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bson::{Document, doc};
use mongodb::{Client, Database};
use trailkeep_testkit::mongod::{Mongod, ReplicaSet};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::calendar::{Calendar, PERIODS};
use crate::fault::StoreKind;
use crate::links::{self, Links};
use crate::old_events::{self, OldEvents};
use crate::processors::Id;
use crate::processors::outcomes::{self, Counts, Outcome};
use crate::stored::{self, EVENTS, Stored};

const DATABASE: &str = "conservation";
/// Whoever frees a lease of a database that is away waits no longer.
const FREE_LIMIT: std::time::Duration = std::time::Duration::from_secs(1);

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
            (Self::Mongodb(_) | Self::ReplicaSet(_), Some(proxy)) => {
                Some(format!("mongodb://{proxy}/{DATABASE}?directConnection=true&{limits}"))
            }
            (Self::Mongodb(server), None) => Some(format!("{}?{limits}", server.uri(DATABASE))),
            (Self::ReplicaSet(set), None) => Some(format!("{}&{limits}", set.uri(DATABASE))),
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

    /// All events that it has, but those of an older version. `folder` is the service's.
    pub async fn read(&self, folder: &Path) -> Result<Vec<Stored>, Trouble> {
        match self.uri_for_reading() {
            None => stored::in_file(&file_in(folder)?),
            Some(uri) => {
                let new_only = doc! { "$nor": [old_events::only()] };
                stored::in_mongodb(&uri, new_only).await
            }
        }
    }

    /// Whose each id is. `folder` is the service's.
    pub async fn read_links(&self, folder: &Path) -> Result<Links, Trouble> {
        let Some(uri) = self.uri_for_reading() else {
            return links::in_file(&file_in(folder)?);
        };
        let database = connect(&uri).await?;
        let read = links::in_mongodb(&database).await;
        disconnect(database).await;
        read
    }

    /// Gives it a calendar, before a service is started; none where there are no
    /// periods.
    pub async fn put_calendar(&self, calendar: Document) -> Result<(), Trouble> {
        let Some(uri) = self.uri_for_reading() else { return Ok(()) };
        let database = connect(&uri).await?;
        let periods = database.collection(PERIODS);
        periods.insert_one(calendar).await.during("making a calendar")?;
        disconnect(database).await;
        Ok(())
    }

    /// Its calendar; `None` where there are no periods.
    pub async fn calendar(&self) -> Result<Option<Calendar>, Trouble> {
        let Some(uri) = self.uri_for_reading() else { return Ok(None) };
        let database = connect(&uri).await?;
        let periods = database.collection::<Document>(PERIODS);
        let document = periods.find_one(doc! {}).await.during("reading the calendar")?;
        disconnect(database).await;
        let calendar = Calendar::of(document.as_ref());
        calendar.map(Some).ok_or_else(|| Trouble("the calendar cannot be read".to_owned()))
    }

    /// Makes it one of an older version, before a service is started.
    pub async fn put_old(&self, old: OldEvents) -> Result<(), Trouble> {
        let database = connect(&self.uri_of_mongodb()?).await?;
        old_events::fill(&database, old).await?;
        disconnect(database).await;
        Ok(())
    }

    /// Whether the index of an older version was replaced.
    pub async fn is_taken_over(&self) -> Result<bool, Trouble> {
        let database = connect(&self.uri_of_mongodb()?).await?;
        let names = database.collection::<Document>(EVENTS).list_index_names().await;
        let names = names.during("listing indexes")?;
        disconnect(database).await;
        let is_there = |name: &str| names.iter().any(|index| index == name);
        Ok(is_there("journey_by_period") && !is_there("journey"))
    }

    /// How many events of an older version there are, and how many of them have a
    /// period.
    pub async fn count_old(&self) -> Result<(u64, u64), Trouble> {
        let database = connect(&self.uri_of_mongodb()?).await?;
        let events = database.collection::<Document>(EVENTS);
        let mut filter = old_events::only();
        let count = events.count_documents(filter.clone()).await.during("counting old events")?;
        filter.insert("period", doc! { "$exists": true });
        let filed = events.count_documents(filter).await.during("counting old events")?;
        disconnect(database).await;
        Ok((count, filed))
    }

    /// What became of events at the processor. `folder` is the service's.
    pub async fn read_outcomes(&self, folder: &Path) -> Result<Vec<Outcome>, Trouble> {
        let Some(uri) = self.uri_for_reading() else {
            return outcomes::in_file(&file_in(folder)?);
        };
        let database = connect(&uri).await?;
        let read = outcomes::in_mongodb(&database).await;
        disconnect(database).await;
        read
    }

    /// How many outcomes it has, and what is left of the feed.
    pub async fn count_processing(&self, folder: &Path) -> Result<Counts, Trouble> {
        let Some(uri) = self.uri_for_reading() else {
            return outcomes::count_in_file(&file_in(folder)?);
        };
        let database = connect(&uri).await?;
        let counts = outcomes::count_in_mongodb(&database).await;
        disconnect(database).await;
        counts
    }

    /// Deletes an outcome.
    pub async fn delete_outcome(&self, folder: &Path, id: &Id) -> Result<(), Trouble> {
        let Some(uri) = self.uri_for_reading() else {
            return outcomes::delete_in_file(&file_in(folder)?, id);
        };
        let database = connect(&uri).await?;
        let deleted = outcomes::delete_in_mongodb(&database, id).await;
        disconnect(database).await;
        deleted
    }

    /// Makes the lease of a service that was killed nobody's. That of the embedded store
    /// needs no such thing: nobody else can have it open.
    pub async fn free_lease(&self) -> Result<(), Trouble> {
        let Some(uri) = self.uri_for_service(None) else { return Ok(()) };
        let database = connect(&uri).await?;
        let free = tokio::time::timeout(FREE_LIMIT, outcomes::free_lease(&database)).await;
        disconnect(database).await;
        free.unwrap_or_else(|_| Err(Trouble("the database is away".to_owned())))
    }

    fn uri_of_mongodb(&self) -> Result<String, Trouble> {
        self.uri_for_reading().ok_or_else(|| Trouble("there is no MongoDB".to_owned()))
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

async fn connect(uri: &str) -> Result<Database, Trouble> {
    Ok(Client::with_uri_str(uri).await.during("MongoDB's URI")?.database(DATABASE))
}

async fn disconnect(database: Database) {
    database.client().clone().shutdown().await;
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
