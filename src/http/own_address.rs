//! By which address a page reaches the service, as far as its request tells.

use std::convert::Infallible;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::state::Service;

/// A scheme and a host, which print as an origin: `https://trail.example.com`.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnAddress {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// With the port, where it is no usual one.
    pub host: String,
}

impl OwnAddress {
    /// `is_secure`: whether HTTPS is what the service is usually reached by.
    fn of(headers: &HeaderMap, is_secure: bool) -> Self {
        let said = |name: &str| headers.get(name)?.to_str().ok();
        let host = said(header::HOST.as_str()).unwrap_or("localhost").to_owned();
        // The proxy in front knows what it was asked by. A browser keeps a page that came
        // by HTTPS from sending by HTTP.
        let of_proxy = said("x-forwarded-proto").map(|proto| proto.starts_with("https"));
        let by_https = |page: &str| page.starts_with("https://");
        let of_page = [header::ORIGIN, header::REFERER]
            .iter()
            .any(|name| said(name.as_str()).is_some_and(by_https));
        let is_https = of_proxy.unwrap_or(of_page || is_secure);
        Self { scheme: if is_https { "https" } else { "http" }, host }
    }
}

impl Display for OwnAddress {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)
    }
}

impl FromRequestParts<Arc<Service>> for OwnAddress {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, service.options.session.is_secure))
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    fn seen(headers: &[(&'static str, &'static str)], is_secure: bool) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a value"));
        }
        OwnAddress::of(&map, is_secure).to_string()
    }

    #[test]
    fn the_proxy_is_believed_before_the_page_and_the_page_before_the_settings() {
        let (proto, page) = ("x-forwarded-proto", ("referer", "https://shop.example/cart"));
        assert_eq!(seen(&[(proto, "http"), page, ("host", "t.example")], true), "http://t.example");
        assert_eq!(seen(&[(proto, "https, http"), ("host", "t:1")], false), "https://t:1");
        assert_eq!(seen(&[page, ("host", "t")], false), "https://t");
        assert_eq!(seen(&[("host", "t")], true), "https://t");
        assert_eq!(seen(&[], false), "http://localhost");
    }
}
