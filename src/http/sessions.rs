//! Around the routes of the staff: whose session a request belongs to.
//!
//! A session's token comes as a cookie or as a bearer. A bearer is handed to
//! the session layer as if it were the cookie, and is answered without one.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum_login::{AuthManagerLayer, AuthManagerLayerBuilder};
use tower_sessions::cookie::{Cookie, SameSite};
use tower_sessions::{Expiry, SessionManagerLayer};

use super::peer::Peer;
use super::problem::{MEDIA_TYPE, Problem};
use super::same_origin;
use super::state::Service;
use crate::access::audit::{NotNoted, noted};
use crate::access::sessions::{ACCOUNT_KEY, Backend, Sessions, Trouble};
use crate::access::tokens;

/// Reads a request's session, and who is signed in.
pub fn layer(service: &Service) -> AuthManagerLayer<Backend, Sessions> {
    let options = &service.options.session;
    let lifetime = time::Duration::try_from(options.lifetime).unwrap_or(time::Duration::DAY);
    let sessions = SessionManagerLayer::new(service.access.sessions.clone())
        .with_name(options.cookie_name())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(options.is_secure)
        .with_expiry(Expiry::OnInactivity(lifetime));
    AuthManagerLayerBuilder::new(Backend(Arc::clone(&service.access.accounts)), sessions)
        .with_data_key(ACCOUNT_KEY)
        .build()
}

/// Outside of [`layer`]: refuses what other sites' pages send, takes bearers
/// for cookies, holds answers back until what they tell is noted, and keeps them out of
/// caches.
pub async fn around(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    // No page reaches the control socket.
    let is_allowed = Peer::of(request.extensions()).is_shell()
        || same_origin::is_allowed(request.method(), request.headers());
    if !is_allowed {
        return Problem::cross_site().into_response();
    }
    let name = service.options.session.cookie_name();
    let is_bearer = bearer_to_cookie(request.headers_mut(), name);
    let trouble = Arc::new(Trouble::default());
    request.extensions_mut().insert(Arc::clone(&trouble));
    let answered = noted(Arc::clone(&trouble).watch(next.run(request))).await;
    let mut response = answered.unwrap_or_else(|NotNoted| Problem::not_noted().into_response());
    if is_bare_failure(&response) {
        response = failed(&trouble).into_response();
    }

    let headers = response.headers_mut();
    if is_bearer {
        headers.remove(header::SET_COOKIE);
    } else if service.options.session.is_secure {
        secure_removal(headers, name);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// The answer where a session could not be read or written.
pub fn failed(trouble: &Trouble) -> Problem {
    trouble.found().map_or_else(Problem::internal, |error| error.clone().into())
}

/// Whether an answer is the session layers' own, which have no body for a
/// session that cannot be read.
fn is_bare_failure(response: &Response) -> bool {
    let media_type = response.headers().get(header::CONTENT_TYPE);
    response.status() == StatusCode::INTERNAL_SERVER_ERROR
        && media_type.is_none_or(|media_type| media_type != MEDIA_TYPE)
}

/// Whether the request carries a bearer, which then is its only cookie, unless
/// it is a machine's token, which belongs to no session.
fn bearer_to_cookie(headers: &mut HeaderMap, name: &str) -> bool {
    let Some(bearer) = bearer(headers) else {
        return false;
    };
    let cookie = HeaderValue::from_str(&format!("{name}={bearer}"));
    let is_token = tokens::is_token(bearer);
    headers.remove(header::COOKIE);
    if let (Ok(cookie), false) = (cookie, is_token) {
        headers.insert(header::COOKIE, cookie);
    }
    true
}

/// What a request carries as `Authorization: Bearer`, if that can be a token:
/// letters, digits, `-` and `_`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let is_token = !token.is_empty()
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(token)
}

/// The token of the session's cookie.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

/// Takes one cookie out of a request and leaves the others, by which pages are made.
pub fn without_cookie(headers: &mut HeaderMap, name: &str) {
    let others: Vec<String> = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() != name)
        .map(|cookie| cookie.to_string())
        .collect();
    headers.remove(header::COOKIE);
    if let (Ok(cookies), false) = (HeaderValue::from_str(&others.join("; ")), others.is_empty()) {
        headers.insert(header::COOKIE, cookies);
    }
}

/// The session layer takes a cookie away without saying `Secure`, and browsers
/// let nothing touch a `__Host-` cookie that does not.
fn secure_removal(headers: &mut HeaderMap, name: &str) {
    let secured: Vec<HeaderValue> = headers
        .get_all(header::SET_COOKIE)
        .into_iter()
        .map(|value| match value.to_str() {
            Ok(text) if text.starts_with(name) && !text.contains("; Secure") => {
                HeaderValue::from_str(&format!("{text}; Secure; HttpOnly; SameSite=Lax"))
                    .unwrap_or_else(|_| value.clone())
            }
            _ => value.clone(),
        })
        .collect();
    headers.remove(header::SET_COOKIE);
    for value in secured {
        headers.append(header::SET_COOKIE, value);
    }
}
