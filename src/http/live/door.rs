//! Whether whoever has a stream still may have it.
//!
//! It is asked by going through the same door again: a request with what the stream's own
//! carried to be known by, through the layers of sessions and the guard of the routes. So
//! whatever ends a session, a token or a right ends streams, too. As any request does, it
//! lengthens the session.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::super::guard::MayRead;
use super::super::peer::Peer;
use super::super::sessions;
use super::super::state::Service;
use super::frames::End;

/// For how long the stream waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a request carried to be known by.
pub struct Door {
    peer: Peer,
    headers: HeaderMap,
}

/// Whether the caller still may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Yes.
    Good,
    /// No.
    Over(End),
    /// Nobody can say now.
    Unknown,
}

impl FromRequestParts<Arc<Service>> for Door {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Service>) -> Result<Self, Infallible> {
        let mut headers = HeaderMap::new();
        for name in [header::AUTHORIZATION, header::COOKIE] {
            for value in parts.headers.get_all(&name) {
                headers.append(&name, value.clone());
            }
        }
        Ok(Self { peer: Peer::of(&parts.extensions), headers })
    }
}

impl Door {
    /// Asks whether the caller still may read.
    pub async fn standing(&self, service: &Arc<Service>) -> Standing {
        let door = Router::new()
            .route("/", get(async |_: MayRead| ()))
            .layer(sessions::layer(service))
            .layer(from_fn_with_state(Arc::clone(service), sessions::around))
            .with_state(Arc::clone(service));
        let mut request = Request::new(Body::empty());
        request.headers_mut().clone_from(&self.headers);
        request.extensions_mut().insert(self.peer);
        let Ok(Ok(answer)) = timeout(PATIENCE, door.oneshot(request)).await else {
            return Standing::Unknown;
        };
        match answer.status() {
            StatusCode::OK => Standing::Good,
            StatusCode::UNAUTHORIZED => Standing::Over(End::SignedOut),
            StatusCode::FORBIDDEN => Standing::Over(End::Forbidden),
            _ => Standing::Unknown,
        }
    }
}
