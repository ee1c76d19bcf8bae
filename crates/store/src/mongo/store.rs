//! What every call shares: the connection, and the time that it has.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::causal::{Call, CausalTime};
use super::connection::{Connection, Link, MongoOpenError};
use super::erasures::foreign::ForeignIds;
use super::layout::{Layout, LayoutInUse};
use super::periods::{Calendar, PeriodSettings};
use super::takeover;
use crate::timeouts::in_time;
use crate::{Retention, StoreError, Timeouts};

/// What the store needs to know beyond the URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MongoSettings {
    /// How long events are kept, to the second.
    pub retention: Retention,
    /// How long calls may take. The server is told as well how long it may work
    /// on what can be heavy.
    pub timeouts: Timeouts,
    /// When periods of the index of journeys begin.
    pub periods: PeriodSettings,
}

/// Events in a MongoDB: a standalone server, a replica set or a sharded cluster.
pub struct MongoStore {
    pub(super) connection: Connection,
    pub(super) settings: MongoSettings,
    pub(super) calendar: Arc<Calendar>,
    pub(super) layout: Arc<LayoutInUse>,
    /// What calls of processing, and those about people, have seen.
    pub(super) causal_time: CausalTime,
    /// Documents of other tools that were found and are to be removed.
    pub(super) foreign_ids: ForeignIds,
    /// Replaces the index of journeys of an older version.
    takeover: Mutex<Option<JoinHandle<()>>>,
}

impl MongoStore {
    /// A store on the MongoDB that the URI names. Its database is the one in
    /// the URI, else `trailkeep`. Every write is acknowledged only when a majority
    /// has it and its journal is written, also where the URI asks for less.
    ///
    /// A server that cannot be reached is no error here: the driver connects
    /// when it is first asked for something, and goes on trying.
    ///
    /// # Errors
    ///
    /// If the URI cannot be used. The text never holds its password.
    pub async fn connect(uri: &str, settings: &MongoSettings) -> Result<Self, MongoOpenError> {
        Ok(Self {
            connection: Connection::open(uri).await?,
            settings: settings.clone(),
            calendar: Arc::new(Calendar::new(settings.periods)),
            layout: Arc::default(),
            causal_time: CausalTime::default(),
            foreign_ids: ForeignIds::default(),
            takeover: Mutex::default(),
        })
    }

    /// Reads go by this index, which is there.
    pub(super) async fn use_layout(&self, link: &Link, layout: Layout) -> Result<(), StoreError> {
        self.layout.set(layout);
        if layout == Layout::ByPeriod { self.calendar.mend(link).await } else { Ok(()) }
    }

    /// Replaces the index of an older version, beside everything else.
    pub(super) fn begin_takeover(&self, link: &Link) {
        self.layout.set(Layout::ByUser);
        let mut takeover = self.takeover.lock();
        if takeover.as_ref().is_none_or(JoinHandle::is_finished) {
            let (calendar, layout) = (Arc::clone(&self.calendar), Arc::clone(&self.layout));
            *takeover = Some(tokio::spawn(takeover::run(link.clone(), calendar, layout)));
        }
    }

    /// The server goes on with what it was asked for, and the next start with the
    /// rest.
    pub(super) fn end_takeover(&self) {
        if let Some(takeover) = self.takeover.lock().take() {
            takeover.abort();
        }
    }

    pub(super) async fn link(&self) -> Result<&Link, StoreError> {
        self.connection.link().await
    }

    /// A call that sees what the earlier ones have seen.
    pub(super) async fn call(&self) -> Result<Call<'_>, StoreError> {
        Call::begin(self.link().await?, &self.causal_time).await
    }

    /// A read, in time.
    pub(super) async fn read<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        in_time(self.settings.timeouts.read, call).await
    }

    /// A write, in time.
    pub(super) async fn write<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        in_time(self.settings.timeouts.write, call).await
    }
}

impl Drop for MongoStore {
    fn drop(&mut self) {
        self.end_takeover();
    }
}
