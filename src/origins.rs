//! Origins, as browsers send them in `Origin`: exact, so that comparing bytes is all
//! there is to do. Of the settings and of write keys.

use std::net::Ipv6Addr;

/// What an origin is, for whoever typed something else.
pub const FORM: &str = "of the form scheme://host or scheme://host:port, in lower case, without \
                        a path and without the scheme's usual port";

/// Whether a browser would send it so. `null`, which it sends for pages that have no
/// origin of their own, is none: anybody can make such a page.
pub fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    let (host, port) = split_port(authority);
    is_scheme(scheme) && is_host(host) && port.is_none_or(|port| is_port(scheme, port))
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // The colons within an IPv6 address are not in front of a port.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// Not only http and https: apps and browser extensions have their own.
fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c))
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    !host.is_empty()
        && host.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c))
}

/// Browsers leave out the port that the scheme implies, so an origin with it
/// would never match.
fn is_port(scheme: &str, port: &str) -> bool {
    let usual = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let digits = !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit());
    digits && port.parse::<u16>().is_ok_and(|port| Some(port) != usual)
}
