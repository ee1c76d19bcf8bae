//! Calls whose reads are not older than anything that was answered before.
//!
//! A read of what a majority has may still go back in time: after an election, the
//! new primary may take a while to know how far the majority is. So a read waits for
//! the newest moment of the cluster (`afterClusterTime`) that this store has had an
//! answer of. The driver does it within one session; a [`CausalTime`] carries the
//! moment from each call to the next. A server without replication has no such
//! moment, and goes nowhere back.

use bson::raw::{CStr, RawArrayBuf, RawDocument, RawDocumentBuf, cstr};
use bson::{Document, Timestamp, rawdoc};
use mongodb::action::Find;
use mongodb::error::Error;
use mongodb::options::{
    Acknowledgment, CollectionOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{ClientSession, Collection};
use parking_lot::Mutex;

use super::connection::Link;
use super::errors::store_error;
use super::insert::{fitted, verdicts};
use crate::{Outcome, StoreError};

/// The newest moment of the cluster that any of these calls has had an answer of.
#[derive(Default)]
pub struct CausalTime(Mutex<Option<Timestamp>>);

/// One call, with whatever it takes to answer it.
pub struct Call<'a> {
    link: &'a Link,
    session: ClientSession,
    time: &'a CausalTime,
}

impl<'a> Call<'a> {
    /// Begins a call that sees what the earlier ones have seen.
    pub async fn begin(link: &'a Link, time: &'a CausalTime) -> Result<Self, StoreError> {
        let started = link.database().client().start_session().causal_consistency(true).await;
        let mut session = started.map_err(|error| store_error(&error))?;
        let newest = *time.0.lock();
        if let Some(newest) = newest {
            session.advance_operation_time(newest);
        }
        Ok(Self { link, session, time })
    }

    pub fn link(&self) -> &'a Link {
        self.link
    }

    /// What each command of the call has to be given.
    pub fn session(&mut self) -> &mut ClientSession {
        &mut self.session
    }

    /// A collection that is read from the primary, as a majority has it, and written
    /// to until a majority has it in its journals: whatever the URI says.
    pub fn collection(&self, name: &str) -> Collection<RawDocumentBuf> {
        let options = CollectionOptions::builder()
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .read_concern(ReadConcern::majority())
            .write_concern(concern())
            .build();
        self.link.database().collection_with_options(name, options)
    }

    /// Hands over what a query finds, one document after the other, until `take` says
    /// that it wants no more.
    pub async fn each(
        &mut self,
        find: Find<'_, RawDocumentBuf>,
        mut take: impl FnMut(&RawDocument) -> bool,
    ) -> Result<(), Error> {
        let mut cursor = find.session(&mut self.session).await?;
        while cursor.advance(&mut self.session).await? {
            if !take(cursor.current()) {
                break;
            }
        }
        Ok(())
    }

    /// Inserts documents, each for itself, with one verdict for each.
    pub async fn insert(
        &mut self,
        collection: &str,
        documents: Vec<RawDocumentBuf>,
    ) -> Result<Vec<Outcome>, StoreError> {
        self.write(rawdoc! { "insert": collection }, cstr!("documents"), documents).await
    }

    /// Runs statements of an `update`, each for itself, with one verdict for each. Each
    /// is an upsert that names the `_id`: where it does not find what it expects, that
    /// is [`Outcome::Duplicate`].
    pub async fn upsert(
        &mut self,
        collection: &str,
        statements: Vec<RawDocumentBuf>,
    ) -> Result<Vec<Outcome>, StoreError> {
        self.write(rawdoc! { "update": collection }, cstr!("updates"), statements).await
    }

    /// Runs statements of an `update`, each for itself; answers how many found or made
    /// their document.
    pub async fn update(
        &mut self,
        collection: &str,
        statements: Vec<RawDocumentBuf>,
    ) -> Result<usize, StoreError> {
        fitted(&self.send(rawdoc! { "update": collection }, cstr!("updates"), statements).await?)
    }

    async fn write(
        &mut self,
        command: RawDocumentBuf,
        key: &CStr,
        statements: Vec<RawDocumentBuf>,
    ) -> Result<Vec<Outcome>, StoreError> {
        let sent = statements.len();
        verdicts(&self.send(command, key, statements).await?, sent)
    }

    /// Deletes all documents that a filter finds; how many there were.
    pub async fn delete(&mut self, name: &str, filter: Document) -> Result<u64, StoreError> {
        let documents = self.collection(name);
        let deleted = documents.delete_many(filter).session(self.session()).await;
        deleted.map(|deleted| deleted.deleted_count).map_err(|error| store_error(&error))
    }

    /// Built here and not by the driver: that one passes over a majority that could not
    /// be waited for, where documents were refused as well.
    async fn send(
        &mut self,
        mut command: RawDocumentBuf,
        key: &CStr,
        statements: Vec<RawDocumentBuf>,
    ) -> Result<Document, StoreError> {
        let mut array = RawArrayBuf::new();
        for statement in statements {
            array.push(statement);
        }
        command.append(cstr!("ordered"), false);
        command.append(cstr!("writeConcern"), rawdoc! { "w": "majority", "j": true });
        command.append(key, array);
        let database = self.link.database();
        let answer = database.run_raw_command(command).session(&mut self.session).await;
        answer.map_err(|error| store_error(&error))
    }
}

/// Also where the call has failed or is given up: what was heard by then counts.
impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut newest = self.time.0.lock();
        *newest = (*newest).max(self.session.operation_time());
    }
}

fn concern() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build()
}
