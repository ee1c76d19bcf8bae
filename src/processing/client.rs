//! Sends deliveries to one processor and says what came back.
//!
//! A client follows no redirect, uses no proxy, keeps no cookie and unpacks nothing:
//! events go to the address that the settings name and nowhere else. All that a
//! processor can do to it is bounded: the time of an attempt, the head and the body of
//! an answer, the connections that are kept.
//!
//! A connection is driven by the attempt that uses it, and by nobody while it is idle.
//! So an attempt that is dropped closes its connection at once, which is all that can
//! be done about what the processor is at work on.

mod address;
mod connect;
mod connection;
mod pool;
mod socket;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Method, Request};
use http_body_util::Full;
use tokio::time::Instant;

use super::answer::{Answer, Fault, Response};
use super::delivery::Delivery;
use address::Address;
pub use address::AddressError;
use connect::Connector;
use connection::{Connection, Failure, Limit};
use pool::Pool;
pub use tls::TlsError;

/// How long a connection is kept that nobody uses. Less than what servers usually keep
/// one for (5 s and more): who closes it first decides whether a request can meet a
/// connection that is just being closed.
const IDLE_LIMIT: Duration = Duration::from_secs(4);

/// What a client has to know. Not `Debug`: a URL may have a key in it.
#[derive(Clone)]
pub struct ClientSettings {
    /// Where the processor is: `http://` or `https://`; `/events` where there is no path.
    pub url: String,
    /// How long an attempt may take, from looking up the name to the answer's end.
    pub timeout: Duration,
    /// How many attempts there are at once, and so how many idle connections are kept.
    pub concurrency: usize,
    /// Certificates, as PEM, of authorities that are trusted besides those that
    /// browsers trust.
    pub authorities: Option<String>,
}

/// Why there is no client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The address cannot be used.
    #[error("the URL {0}")]
    Address(#[from] AddressError),
    /// There is no encryption with these certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Sends deliveries to one processor.
#[derive(Debug)]
pub struct Client {
    address: Address,
    timeout: Duration,
    connector: Connector,
    pool: Arc<Pool>,
}

impl Client {
    /// Checks the settings. Connects to nothing yet.
    pub fn new(settings: &ClientSettings) -> Result<Self, ClientError> {
        let address = Address::parse(&settings.url)?;
        let authorities = settings.authorities.as_deref();
        let connector = Connector::new(&address, authorities)?;
        let pool = Pool::new(settings.concurrency, IDLE_LIMIT);
        Ok(Self { address, timeout: settings.timeout, connector, pool })
    }

    /// Makes one attempt. Ends in time, whatever the processor does; where it is
    /// dropped before, its connection is closed.
    pub async fn send(&self, delivery: &Delivery) -> Answer {
        let limit = Limit { deadline: Instant::now() + self.timeout, whole: self.timeout };
        match self.attempt(delivery, limit).await {
            Ok(response) => Answer::Response(response),
            Err(fault) => Answer::Fault(fault),
        }
    }

    async fn attempt(&self, delivery: &Delivery, limit: Limit) -> Result<Response, Fault> {
        if let Some(kept) = self.pool.take() {
            match self.exchange(kept, delivery, limit).await {
                Ok(response) => return Ok(response),
                Err(Failure::Fault(fault)) => return Err(fault),
                // The processor closed it a moment ago and has seen nothing of this.
                Err(Failure::Unsent) => {}
            }
        }
        let fresh = self.connector.connect(&self.address, limit).await?;
        self.exchange(fresh, delivery, limit).await.map_err(|failure| match failure {
            Failure::Fault(fault) => fault,
            Failure::Unsent => Fault::Reset("as soon as it was opened".into()),
        })
    }

    async fn exchange(
        &self,
        connection: Connection,
        delivery: &Delivery,
        limit: Limit,
    ) -> Result<Response, Failure> {
        let (response, kept) = connection.exchange(self.request(delivery), limit).await?;
        if let Some((connection, keep)) = kept {
            self.pool.put(connection, keep);
        }
        Ok(response)
    }

    fn request(&self, delivery: &Delivery) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(delivery.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.address.path.clone();
        *request.headers_mut() = delivery.headers.clone();
        request.headers_mut().insert(HOST, self.address.header.clone());
        request
    }
}

#[cfg(test)]
mod tests;
