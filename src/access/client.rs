//! Where a request comes from. What a client says of itself counts only
//! through proxies that we were told of.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

/// The networks whose word about client addresses counts.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// The proxies in these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address: the peer's, or, where that is a proxy of ours, the
    /// last hop that is none. What stands in front of it could be invented by
    /// the client. `Forwarded` counts before `X-Forwarded-For`, and a hop that
    /// cannot be read ends the way at the last one that can.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        for hop in hops(headers).into_iter().rev() {
            let Some(hop) = hop else { break };
            client = hop;
            if !self.trusts(client) {
                break;
            }
        }
        client
    }
}

/// What is counted as one client: an IPv4 address, or the 64 bits of an IPv6
/// network, of which any client has 2^64 addresses.
pub fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            IpAddr::from(segments)
        }
    }
}

fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    if headers.contains_key(header::FORWARDED) {
        elements(headers, &header::FORWARDED).map(forwarded_for).collect()
    } else {
        elements(headers, &X_FORWARDED_FOR).map(address).collect()
    }
}

/// The elements of a list in a header, which may stand there several times.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(str::trim)
}

/// `for="[2001:db8::1]:4711";proto=https` (RFC 7239).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    element
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
        .and_then(|(_, node)| address(node.trim().trim_matches('"')))
}

/// An address, with or without a port and brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.parse::<IpAddr>();
    let in_brackets = || text.trim_matches(['[', ']']).parse::<IpAddr>();
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    let address = bare().or_else(|_| with_port()).or_else(|_| in_brackets());
    Some(address.ok()?.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn client(peer: &str, headers: &[(&'static str, &'static str)]) -> String {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn a_stranger_s_word_counts_for_nothing() {
        assert_eq!(client("192.0.2.1", &[("x-forwarded-for", "198.51.100.7")]), "192.0.2.1");
        assert_eq!(client("192.0.2.1", &[("forwarded", "for=198.51.100.7")]), "192.0.2.1");
    }

    #[test]
    fn the_last_hop_that_is_no_proxy_is_the_client() {
        for (headers, expected) in [
            (vec![], "10.0.0.1"),
            (vec![("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
            (vec![("x-forwarded-for", "1.2.3.4, 198.51.100.7, 10.9.9.9")], "198.51.100.7"),
            (
                vec![("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "198.51.100.7")],
                "198.51.100.7",
            ),
            (vec![("x-forwarded-for", "198.51.100.7:4711")], "198.51.100.7"),
            (vec![("x-forwarded-for", "10.2.2.2, 10.3.3.3")], "10.2.2.2"),
            (vec![("x-forwarded-for", "1.2.3.4, unknown, 10.3.3.3")], "10.3.3.3"),
            (vec![("x-forwarded-for", "")], "10.0.0.1"),
            (
                vec![("forwarded", "for=1.2.3.4, for=\"[2001:db8::7]:4711\";proto=https")],
                "2001:db8::7",
            ),
            (vec![("forwarded", "proto=https;For=198.51.100.7")], "198.51.100.7"),
            (vec![("forwarded", "for=_hidden")], "10.0.0.1"),
            (
                vec![("forwarded", "for=198.51.100.7"), ("x-forwarded-for", "1.2.3.4")],
                "198.51.100.7",
            ),
        ] {
            assert_eq!(client("10.0.0.1", &headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_is_the_same() {
        assert_eq!(client("::ffff:10.0.0.1", &[("x-forwarded-for", "::ffff:1.2.3.4")]), "1.2.3.4");
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_client() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
