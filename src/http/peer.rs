//! Where a request comes from: from a network, or from the shell of the machine.
//!
//! **The shell is known by its connection alone.** The server puts a [`Peer`] among the
//! extensions of each request, and nothing that is sent can put one there. By the control
//! socket comes only the user that runs the service, who could read and change all of it
//! without asking; so what keeps strangers in bounds (limits of how often something may be
//! tried, which pages may send what, write keys) does not hold there.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;

use super::on_terms;
use super::state::Service;

/// Where a request's connection comes from.
#[derive(Debug, Clone, Copy)]
pub enum Peer {
    /// From a network.
    At(IpAddr),
    /// By the control socket.
    Shell,
}

impl Peer {
    /// Of a request with these extensions.
    pub fn of(extensions: &Extensions) -> Self {
        // There is always a peer, but for a router that is called directly.
        let unknown = Self::At(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        extensions.get().copied().unwrap_or(unknown)
    }

    /// Whether it is the control socket.
    pub fn is_shell(self) -> bool {
        matches!(self, Self::Shell)
    }
}

/// The client's address; the shell has none.
pub struct Client(pub Option<IpAddr>);

impl Client {
    /// As told by the connection, or by proxies of ours.
    pub fn of(parts: &Parts, service: &Service) -> Self {
        match Peer::of(&parts.extensions) {
            Peer::At(peer) => on_terms::look(&parts.extensions, service, |terms| {
                Self(Some(terms.proxies.client(peer, &parts.headers)))
            }),
            Peer::Shell => Self(None),
        }
    }
}

impl FromRequestParts<Arc<Service>> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts, service))
    }
}
