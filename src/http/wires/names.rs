//! Routes that older SDKs know by other names.

use std::sync::Arc;

use axum::routing::MethodRouter;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::http::state::Service;

/// What is served at one path, at others as well; the document has them all.
pub fn at_others_too(
    routes: UtoipaMethodRouter<Arc<Service>>,
    path: &str,
    others: &[&str],
) -> OpenApiRouter<Arc<Service>> {
    let handlers: MethodRouter<Arc<Service>> = routes.2.clone();
    let mut router = OpenApiRouter::new().routes(routes);
    let paths = &mut router.get_openapi_mut().paths.paths;
    if let Some(item) = paths.get(path).cloned() {
        for other in others {
            let mut item = item.clone();
            let end = other.replace('/', "_");
            for operation in operations(&mut item) {
                operation.operation_id.iter_mut().for_each(|id| id.push_str(&end));
            }
            paths.insert((*other).to_owned(), item);
        }
    }
    others.iter().fold(router, |router, other| router.route(other, handlers.clone()))
}

/// Of every method.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}
