//! `GET /api-docs` and `GET /api-docs.json`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_swagger_ui::Config;

use super::problem::{FaultBody, Problem};

/// What stands at the head of the document; the routes add themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Trailkeep",
        description = "Collects events and gives a user's journey back. Times are RFC 3339 in \
            UTC with milliseconds. Errors are problem details (RFC 9457). Every answer carries \
            `x-request-id`, which the service's log has too."
    ),
    components(schemas(Problem, FaultBody)),
    tags(
        (name = "Events", description = "What trackers send."),
        (name = "Journeys", description = "What one user did."),
        (name = "Monitoring", description = "How the service is."),
    )
)]
struct Head;

/// The document without routes.
pub fn head() -> Document {
    let mut document = Head::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    document.info.license = None;
    document
}

/// The pages that show the document.
///
/// The page is ours and names its files from the root, so that it is the same
/// with and without a trailing slash.
pub fn routes(document: &Document) -> Router {
    let json: Arc<str> = document.to_json().unwrap_or_default().into();
    Router::new()
        .route("/api-docs", get(async || Html(PAGE)))
        .route("/api-docs/{file}", get(asset))
        .route(
            "/api-docs.json",
            get(async move || {
                (
                    [(header::CONTENT_TYPE, "application/json")],
                    json.to_string(),
                )
                    .into_response()
            }),
        )
}

const PAGE: &str = r##"<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Trailkeep API</title>
  <link rel="icon" href="/api-docs/favicon-32x32.png">
  <link rel="stylesheet" href="/api-docs/swagger-ui.css">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="/api-docs/swagger-ui-bundle.js"></script>
  <script src="/api-docs/start.js"></script>
</body>
</html>
"##;

/// A file of its own, so that a policy against inline scripts can hold.
const START: &str = r##"SwaggerUIBundle({url: "/api-docs.json", dom_id: "#swagger-ui", deepLinking: true});
"##;

async fn asset(Path(file): Path<String>) -> Response {
    if file == "start.js" {
        return ([(header::CONTENT_TYPE, "text/javascript")], START).into_response();
    }
    match utoipa_swagger_ui::serve(&file, Arc::new(Config::from("/api-docs.json"))) {
        Ok(Some(asset)) => (
            [(header::CONTENT_TYPE, asset.content_type)],
            asset.bytes.into_owned(),
        )
            .into_response(),
        Ok(None) => Problem::not_found().into_response(),
        Err(error) => {
            tracing::error!(%error, file, "a page of the documentation cannot be made");
            Problem::internal().into_response()
        }
    }
}
