//! The terms of a request, for whoever answers it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;

use super::state::Service;
use super::terms::Terms;

/// The terms of a request, as an extractor.
pub struct OnTerms(pub Arc<Terms>);

impl OnTerms {
    /// Of a request with these extensions.
    pub fn of(extensions: &Extensions, service: &Service) -> Self {
        // They are always there, but for a router that is called directly.
        Self(extensions.get().cloned().unwrap_or_else(|| service.in_force.terms()))
    }
}

/// Looks something up in the terms of a request with these extensions.
pub fn look<T>(extensions: &Extensions, service: &Service, up: impl FnOnce(&Terms) -> T) -> T {
    match extensions.get::<Arc<Terms>>() {
        Some(terms) => up(terms),
        None => up(&service.in_force.terms()),
    }
}

impl FromRequestParts<Arc<Service>> for OnTerms {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions, service))
    }
}
