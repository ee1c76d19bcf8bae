//! From an address to a connection: the name, TCP, TLS, HTTP.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::connection::{Connection, Limit};
use super::socket::Socket;
use super::tls::{Tls, TlsError};
use crate::processing::answer::Fault;

/// Names that are looked up at once. The system's way to look one up holds a thread
/// and cannot be stopped; where names get no answer, attempts must not take all threads.
const LOOKUPS: usize = 4;

/// Opens connections to one processor.
pub struct Connector {
    tls: Option<Tls>,
    lookups: Arc<Semaphore>,
}

impl Connector {
    pub fn new(address: &Address, authorities: Option<&str>) -> Result<Self, TlsError> {
        let tls = match address.is_encrypted {
            true => Some(Tls::new(&address.host, authorities)?),
            false => None,
        };
        Ok(Self { tls, lookups: Arc::new(Semaphore::new(LOOKUPS)) })
    }

    /// A connection that is ready for a request.
    pub async fn connect(&self, address: &Address, limit: Limit) -> Result<Connection, Fault> {
        let opening = async {
            let addresses = self.resolve(&address.host, address.port).await?;
            let socket = open(&addresses, limit.deadline).await?;
            let Some(tls) = &self.tls else {
                return Connection::start(socket.clone(), socket).await;
            };
            let encrypted = tls.connector.connect(tls.name.clone(), socket.clone()).await;
            let encrypted = encrypted.map_err(|error| Fault::Tls(error.to_string().into()))?;
            Connection::start(socket, encrypted).await
        };
        let opened = timeout_at(limit.deadline, opening).await;
        opened.map_err(|_| Fault::ConnectTimeout(limit.whole))?
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let fault = |error: String| Fault::Dns(error.into());
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        let host = host.to_owned();
        let lookup = spawn_blocking(move || {
            // Held by the look-up: it goes on where the attempt has ended.
            let _permit = permit;
            (host, port).to_socket_addrs().map(Iterator::collect)
        });
        let found: io::Result<Vec<SocketAddr>> =
            lookup.await.map_err(|error| fault(error.to_string()))?;
        match found {
            Ok(addresses) if addresses.is_empty() => Err(fault("it has no address".to_owned())),
            Ok(addresses) => Ok(addresses),
            Err(error) => Err(fault(error.to_string())),
        }
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("is_encrypted", &self.tls.is_some()).finish()
    }
}

/// Tries one address after the other. Each gets an even share of the time that is
/// left, so that one which does not answer leaves time for the next.
async fn open(addresses: &[SocketAddr], deadline: Instant) -> Result<Socket, Fault> {
    let mut last = Fault::Connect("there is no address".into());
    for (position, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - position).unwrap_or(u32::MAX);
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / left;
        last = match timeout_at(now + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return prepared(stream),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Fault::Refused,
            Ok(Err(error)) => Fault::Connect(error.to_string().into()),
            Err(_) => Fault::Connect(format!("{address} does not answer").into()),
        };
    }
    Err(last)
}

/// A request is one write: there is nothing to wait for.
fn prepared(stream: TcpStream) -> Result<Socket, Fault> {
    match stream.set_nodelay(true) {
        Ok(()) => Ok(Socket::new(stream)),
        Err(error) => Err(Fault::Connect(error.to_string().into())),
    }
}
