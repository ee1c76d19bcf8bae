//! Whose pages may post: a browser asks before it sends.
//!
//! The question, a preflight, carries no key: it is answered for the origins of the
//! setting and for those of every write key. Which of them may send which key, the post
//! itself is checked for. A key that is for any origin adds none: then the setting decides.
//!
//! A reload may make any origin of a list, and a list of any. The two are answered in other
//! words, so there is a layer for each, and the terms of a request say which it goes through.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use tower::{Layer, Service as TowerService};
use tower_http::cors::{AllowHeaders, AllowOrigin, Cors, CorsLayer};

use crate::http::on_terms;
use crate::http::state::Service;
use crate::http::terms::Terms;
use crate::http::writing::WRITE_KEY;

/// What is answered to pages of other origins.
pub fn layer(service: &Arc<Service>) -> ByTerms {
    ByTerms {
        service: Arc::clone(service),
        any: with(AllowOrigin::any()),
        listed: with(listed(Arc::clone(service))),
    }
}

/// The same for the routes of other collectors' SDKs: these name headers of their own, and
/// send beacons, which have credentials whether anybody wants them or not. Nothing here looks
/// at any, and no answer has anything in it.
pub fn layer_for_sdks(service: &Arc<Service>) -> ByTerms {
    let with = |origins| {
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(AllowHeaders::mirror_request())
            .allow_credentials(true)
            .expose_headers([header::RETRY_AFTER, HeaderName::from_static("x-request-id")])
            .max_age(Duration::from_secs(24 * 60 * 60))
    };
    ByTerms {
        service: Arc::clone(service),
        any: with(AllowOrigin::mirror_request()),
        listed: with(listed(Arc::clone(service))),
    }
}

fn with(origins: AllowOrigin) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            header::AUTHORIZATION,
            WRITE_KEY,
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([header::RETRY_AFTER, HeaderName::from_static("x-request-id")])
        .max_age(Duration::from_secs(24 * 60 * 60))
}

fn listed(service: Arc<Service>) -> AllowOrigin {
    AllowOrigin::predicate(move |origin: &HeaderValue, head| {
        let origin = origin.as_bytes();
        let is_listed = on_terms::look(&head.extensions, &service, |terms| {
            let list = terms.allowed_origins.as_deref().unwrap_or_default();
            list.iter().any(|listed| listed.as_bytes() == origin)
        });
        is_listed || service.access.write_keys.names_origin(origin)
    })
}

/// Around the routes of trackers: the layer that the terms of a request say.
#[derive(Clone)]
pub struct ByTerms {
    service: Arc<Service>,
    any: CorsLayer,
    listed: CorsLayer,
}

/// Routes with [`ByTerms`] around them.
#[derive(Clone)]
pub struct Routes<S> {
    service: Arc<Service>,
    any: Cors<S>,
    listed: Cors<S>,
}

impl<S: Clone> Layer<S> for ByTerms {
    type Service = Routes<S>;

    fn layer(&self, routes: S) -> Routes<S> {
        Routes {
            service: Arc::clone(&self.service),
            any: self.any.layer(routes.clone()),
            listed: self.listed.layer(routes),
        }
    }
}

impl<S> TowerService<Request> for Routes<S>
where
    Cors<S>: TowerService<Request>,
{
    type Response = <Cors<S> as TowerService<Request>>::Response;
    type Error = <Cors<S> as TowerService<Request>>::Error;
    type Future = <Cors<S> as TowerService<Request>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        ready!(self.any.poll_ready(context))?;
        self.listed.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let is_any = |terms: &Terms| terms.allowed_origins.is_none();
        if on_terms::look(request.extensions(), &self.service, is_any) {
            self.any.call(request)
        } else {
            self.listed.call(request)
        }
    }
}
