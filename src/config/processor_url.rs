//! Where a processor is, and how what is secret about it is kept out of sight.

use std::fmt;
use std::net::Ipv6Addr;

use http::Uri;

/// The path of a URL that names none.
const USUAL_PATH: &str = "/events";

/// What is shown in the place of a secret.
const HIDDEN: &str = "***";

/// An http or https URL that a client can post to. `Display` and `Debug` hide its
/// query, where keys stand.
#[derive(Clone, PartialEq, Eq)]
pub struct ProcessorUrl(Uri);

impl ProcessorUrl {
    /// Reads a URL; the error says what is allowed, and shows nothing of it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "must be an http or https URL, such as http://localhost:3001/events";
        let (scheme, rest) = text.split_once("://").filter(|_| text.is_ascii()).ok_or(FORM)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (place, rest) = rest.split_at(end);
        if place.contains('@') {
            return Err("must have no user and no password in it: send them as a header, such as \
                        headers = [\"Authorization: Basic ...\"]"
                .to_owned());
        }
        if rest.contains('#') {
            return Err("must have no fragment (\"#...\"): that is never sent".to_owned());
        }
        if !is_place(place) {
            return Err(format!("{FORM}; its host or its port cannot be one"));
        }
        let path = if rest.starts_with('/') { "" } else { USUAL_PATH };
        let uri: Uri = format!("{scheme}://{place}{path}{rest}").parse().map_err(|_| FORM)?;
        // As the parser has it, in small letters.
        match uri.scheme_str() {
            Some("http" | "https") => Ok(Self(uri)),
            _ => Err(FORM.to_owned()),
        }
    }

    /// The URL with its query: for the client alone.
    pub fn expose(&self) -> &Uri {
        &self.0
    }

    /// Host and port, as they were given.
    pub fn place(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }
}

impl fmt::Display for ProcessorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_query(&self.0.to_string()))
    }
}

impl fmt::Debug for ProcessorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

/// The parser of URLs takes ports that are none, and a client would use the usual
/// one then.
fn is_place(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        // The colons within an IPv6 address are not in front of a port.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    is_host(host) && port.is_none_or(is_port)
}

fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse().is_ok_and(|port: u16| port > 0)
}

/// The text without what is secret.
///
/// Works on any text and rather hides too much than too little, since it is the
/// broken URLs that end up in messages: of them all is hidden that stands before the
/// last `@`. A user alone may be a token.
pub(super) fn mask(text: &str) -> String {
    if ProcessorUrl::parse(text).is_ok() {
        return without_query(text);
    }
    let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric());
    let scheme = match text.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => &text[..scheme.len() + "://".len()],
        _ => "",
    };
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("{scheme}{HIDDEN}@{}", without_query(rest)),
        None => without_query(text),
    }
}

fn without_query(text: &str) -> String {
    match text.find(['?', '#']) {
        Some(place) => format!("{}{HIDDEN}", &text[..=place]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(text: &str) -> String {
        ProcessorUrl::parse(text).unwrap().expose().to_string()
    }

    #[test]
    fn the_path_is_the_usual_one_where_none_is_given() {
        for (text, expected) in [
            ("http://localhost:3001", "http://localhost:3001/events"),
            ("http://localhost:3001/", "http://localhost:3001/"),
            ("http://localhost:3001?a=b", "http://localhost:3001/events?a=b"),
            ("http://localhost:3001/?a=/b", "http://localhost:3001/?a=/b"),
            ("https://p.example/a/@b?c=d@e", "https://p.example/a/@b?c=d@e"),
            ("HTTPS://P.example/A", "https://P.example/A"),
            ("http://[::1]:3001", "http://[::1]:3001/events"),
            ("http://[::1]", "http://[::1]/events"),
            ("http://10.0.0.7:65535/x", "http://10.0.0.7:65535/x"),
            ("http://my_service.local.:1", "http://my_service.local.:1/events"),
        ] {
            assert_eq!(read(text), expected);
        }
    }

    #[test]
    fn the_place_is_host_and_port() {
        let place = |text| ProcessorUrl::parse(text).unwrap().place().to_owned();
        assert_eq!(place("http://localhost:3001/a?b=c"), "localhost:3001");
        assert_eq!(place("https://[::1]"), "[::1]");
    }

    #[test]
    fn what_cannot_be_posted_to_is_refused_without_being_shown() {
        for (text, told) in [
            ("", "must be an http or https URL"),
            ("localhost:3001", "must be an http or https URL"),
            ("//localhost:3001/events", "must be an http or https URL"),
            ("ftp://localhost/events", "must be an http or https URL"),
            ("ftp:http://localhost", "must be an http or https URL"),
            ("http://localhost/hunter2 x", "must be an http or https URL"),
            ("http://localhost/é", "must be an http or https URL"),
            ("http://", "its host or its port"),
            ("http:///events", "its host or its port"),
            ("http://:3001", "its host or its port"),
            ("http://local host", "its host or its port"),
            ("http://localhost:", "its host or its port"),
            ("http://localhost:0", "its host or its port"),
            ("http://localhost:+1", "its host or its port"),
            ("http://localhost:65536", "its host or its port"),
            ("http://localhost:http", "its host or its port"),
            ("http://::1", "its host or its port"),
            ("http://[::1", "its host or its port"),
            ("http://[localhost]", "its host or its port"),
            ("http://localhost\\@x", "no user and no password"),
            ("http://ann:hunter2@localhost", "no user and no password"),
            ("http://hunter2@localhost", "no user and no password"),
            ("http://localhost/#hunter2", "no fragment"),
            ("http://localhost#hunter2", "no fragment"),
        ] {
            let rule = ProcessorUrl::parse(text).unwrap_err();
            assert!(rule.contains(told), "{text}: {rule}");
            assert!(!rule.contains("hunter2"), "{rule}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        for (text, shown) in [
            ("", ""),
            ("http://localhost:3001", "http://localhost:3001"),
            ("http://localhost/a/@b", "http://localhost/a/@b"),
            ("https://p.example/a?key=hunter2@x#", "https://***@x#***"),
            ("https://p.example/a?key=hunter2@x", "https://p.example/a?***"),
            ("http://ann:hunter2@localhost/a", "http://***@localhost/a"),
            ("http://ann:hunt/er2@localhost/a", "http://***@localhost/a"),
            ("http://ann:hunt?er2@localhost/a?b", "http://***@localhost/a?***"),
            ("http://ann:hunt@er2@localhost", "http://***@localhost"),
            ("ann:hunter2@localhost", "***@localhost"),
            ("localhost?hunter2", "localhost?***"),
            ("{ url = \"http://ann:hunter2@x\" }", "***@x\" }"),
        ] {
            assert_eq!(mask(text), shown);
        }
        let url = ProcessorUrl::parse("https://p.example?key=hunter2").unwrap();
        assert_eq!(url.to_string(), "https://p.example/events?***");
        assert_eq!(format!("{url:?}"), "\"https://p.example/events?***\"");
    }
}
