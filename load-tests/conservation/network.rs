//! The connections of a service, where they are to be bad.

use std::net::SocketAddr;

use trailkeep_testkit::trouble::Trouble;

use crate::fault::Fault;
use crate::proxy::{Proxy, Roughness};
use crate::store::Store;

/// How likely something is cut where connections are bad.
const ROUGHNESS: Roughness = Roughness { requests: 0.02, replies: 0.05 };

/// The proxies on the sides of the service on which a fault needs one.
#[derive(Default)]
pub struct Network {
    producers: Option<Proxy>,
    database: Option<Proxy>,
    processor: Option<Proxy>,
}

/// What is at their other ends.
pub struct Ends<'a> {
    /// The port of the service, of the first where there are two.
    pub service: u16,
    pub store: &'a Store,
    /// The port of the processor, where there is one.
    pub processor: Option<u16>,
}

impl Network {
    /// As a fault needs it.
    pub async fn of(fault: Fault, ends: &Ends<'_>) -> Result<Self, Trouble> {
        let mut network = Self::default();
        if fault == Fault::CutConnection {
            network.producers = Some(Proxy::to(local(ends.service), ROUGHNESS, 1).await?);
        }
        let database = match (fault, ends.store) {
            (Fault::CutConnection, Store::Mongodb(server)) => Some(server.address()),
            (_, Store::Mongodb(server)) if fault.is_of_pair() => Some(server.address()),
            // Nothing is wrong with the primary then, so it stays the same.
            (Fault::PairLostDisk, Store::ReplicaSet(set)) => Some(set.primary().await.address()),
            _ => None,
        };
        if let Some(address) = database {
            network.database = Some(Proxy::to(address, ROUGHNESS, 2).await?);
        }
        if let (Fault::ProcessorCut, Some(port)) = (fault, ends.processor) {
            network.processor = Some(Proxy::to(local(port), ROUGHNESS, 3).await?);
        }
        Ok(network)
    }

    /// Where producers find the service, unless that is where it is.
    pub fn producers(&self) -> Option<SocketAddr> {
        self.producers.as_ref().map(Proxy::address)
    }

    /// Where the service finds its database, the first one where there are two.
    pub fn database(&self) -> Option<SocketAddr> {
        self.database.as_ref().map(Proxy::address)
    }

    /// Where the service finds the processor.
    pub fn processor(&self) -> Option<SocketAddr> {
        self.processor.as_ref().map(Proxy::address)
    }

    /// Makes all of it bad, or good again.
    pub fn be_rough(&self, is_rough: bool) {
        for proxy in [&self.producers, &self.database, &self.processor].into_iter().flatten() {
            proxy.be_rough(is_rough);
        }
    }

    /// Holds each insert into the feed back, and all that its connection sends behind it.
    /// Answers whether there is a proxy that can.
    pub fn hold_feed(&self) -> bool {
        self.database.as_ref().map(Proxy::hold).is_some()
    }

    /// Lets go of what is held: it comes late, or its connections end.
    pub fn let_go(&self, comes_late: bool) {
        if let Some(database) = &self.database {
            database.let_go(comes_late);
        }
    }
}

fn local(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
