//! What an embedded store had, taken page by page into an empty database.
//!
//! - `documents`: the collections of the kinds, and the document of a row.
//! - `mark`: the collection `moves`, which says up to where it is.
//!
//! **Resumable.** A page is written before it is noted, and written again it finds itself: the
//! `_id` of a document is that of its row. So a move that is killed goes on from what was
//! noted last.
//!
//! **Closed until it is complete.** No instance prepares a database that has a part of a move,
//! so none writes to it.
//!
//! Indexes are made when all is there: one that is built at once costs the server a part of
//! what it costs to add to it with each document. Those by which documents expire come after
//! all was counted and compared, or what expires meanwhile would look lost.

mod documents;
mod mark;

use std::collections::BTreeMap;
use std::sync::Arc;

use bson::raw::RawDocumentBuf;
use bson::{Document, doc};
use futures_util::{TryStreamExt as _, stream};
use trailkeep_event::Accepted;
use uuid::Uuid;

use super::commands::{in_commands, size};
use super::connection::Link;
use super::errors::store_error;
use super::indexes::Journeys;
use super::insert::written;
use super::periods::PERIODS;
use super::store::MongoStore;
use super::{indexes, people, processing, server};
use crate::moving::{Kept, Kind, Page, Reached};
use crate::timeouts::in_time;
use crate::{Outcome, Retention, Store as _, StoreError};
use documents::Place;
pub use mark::Stage;

/// Events of one write, and writes in flight, as the service has them by default.
const WRITE_EVENTS: usize = 500;
const IN_FLIGHT: usize = 4;

/// What a database is to a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It has nothing of ours; what others have in it does not matter.
    Empty,
    /// The move has begun, and is there.
    At(Stage),
    /// These collections have documents, of which no move tells.
    Taken(Vec<String>),
    /// Another move began here, or was completed.
    Another,
}

impl MongoStore {
    /// What this database is to the move of this id. Changes nothing.
    ///
    /// # Errors
    ///
    /// As of any read; [`StoreError::Denied`] where the server is too old.
    pub async fn find_move(&self, id: Uuid) -> Result<Found, StoreError> {
        in_time(self.settings.timeouts.write, async {
            let link = self.link().await?;
            server::refuse_old(link).await?;
            Ok(match mark::find(link).await? {
                Some(mark) if mark.id == id => Found::At(mark.stage),
                Some(_) => Found::Another,
                None => {
                    let taken = taken(link).await?;
                    if taken.is_empty() { Found::Empty } else { Found::Taken(taken) }
                }
            })
        })
        .await
    }

    /// Closes an empty database for all but this move.
    ///
    /// # Errors
    ///
    /// As of any write; [`StoreError::Denied`] where another move was quicker.
    pub async fn begin_move(&self, id: Uuid) -> Result<(), StoreError> {
        self.write(async { mark::make(self.link().await?, id).await }).await
    }

    /// Takes rows; those that are there already are left as they are.
    ///
    /// # Errors
    ///
    /// As of any write: some of the rows may be there. [`StoreError::Denied`] where the database
    /// refuses one for good.
    pub async fn take(&self, page: &Page) -> Result<(), StoreError> {
        let mut events = Vec::new();
        let mut others: BTreeMap<String, Vec<RawDocumentBuf>> = BTreeMap::new();
        for kept in &page.rows {
            match (documents::document(kept)?, kept) {
                (Some((collection, document)), _) => {
                    others.entry(collection).or_default().push(document);
                }
                (None, Kept::Event(accepted)) => events.push(Arc::clone(accepted)),
                (None, _) => {}
            }
        }
        for (collection, documents) in others {
            for documents in in_commands(documents.into_iter().map(Ok), size)? {
                let verdicts =
                    self.write(async { self.call().await?.insert(&collection, documents).await });
                written(verdicts.await?, &collection)?;
            }
        }
        stream::iter(events.chunks(WRITE_EVENTS).map(Ok))
            .try_for_each_concurrent(IN_FLIGHT, |events| self.take_events(events))
            .await
    }

    async fn take_events(&self, events: &[Arc<Accepted>]) -> Result<(), StoreError> {
        let outcomes = self.insert(events).await?;
        for (accepted, outcome) in events.iter().zip(outcomes) {
            match outcome {
                Outcome::Stored | Outcome::Duplicate => {}
                Outcome::Refused(refusal) => {
                    let id = Uuid::from_bytes(*accepted.event.id.as_bytes());
                    return Err(StoreError::Denied(format!("the event {id}: {refusal}")));
                }
                Outcome::Retry | Outcome::Erased => {
                    let fault = "an event was not written this time".to_owned();
                    return Err(StoreError::Unavailable(fault));
                }
            }
        }
        Ok(())
    }

    /// Notes up to where rows went over, all of which were [taken](Self::take).
    ///
    /// # Errors
    ///
    /// As of any write.
    pub async fn note_reached(&self, id: Uuid, reached: &Reached) -> Result<(), StoreError> {
        self.write(async { mark::note(self.link().await?, id, reached).await }).await
    }

    /// How many documents there are of a kind.
    ///
    /// # Errors
    ///
    /// As of any read.
    pub async fn count_of(&self, kind: Kind) -> Result<u64, StoreError> {
        in_time(self.settings.timeouts.prepare, async {
            let link = self.link().await?;
            let place = Place::of(kind);
            let mut count = 0;
            for name in collections(link).await?.iter().filter(|name| place.has(name)) {
                let documents = link.database().collection::<Document>(name);
                let counted = documents.count_documents(doc! {}).await;
                count += counted.map_err(|error| store_error(&error))?;
            }
            Ok(count)
        })
        .await
    }

    /// Makes what journeys and who is who are read by, and nothing by which documents expire.
    ///
    /// # Errors
    ///
    /// As of [`prepare`](crate::Store::prepare).
    pub async fn make_readable(&self) -> Result<(), StoreError> {
        in_time(self.settings.timeouts.prepare, async {
            let link = self.link().await?;
            let for_good = Retention::default();
            if let Journeys::Ready(layout) = indexes::make(link, &for_good).await? {
                self.use_layout(link, layout).await?;
            }
            people::prepare(link, &for_good).await
        })
        .await
    }

    /// Notes that all went over and is the same.
    ///
    /// # Errors
    ///
    /// As of any write.
    pub async fn note_compared(&self, id: Uuid) -> Result<(), StoreError> {
        self.write(async { mark::end(self.link().await?, id, &Stage::Compared).await }).await
    }

    /// Makes all else that a service needs, and opens the database for it.
    ///
    /// # Errors
    ///
    /// As of [`prepare`](crate::Store::prepare).
    pub async fn complete_move(&self, id: Uuid) -> Result<(), StoreError> {
        in_time(self.settings.timeouts.prepare, async {
            let link = self.link().await?;
            self.prepare_all(link).await?;
            let mut call = self.call().await?;
            for processor in processing::processors::all(&mut call).await? {
                let retention = &self.settings.retention;
                processing::indexes::make(&call, &processor.name, retention).await?;
            }
            processing::indexes::make_for_commands(&call).await?;
            mark::end(link, id, &Stage::Complete).await
        })
        .await
    }
}

/// Refuses a database that has a part of a move.
pub async fn refuse_half_moved(link: &Link) -> Result<(), StoreError> {
    match mark::find(link).await? {
        Some(mark) if mark.stage != Stage::Complete => Err(StoreError::Denied(
            "a move into this database has not ended; run `trailkeep move` in the folder where it \
             began, which goes on where it was, or name another database"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The collections of ours that have documents.
async fn taken(link: &Link) -> Result<Vec<String>, StoreError> {
    let is_ours = |name: &String| {
        name == PERIODS || Kind::ALL.into_iter().any(|kind| Place::of(kind).has(name))
    };
    let mut taken = Vec::new();
    for name in collections(link).await?.into_iter().filter(is_ours) {
        let found = link.database().collection::<Document>(&name).find_one(doc! {}).await;
        if found.map_err(|error| store_error(&error))?.is_some() {
            taken.push(name);
        }
    }
    taken.sort_unstable();
    Ok(taken)
}

async fn collections(link: &Link) -> Result<Vec<String>, StoreError> {
    link.database().list_collection_names().await.map_err(|error| store_error(&error))
}
