//! `GET /api-docs` and `GET /api-docs.json`.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, ResponseBuilder};
use utoipa_swagger_ui::Config;

use super::path::PathText;
use super::problem::sdks::SdkProblem;
use super::problem::{FaultBody, MEDIA_TYPE, Problem};
use super::state::SessionOptions;
use crate::monitoring::version;

/// What stands at the head of the document; the routes add themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Trailkeep",
        description = "Collects events and gives a user's journey back. Times are RFC 3339 in \
            UTC with milliseconds. Errors are problem details (RFC 9457). Every answer carries \
            `x-request-id`, which the service's log has too. By the control socket in its data \
            folder, the user that runs the service may call every route but those about a \
            person's session, and is called `shell` in the audit trail."
    ),
    components(schemas(Problem, FaultBody, SdkProblem)),
    tags(
        (name = "Events", description = "What trackers send."),
        (name = "Segment and RudderStack", description = "What their SDKs send and ask for."),
        (name = "PostHog", description = "What its SDKs send and ask for."),
        (name = "Journeys", description = "What one user did."),
        (name = "People", description = "Who is who."),
        (name = "Privacy", description = "A person's rights to their data."),
        (name = "Accounts", description = "What the users of a business account did, counted and told."),
        (name = "Monitoring", description = "How the service is."),
        (name = "Staff", description = "Signing up, in and out."),
        (name = "Administration", description = "Accounts, tokens, the audit trail and dead letters."),
    )
)]
struct Head;

/// The document without routes.
pub fn head(session: &SessionOptions) -> Document {
    let mut document = Head::openapi();
    let components = document.components.get_or_insert_default();
    for (name, scheme) in security_schemes(session) {
        components.add_security_scheme(name, scheme);
    }
    version::VERSION.clone_into(&mut document.info.version);
    document.info.license = None;
    document
}

/// Adds the header `X-Reason` to the operations of a document, but for those that are for
/// people who are not signed in yet: who looks or changes may say why.
pub fn with_reasons(document: &mut Document) {
    let open = SecurityRequirement::default();
    for path in document.paths.paths.values_mut() {
        let operations =
            [&mut path.get, &mut path.post, &mut path.patch, &mut path.delete, &mut path.put];
        for operation in operations.into_iter().flatten() {
            if !operation.security.as_ref().is_some_and(|ways| ways.contains(&open)) {
                add_reason(operation);
            }
        }
    }
}

fn add_reason(operation: &mut Operation) {
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(200));
    let reason = ParameterBuilder::new()
        .name("X-Reason")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "Why: a ticket's number. It is in the audit trail, where the request is. UTF-8 of at \
             most 200 bytes; another one is answered 400.",
        ))
        .schema(Some(text))
        .build();
    operation.parameters.get_or_insert_default().push(reason.into());
    let problem = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(problem)).build();
    let refused = ResponseBuilder::new()
        .description("X-Reason is none.")
        .content(MEDIA_TYPE, content)
        .build();
    operation.responses.responses.entry("400".to_owned()).or_insert(refused.into());
}

/// The ways of saying who calls.
fn security_schemes(session: &SessionOptions) -> [(&'static str, SecurityScheme); 5] {
    let bearer = |description: &str| {
        let http = Http::builder().scheme(HttpAuthScheme::Bearer);
        SecurityScheme::Http(http.description(Some(description)).build())
    };
    let key = |place: fn(ApiKeyValue) -> ApiKey, name: &str, description: &str| {
        SecurityScheme::ApiKey(place(ApiKeyValue::with_description(name, description)))
    };
    [
        (
            "session",
            key(
                ApiKey::Cookie,
                session.cookie_name(),
                "Set by signing in; on this page, sign in with POST /api/auth/sign-in/email.",
            ),
        ),
        ("token", bearer("The token of a session, or that of a machine, which begins with tkp_.")),
        ("writeKey", bearer("A write key, where there are any.")),
        ("writeKeyHeader", key(ApiKey::Header, "X-Write-Key", "A write key.")),
        ("writeKeyParameter", key(ApiKey::Query, "writeKey", "A write key, for beacons.")),
    ]
}

/// What the pages may do, which is little: Swagger UI sets styles on elements
/// and has pictures in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; font-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Puts that into the answers.
pub async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The page that shows the document. It is ours and names its files from the root,
/// so that it is the same with and without a trailing slash.
pub async fn page() -> Html<&'static str> {
    Html(PAGE)
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

/// A file of the page, or of Swagger UI.
pub async fn asset(PathText(file): PathText) -> Response {
    if file == "start.js" {
        return ([(header::CONTENT_TYPE, "text/javascript")], START).into_response();
    }
    match utoipa_swagger_ui::serve(&file, Arc::new(Config::from("/api-docs.json"))) {
        Ok(Some(asset)) => {
            ([(header::CONTENT_TYPE, asset.content_type)], asset.bytes.into_owned()).into_response()
        }
        Ok(None) => Problem::not_found().into_response(),
        Err(error) => {
            tracing::error!(%error, file, "a page of the documentation cannot be made");
            Problem::internal().into_response()
        }
    }
}
