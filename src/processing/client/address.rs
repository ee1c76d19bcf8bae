//! The address of a processor, taken apart.

use std::fmt;

use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};

/// Where a processor takes events, unless its address has a path.
const USUAL_PATH: &str = "/events";

/// Why an address cannot be used. It does not repeat the address, which may hold a
/// password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL.
    #[error("cannot be read; it must be like http://localhost:3001/events")]
    Unreadable,
    /// It has no scheme, or another one.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// It names no host.
    #[error("must name a host")]
    Host,
    /// Its port is none.
    #[error("must have a port from 1 to 65535, or none")]
    Port,
    /// It has a name or a password in it, which would end up in logs.
    #[error("must not have a user name or a password in it; send a header instead")]
    UserInfo,
}

/// Where a processor is.
pub struct Address {
    /// Whether connections are encrypted.
    pub is_encrypted: bool,
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
    /// What a request asks for.
    pub path: Uri,
    /// The header `Host`.
    pub header: HeaderValue,
}

impl Address {
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(AddressError::Scheme);
        };
        let is_encrypted = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(AddressError::Scheme),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = &rest[..end];
        if authority.contains('@') {
            return Err(AddressError::UserInfo);
        }
        if authority.is_empty() || authority.starts_with(':') {
            return Err(AddressError::Host);
        }
        let uri: Uri = url.parse().map_err(|_| AddressError::Unreadable)?;
        let host = uri.host().ok_or(AddressError::Host)?;
        let usual_port = if is_encrypted { 443 } else { 80 };
        let port = match authority.strip_prefix(host) {
            Some("") => usual_port,
            Some(port) => port
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .filter(|port| *port > 0)
                .ok_or(AddressError::Port)?,
            None => return Err(AddressError::Unreadable),
        };
        let header = if port == usual_port { host.to_owned() } else { format!("{host}:{port}") };
        Ok(Self {
            is_encrypted,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            path: path_of(&uri)?,
            header: HeaderValue::try_from(header).map_err(|_| AddressError::Unreadable)?,
        })
    }
}

/// Without the path: keys stand in some.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A lone slash counts as no path: most who type it mean none.
fn path_of(uri: &Uri) -> Result<Uri, AddressError> {
    let path = if uri.path() == "/" { USUAL_PATH } else { uri.path() };
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    let path = PathAndQuery::try_from(format!("{path}{query}"));
    path.map(Uri::from).map_err(|_| AddressError::Unreadable)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parts(url: &str) -> (bool, String, u16, String, String) {
        let address = Address::parse(url).unwrap();
        let header = address.header.to_str().unwrap().to_owned();
        (address.is_encrypted, address.host, address.port, address.path.to_string(), header)
    }

    #[test]
    fn an_address_is_taken_apart() {
        for (url, encrypted, host, port, path, header) in [
            ("http://localhost:3001", false, "localhost", 3001, "/events", "localhost:3001"),
            ("http://localhost:3001/", false, "localhost", 3001, "/events", "localhost:3001"),
            ("HTTP://a", false, "a", 80, "/events", "a"),
            ("https://a/hook", true, "a", 443, "/hook", "a"),
            ("https://a:443/b/", true, "a", 443, "/b/", "a"),
            ("http://a:443/b", false, "a", 443, "/b", "a:443"),
            ("http://a?key=1", false, "a", 80, "/events?key=1", "a"),
            ("http://a/b?c=d#e", false, "a", 80, "/b?c=d", "a"),
            ("http://a/b@c", false, "a", 80, "/b@c", "a"),
            ("https://[::1]:8443/x", true, "::1", 8443, "/x", "[::1]:8443"),
            ("http://127.0.0.1", false, "127.0.0.1", 80, "/events", "127.0.0.1"),
        ] {
            let expected = (encrypted, host.to_owned(), port, path.to_owned(), header.to_owned());
            assert_eq!(parts(url), expected, "{url}");
        }
    }

    #[test]
    fn a_key_in_a_path_is_not_shown() {
        let shown = format!("{:?}", Address::parse("https://a/hush?key=hush").unwrap());
        assert_eq!(shown, "a:443");
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_reason() {
        for (url, error) in [
            ("", AddressError::Scheme),
            ("localhost:3001", AddressError::Scheme),
            ("//localhost", AddressError::Scheme),
            ("ftp://a", AddressError::Scheme),
            ("file:///etc/passwd", AddressError::Scheme),
            ("http://", AddressError::Host),
            ("http:///events", AddressError::Host),
            ("http://:3001", AddressError::Host),
            ("http://?a", AddressError::Host),
            ("http://ann:hush@a/", AddressError::UserInfo),
            ("http://ann@a/", AddressError::UserInfo),
            ("http://a:0", AddressError::Port),
            ("http://a:65536", AddressError::Port),
            ("http://a:", AddressError::Port),
            ("http://a b/", AddressError::Unreadable),
            ("http://ä.example/", AddressError::Unreadable),
            ("http://a/b c", AddressError::Unreadable),
            ("http://[::1", AddressError::Unreadable),
            ("http://a:x", AddressError::Port),
        ] {
            assert_eq!(Address::parse(url).unwrap_err(), error, "{url}");
        }
    }
}
