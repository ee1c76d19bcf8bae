//! Events in MongoDB.
//!
//! One collection, `events`, whose fields are called as on the wire, so that
//! a person finds in it what they would look for, and a `period` besides. One
//! index beside `_id` serves every journey, a partial one answers for accounts, and a TTL index
//! deletes old events where a retention is configured. The files:
//!
//! - `connection`: from the URI to a client, also when there is no network yet.
//! - `secrets`: what of a URI may be shown.
//! - `store`: the connection, and in what time a call has to be answered.
//! - `documents`: the collection's fields, and events out of documents.
//! - `insert`: events into `insert` commands, and the server's verdict on each.
//! - `periods`: what the index of journeys begins with, so that an event costs
//!   the same whatever is stored.
//! - `layout`: which index answers for journeys; `takeover`: how that of an older
//!   version is replaced.
//! - `commands`: statements in commands of a size that the server takes.
//! - `query`: a range of a journey as a filter that scans of one index answer.
//! - `journey`: that query, and a second one where equals are cut apart.
//! - `summaries`: events of an account, counted; `account_events`: the newest of them;
//!   `activity`: those of ids, by day.
//! - `indexes`: what is made before the first event comes.
//! - `inspect`: a look that changes nothing.
//! - `errors`: which fault of the server means what.
//! - `dead_letters`: what was refused for good, in a collection of its own.
//! - `causal`: calls that never see less than an earlier one did.
//! - `processing`: who is fed for, what is pending and what became of each event, in
//!   collections of their own.
//! - `people`: who is who, and whose sessions are, in two collections of their own.
//! - `erasures`: who was erased, and how what is erased goes, in collections of their own.
//! - `moving`: what an embedded store had, taken page by page.
//! - `payloads`: events, found by what their payloads have at a few keys.
//! - `access`: staff accounts, sessions, tokens and the audit trail, in
//!   collections of their own.

mod access;
mod account_events;
mod activity;
mod ages;
mod bson_writer;
mod causal;
mod commands;
mod connection;
mod dead_letters;
mod documents;
mod erasures;
mod errors;
mod indexes;
mod insert;
mod inspect;
mod journey;
mod layout;
mod moving;
mod payloads;
mod people;
mod periods;
mod processing;
mod query;
mod retention;
mod secrets;
mod server;
mod store;
mod summaries;
mod takeover;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use bson::doc;
use trailkeep_event::{Accepted, Arrival, StoreId};

use super::timeouts::in_time;
use super::{JourneyPart, JourneyRange, Outcome, Position, Store, StoreError};

use connection::Link;
pub use connection::{MongoOpenError, Place, place};
pub use documents::{DocumentFault, encode as encode_document, read_event as decode_document};
use errors::store_error;
use indexes::Journeys;
pub use moving::{Found, Stage};
pub use periods::PeriodSettings;
pub use store::{MongoSettings, MongoStore};

impl MongoStore {
    async fn prepare_all(&self, link: &Link) -> Result<(), StoreError> {
        let retention = &self.settings.retention;
        server::check(link, retention).await?;
        match indexes::make(link, retention).await? {
            Journeys::Ready(layout) => self.use_layout(link, layout).await?,
            Journeys::ToReplace => self.begin_takeover(link),
        }
        dead_letters::prepare(link, retention).await?;
        processing::prepare(link, retention).await?;
        people::prepare(link, retention).await?;
        erasures::prepare(link).await?;
        access::indexes::make(link).await
    }
}

#[async_trait]
impl Store for MongoStore {
    async fn prepare(&self) -> Result<(), StoreError> {
        in_time(self.settings.timeouts.prepare, async {
            let link = self.link().await?;
            moving::refuse_half_moved(link).await?;
            self.prepare_all(link).await
        })
        .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        in_time(self.settings.timeouts.check, async {
            let database = self.link().await?.database();
            let answer = database.run_command(doc! { "ping": 1 }).await;
            answer.map(|_| ()).map_err(|error| store_error(&error))
        })
        .await
    }

    async fn insert(&self, events: &[Arc<Accepted>]) -> Result<Vec<Outcome>, StoreError> {
        self.write(async { insert::insert(self.link().await?, &self.calendar, events).await }).await
    }

    async fn arrivals(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Arrival>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        self.read(async { journey::arrivals(self.link().await?, ids).await }).await
    }

    async fn positions(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Position>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        self.read(async { journey::positions(self.link().await?, ids).await }).await
    }

    async fn journey(&self, range: &JourneyRange, limit: usize) -> Result<JourneyPart, StoreError> {
        self.read(async {
            let source = journey::Source {
                link: self.link().await?,
                periods: &self.calendar.known(),
                layout: &self.layout,
                timeout: self.settings.timeouts.read,
            };
            journey::read(&source, range, limit).await
        })
        .await
    }

    fn writes_in_flight(&self, configured: usize) -> usize {
        configured
    }

    async fn close(&self) {
        self.end_takeover();
        self.connection.close().await;
    }
}
