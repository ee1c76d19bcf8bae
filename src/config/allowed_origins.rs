//! Whose pages may post events.

use std::net::Ipv6Addr;

use serde::Deserialize;

/// The origins that cross-origin requests may come from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub enum AllowedOrigins {
    /// Any page's.
    Any,
    /// Only these, each as browsers send it in `Origin`; none if empty.
    Listed(Vec<String>),
}

impl TryFrom<Vec<String>> for AllowedOrigins {
    /// What is allowed.
    type Error = String;

    fn try_from(origins: Vec<String>) -> Result<Self, String> {
        if let [only] = &origins[..]
            && only == "*"
        {
            return Ok(Self::Any);
        }
        match origins.iter().find(|origin| !is_origin(origin)) {
            None => Ok(Self::Listed(origins)),
            Some(wrong) => Err(format!(
                "must be \"*\" alone, or origins as browsers send them; {wrong:?} is not of the \
                 form scheme://host or scheme://host:port, in lower case, without a path and \
                 without the scheme's usual port"
            )),
        }
    }
}

fn is_origin(text: &str) -> bool {
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

#[cfg(test)]
mod tests;
