//! The first lines of the log: which build this is, where it listens, where the data
//! is, and who may sign in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{debug, info};
use trailkeep_store::access::AccessStore;
use trailkeep_store::mongo;

use crate::config::Settings;
use crate::monitoring::version::{COMMIT, VERSION};

/// The pause before a store is asked again that did not answer.
const PAUSE: Duration = Duration::from_secs(5);

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

/// Says whether anybody has an account, once the store can tell, and else how the
/// first one is made.
pub async fn says_who(
    mut prepared: watch::Receiver<bool>,
    accounts: Arc<dyn AccessStore>,
    url: Option<String>,
) {
    let url = url.unwrap_or_default();
    if prepared.wait_for(|is_prepared| *is_prepared).await.is_err() {
        return;
    }
    let is_new = loop {
        match accounts.accounts(None, 1).await {
            Ok(found) => break found.is_empty(),
            Err(error) => debug!(%error, "whether there is a staff account cannot be told yet"),
        }
        tokio::time::sleep(PAUSE).await;
    };
    if is_new {
        info!(
            post = format!("{url}/api/auth/sign-up/email"),
            body = r#"{"email": "...", "password": "...", "name": "..."}"#,
            "there is no staff account yet; the first to sign up is the administrator"
        );
    } else {
        info!(post = format!("{url}/api/auth/sign-in/email"), "there are staff accounts; sign in");
    }
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
