//! Events in MongoDB.
//!
//! One collection, `events`, whose fields are called as on the wire, so that
//! a person finds in it what they would look for. One index beside `_id`
//! serves every journey, a partial one answers for accounts, and a TTL index
//! deletes old events where a retention is configured. The files:
//!
//! - `connection`: from the URI to a client, also when there is no network yet.
//! - `secrets`: what of a URI may be shown.
//! - `documents`: the collection's fields, and events out of documents.
//! - `insert`: events into `insert` commands, and the server's verdict on each.
//! - `query`: a range of a journey as a filter that one index scan answers.
//! - `journey`: the scan, and a second one where equals are cut apart.
//! - `summaries`: events of an account, counted.
//! - `indexes`: what is made before the first event comes.
//! - `errors`: which fault of the server means what.
//! - `dead_letters`: what was refused for good, in a collection of its own.
//! - `access`: staff accounts, sessions, tokens and the audit trail, in
//!   collections of their own.

mod access;
mod bson_writer;
mod connection;
mod dead_letters;
mod documents;
mod errors;
mod indexes;
mod insert;
mod journey;
mod query;
mod secrets;
mod summaries;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bson::doc;
use bson::raw::RawDocumentBuf;
use mongodb::options::{ReadPreference, SelectionCriteria};

use super::{JourneyRange, Outcome, Store, StoreError, StoredEvent};
use crate::event::{Accepted, Arrival, StoreId};

use connection::Connection;
pub use connection::MongoOpenError;
pub use documents::{DocumentFault, encode as encode_document, read_event as decode_document};
use errors::store_error;

/// The collection that holds the events.
const EVENTS: &str = "events";

/// What the store needs to know beyond the URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MongoSettings {
    /// Whether a journal relies on what is acknowledged here: then every write
    /// is acknowledged only when a majority has it and its journal is written,
    /// also where the URI asks for less.
    pub has_journal: bool,
    /// How long an event is kept, counted from its receipt, to the second;
    /// `None` keeps events for good.
    pub retention: Option<Duration>,
    /// How long the server may work on one page of a journey.
    pub read_timeout: Duration,
}

/// Events in a MongoDB: a standalone server, a replica set or a sharded cluster.
pub struct MongoStore {
    connection: Connection,
    settings: MongoSettings,
}

impl MongoStore {
    /// A store on the MongoDB that the URI names. Its database is the one in
    /// the URI, else `trailkeep`; where the URI names no write concern,
    /// majority and journaled are used.
    ///
    /// A server that cannot be reached is no error here: the driver connects
    /// when it is first asked for something, and goes on trying.
    ///
    /// # Errors
    ///
    /// If the URI cannot be used. The text never holds its password.
    pub async fn connect(uri: &str, settings: &MongoSettings) -> Result<Self, MongoOpenError> {
        Ok(Self {
            connection: Connection::open(uri, settings.has_journal).await?,
            settings: *settings,
        })
    }
}

#[async_trait]
impl Store for MongoStore {
    async fn prepare(&self) -> Result<(), StoreError> {
        let link = self.connection.link().await?;
        indexes::warn_of_old_server(link).await;
        indexes::make(link, self.settings.retention).await?;
        dead_letters::prepare(link, self.settings.retention).await?;
        access::indexes::make(link).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let link = self.connection.link().await?;
        link.database()
            .run_command(doc! { "ping": 1 })
            .await
            .map(|_| ())
            .map_err(|error| store_error(&error))
    }

    async fn insert(&self, events: &[Arc<Accepted>]) -> Result<Vec<Outcome>, StoreError> {
        let link = self.connection.link().await?;
        insert::insert(link, events).await
    }

    async fn arrivals(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Arrival>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let link = self.connection.link().await?;
        let mut cursor = link
            .events::<RawDocumentBuf>()
            .find(query::any_of(ids))
            .projection(doc! { "_id": 1, "arrival": 1 })
            .batch_size(u32::try_from(ids.len()).unwrap_or(u32::MAX - 1) + 1)
            // What decides whether an event is stored must not come from a
            // member that lags behind, whatever the URI prefers for reading.
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .await
            .map_err(|error| store_error(&error))?;
        let mut arrivals = HashMap::with_capacity(ids.len());
        while cursor
            .advance()
            .await
            .map_err(|error| store_error(&error))?
        {
            if let Some((id, arrival)) = documents::read_arrival(cursor.current()) {
                arrivals.insert(id, arrival);
            }
        }
        Ok(arrivals)
    }

    async fn journey(
        &self,
        range: &JourneyRange,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let link = self.connection.link().await?;
        journey::read(link, range, limit, self.settings.read_timeout).await
    }

    fn lanes(&self, configured: usize) -> usize {
        configured
    }

    async fn close(&self) {
        self.connection.close().await;
    }
}
