//! What went wrong, as a page.
//!
//! Guards and handlers answer problems as everywhere. Here they are told in words to
//! whoever looks at pages; the script, which asks for no HTML, gets them as they are.

use askama::Template;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::links::HOME;
use super::page::Page;
use crate::http::problem::MEDIA_TYPE;

/// More than any problem has.
const MAX_BYTES: usize = 64 * 1024;

/// What could not be done.
#[derive(Template)]
#[template(path = "failure.html")]
struct Failure {
    title: String,
    detail: String,
    faults: Vec<FaultBody>,
    /// Whether it may be otherwise in a moment.
    is_passing: bool,
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct ProblemBody {
    title: String,
    detail: String,
    #[serde(default)]
    errors: Vec<FaultBody>,
}

#[derive(Deserialize)]
struct FaultBody {
    field: String,
    message: String,
}

/// Around all pages.
pub async fn as_page(request: Request, next: Next) -> Response {
    let is_page = wants_page(request.headers());
    let uri = request.uri().clone();
    let is_read = request.method().is_safe();
    let response = next.run(request).await;
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|media_type| media_type == MEDIA_TYPE);
    if !is_problem || !is_page {
        return response;
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        return Redirect::to(&sign_in(&uri, is_read)).into_response();
    }
    told(response).await
}

async fn told(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_BYTES).await.unwrap_or_default();
    let problem = serde_json::from_slice(&bytes).unwrap_or_else(|_| ProblemBody {
        title: "Something went wrong".to_owned(),
        detail: "The log of the service has it.".to_owned(),
        errors: Vec::new(),
    });
    let request_id = parts.headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let failure = Failure {
        title: problem.title,
        detail: problem.detail,
        faults: problem.errors,
        is_passing: parts.status == StatusCode::SERVICE_UNAVAILABLE
            || parts.status == StatusCode::TOO_MANY_REQUESTS,
        request_id: request_id.map(str::to_owned),
    };
    let page = Page(failure).with(parts.status);
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    let mut response = page;
    for (name, value) in &parts.headers {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    response
}

/// Whether the answer is for a window of a browser.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Where somebody signs in who then wants to be back here.
fn sign_in(uri: &Uri, is_read: bool) -> String {
    let back = uri.path_and_query().map(|path| path.as_str()).filter(|_| is_read);
    match back.filter(|path| path.trim_end_matches('/') != "/console") {
        Some(path) => {
            let query =
                form_urlencoded::Serializer::new(String::new()).append_pair("back", path).finish();
            format!("/console/sign-in?{query}")
        }
        None => "/console/sign-in".to_owned(),
    }
}

/// A path of the console to go back to; `None` where it would lead elsewhere.
pub fn way_back(path: &str) -> Option<&str> {
    let is_page = path.starts_with(HOME) || path.starts_with("/console?");
    let is_ours = is_page && path.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    is_ours.then_some(path).filter(|path| !path.contains('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for path in ["/console/users/u?type=x", "/console?q=mar"] {
            assert_eq!(way_back(path), Some(path));
        }
        for path in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/console/",
            "/console/\\evil",
            "/console/a\nb",
        ] {
            assert_eq!(way_back(path), None, "{path}");
        }
    }
}
