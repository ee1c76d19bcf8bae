//! Whether a request that changes something was made by a page of ours, or by
//! no page at all.
//!
//! A browser adds the session's cookie to whatever any page makes it send.
//! `SameSite=Lax` keeps most of that back; this refuses the rest, such as pages
//! of a neighbouring subdomain, and sign-ins that would put somebody into a
//! stranger's account.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, header};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request may act on the strength of a cookie.
pub fn is_allowed(method: &Method, headers: &HeaderMap) -> bool {
    // A page cannot make a browser add a bearer to a request for another site
    // without asking that site first, and these routes say no.
    method.is_safe() || headers.contains_key(header::AUTHORIZATION) || is_of_our_page(headers)
}

/// Whether a page of any site sent a request that changes something: browsers
/// add one of these headers at least, and no script can take them away.
pub fn is_from_page(headers: &HeaderMap) -> bool {
    headers.contains_key(SEC_FETCH_SITE) || headers.contains_key(header::ORIGIN)
}

fn is_of_our_page(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    match headers.get(header::ORIGIN) {
        // What is no browser sends neither.
        None => true,
        Some(origin) => {
            origin.to_str().is_ok_and(|origin| is_host(origin, headers.get(header::HOST)))
        }
    }
}

/// The scheme is left out: behind a proxy that speaks HTTPS we do not know it.
fn is_host(origin: &str, host: Option<&axum::http::HeaderValue>) -> bool {
    let Some((scheme, origin)) = origin.split_once("://") else {
        return false;
    };
    let usual = if scheme == "https" { 443 } else { 80 };
    let authority = |text: &str| text.parse::<Authority>().ok();
    let host = host.and_then(|host| authority(host.to_str().ok()?));
    match (authority(origin), host) {
        (Some(origin), Some(host)) => {
            origin.host().eq_ignore_ascii_case(host.host())
                && origin.port_u16().unwrap_or(usual) == host.port_u16().unwrap_or(usual)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn is_allowed_with(headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        map.insert(header::HOST, "trail.example:3000".parse().unwrap());
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        is_allowed(&Method::POST, &map)
    }

    #[test]
    fn our_own_pages_and_what_is_no_browser_may() {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://elsewhere.example")],
            &[("origin", "http://trail.example:3000")],
            &[("origin", "https://TRAIL.example:3000")],
            &[("origin", "https://trail.example"), ("host", "trail.example")],
            &[("origin", "https://evil.example"), ("authorization", "Bearer x")],
        ] {
            assert!(is_allowed_with(headers), "{headers:?}");
        }
    }

    #[test]
    fn other_pages_may_not() {
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "")],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", "http://trail.example")],
            &[("origin", "http://trail.example:3000.evil.example")],
            &[("origin", "http://evil.example/http://trail.example:3000")],
        ] {
            assert!(!is_allowed_with(headers), "{headers:?}");
        }
    }

    #[test]
    fn reading_is_no_change() {
        let mut headers = HeaderMap::new();
        headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
        assert!(is_allowed(&Method::GET, &headers));
    }
}
