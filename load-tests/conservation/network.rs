//! The connections of a service, where they are to be bad.

use std::net::SocketAddr;

use trailkeep_testkit::trouble::Trouble;

use crate::proxy::{Proxy, Roughness};
use crate::store::Store;

/// A proxy on each side of the service.
pub struct Network {
    producers: Proxy,
    database: Option<Proxy>,
}

impl Network {
    /// Between producers and the service on this port, and between that and
    /// its database, where it is a single server.
    pub async fn between(port: u16, store: &Store) -> Result<Self, Trouble> {
        let roughness = Roughness { requests: 0.02, replies: 0.05 };
        let producers = Proxy::to(format!("127.0.0.1:{port}"), roughness, 1).await?;
        let database = match store {
            Store::Mongodb(server) => Some(Proxy::to(server.address(), roughness, 2).await?),
            Store::Embedded | Store::ReplicaSet(_) => None,
        };
        Ok(Self { producers, database })
    }

    /// Where producers find the service.
    pub fn producers(&self) -> SocketAddr {
        self.producers.address()
    }

    /// Where the service finds its database.
    pub fn database(&self) -> Option<SocketAddr> {
        self.database.as_ref().map(Proxy::address)
    }

    /// Makes all of it bad, or good again.
    pub fn be_rough(&self, is_rough: bool) {
        self.producers.be_rough(is_rough);
        if let Some(database) = &self.database {
            database.be_rough(is_rough);
        }
    }
}
