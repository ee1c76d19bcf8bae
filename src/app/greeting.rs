//! The first lines of the log: which build this is, where it listens, and where the data
//! is. Who may sign in is behind them ([`set_up`](super::set_up)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;
use tracing::info;
use trailkeep_store::mongo;

use crate::config::Settings;
use crate::monitoring::version::{COMMIT, VERSION};

/// Said first, so that it is known also of a start that fails.
pub fn says_which_build() {
    info!(version = VERSION, commit = COMMIT, "trailkeep starts");
}

/// Says where it listens and where the data is.
pub fn says_where(listener: &TcpListener, settings: &Settings) {
    let folder = settings.store.data_dir.display();
    let place = settings.store.mongodb_uri.as_ref().map(|uri| mongo::place(uri.expose()));
    let store = if place.is_some() { "mongodb" } else { "embedded" };
    match place {
        None => info!(%folder, "the data is in a local folder"),
        Some(place) => info!(
            hosts = place.hosts, database = place.database, %folder,
            "the data is in MongoDB, and what is not stored yet in a local folder"
        ),
    }
    let Ok(address) = listener.local_addr() else { return };
    let url = url_of(address);
    let docs = settings.http.api_docs.then(|| format!("{url}/api-docs"));
    info!(%address, url, docs, store, version = VERSION, "listening");
}

/// Where a browser on this machine finds it.
pub fn url(listener: &TcpListener) -> Option<String> {
    listener.local_addr().ok().map(url_of)
}

fn url_of(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::url_of;

    #[test]
    fn an_address_for_all_interfaces_becomes_one_that_a_browser_can_open() {
        for (address, url) in [
            ("127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:3000", "http://[::1]:3000"),
            ("10.1.2.3:3000", "http://10.1.2.3:3000"),
        ] {
            assert_eq!(url_of(address.parse().unwrap()), url);
        }
    }
}
