//! What every call shares: the connection, and the time that it has.

use std::time::Duration;

use super::connection::{Connection, Link, MongoOpenError};
use crate::timeouts::in_time;
use crate::{StoreError, Timeouts};

/// What the store needs to know beyond the URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MongoSettings {
    /// How long an event is kept, counted from its receipt, to the second;
    /// `None` keeps events for good.
    pub retention: Option<Duration>,
    /// How long calls may take. The server is told as well how long it may work
    /// on what can be heavy.
    pub timeouts: Timeouts,
}

/// Events in a MongoDB: a standalone server, a replica set or a sharded cluster.
pub struct MongoStore {
    pub(super) connection: Connection,
    pub(super) settings: MongoSettings,
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
        Ok(Self { connection: Connection::open(uri).await?, settings: *settings })
    }

    pub(super) async fn link(&self) -> Result<&Link, StoreError> {
        self.connection.link().await
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
