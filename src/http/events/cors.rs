//! Whose pages may post: a browser asks before it sends.
//!
//! The question, a preflight, carries no key: it is answered for the origins of the
//! setting and for those of every write key. Which of them may send which key, the post
//! itself is checked for. A key that is for any origin adds none: then the setting decides.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::http::state::Service;
use crate::http::writing::WRITE_KEY;

/// What is answered to pages of other origins.
pub fn layer(service: &Arc<Service>) -> CorsLayer {
    let origins = match &service.options.allowed_origins {
        None => AllowOrigin::any(),
        Some(list) => allowed(list.clone(), Arc::clone(service)),
    };
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

fn allowed(list: Vec<String>, service: Arc<Service>) -> AllowOrigin {
    AllowOrigin::predicate(move |origin: &HeaderValue, _| {
        let origin = origin.as_bytes();
        list.iter().any(|listed| listed.as_bytes() == origin)
            || service.access.write_keys.names_origin(origin)
    })
}
