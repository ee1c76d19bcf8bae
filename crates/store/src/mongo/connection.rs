//! From a URI to a client of the driver.

use std::time::Duration;

use bson::Document;
use mongodb::error::ErrorKind;
use mongodb::options::{Acknowledgment, ClientOptions, ConnectionString, HostInfo, WriteConcern};
use mongodb::{Client, Collection, Database};
use tokio::sync::OnceCell;

use super::errors::describe;
use super::secrets;
use crate::StoreError;

/// The collection that holds the events.
pub const EVENTS: &str = "events";

/// The database of a URI that names none, and the name under which the server
/// lists our connections.
const NAME: &str = "trailkeep";

/// How long a call waits for a server that can take it, unless the URI says.
const SERVER_SELECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may take to come about, unless the URI says.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long closing may take: the server forgets an idle client by itself.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a URI cannot be used. No text of these holds its password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MongoOpenError {
    /// It is malformed, or an option of it has a value that is not allowed.
    #[error("the MongoDB URI cannot be used: {0}")]
    Uri(String),
    /// It asks for writes without an acknowledgement.
    #[error(
        "the MongoDB URI says w=0, which acknowledges nothing: accepted events could be lost \
         without a word; leave w out (majority and journaled) or name at least 1"
    )]
    Unacknowledged,
}

/// Where a URI leads, without a word of who signs in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The servers, separated by commas; of a `mongodb+srv` URI the name that is
    /// looked up. Empty where the URI cannot be read.
    pub hosts: String,
    /// The database that holds the data.
    pub database: String,
}

/// Reads it from the URI alone, without a look at the network.
pub fn place(uri: &str) -> Place {
    let parsed = ConnectionString::parse(uri).ok();
    let hosts = parsed.as_ref().map(|uri| match &uri.host_info {
        HostInfo::HostIdentifiers(servers) => {
            servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        }
        HostInfo::DnsRecord(name) => name.clone(),
        _ => String::new(),
    });
    let database = parsed.and_then(|uri| uri.default_database);
    Place {
        hosts: hosts.unwrap_or_default(),
        database: database.unwrap_or_else(|| NAME.to_owned()),
    }
}

/// A client that is made when it can be: a `mongodb+srv` URI needs the name
/// service to become one, and that may be down when the process starts.
pub struct Connection {
    uri: String,
    link: OnceCell<Link>,
}

/// The driver's handles, ready for use.
#[derive(Clone)]
pub struct Link {
    client: Client,
    database: Database,
    write_concern: Document,
}

impl Link {
    /// The database that holds the events.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The events, read as `T`.
    pub fn events<T: Send + Sync>(&self) -> Collection<T> {
        self.database.collection(EVENTS)
    }

    /// The write concern in the form that a command carries it.
    pub fn write_concern(&self) -> &Document {
        &self.write_concern
    }
}

/// What keeps a URI from becoming a client.
enum LinkError {
    NameService(String),
    Uri(MongoOpenError),
}

impl Connection {
    pub async fn open(uri: &str) -> Result<Self, MongoOpenError> {
        let link = match link_to(uri).await {
            Ok(link) => OnceCell::new_with(Some(link)),
            Err(LinkError::NameService(fault)) => {
                tracing::warn!("the hosts of the MongoDB URI cannot be looked up yet: {fault}");
                OnceCell::new()
            }
            Err(LinkError::Uri(error)) => return Err(error),
        };
        Ok(Self { uri: uri.to_owned(), link })
    }

    pub async fn link(&self) -> Result<&Link, StoreError> {
        self.link.get_or_try_init(|| link_to(&self.uri)).await.map_err(|error| match error {
            LinkError::NameService(fault) => StoreError::Unavailable(fault),
            LinkError::Uri(error) => StoreError::Denied(error.to_string()),
        })
    }

    pub async fn close(&self) {
        let Some(link) = self.link.get() else {
            return;
        };
        let shutdown = async { link.client.clone().shutdown().await };
        if tokio::time::timeout(CLOSE_TIMEOUT, shutdown).await.is_err() {
            tracing::debug!("the connections to MongoDB did not close in time");
        }
    }
}

async fn link_to(uri: &str) -> Result<Link, LinkError> {
    let unusable = |error: mongodb::error::Error| {
        let fault = secrets::describe(uri, &describe(&error));
        match *error.kind {
            ErrorKind::DnsResolve { .. } | ErrorKind::Io(_) => LinkError::NameService(fault),
            _ => LinkError::Uri(MongoOpenError::Uri(fault)),
        }
    };
    let mut options = ClientOptions::parse(uri).await.map_err(unusable)?;
    let concern = settle(&mut options).map_err(LinkError::Uri)?;
    let write_concern = bson::serialize_to_document(&concern)
        .map_err(|error| LinkError::Uri(MongoOpenError::Uri(error.to_string())))?;
    let name = options.default_database.clone();
    let client = Client::with_options(options).map_err(unusable)?;
    Ok(Link { database: client.database(name.as_deref().unwrap_or(NAME)), client, write_concern })
}

/// Fills in what the URI leaves open, and returns the write concern in force.
fn settle(options: &mut ClientOptions) -> Result<WriteConcern, MongoOpenError> {
    options.app_name.get_or_insert_with(|| NAME.to_owned());
    options.server_selection_timeout.get_or_insert(SERVER_SELECTION_TIMEOUT);
    options.connect_timeout.get_or_insert(CONNECT_TIMEOUT);
    let concern = options.write_concern.get_or_insert_default();
    if concern.w == Some(Acknowledgment::Nodes(0)) {
        return Err(MongoOpenError::Unacknowledged);
    }
    strengthen(concern);
    Ok(concern.clone())
}

/// What is acknowledged is forgotten by our own journal, and must survive the
/// loss of a server. A custom concern is the operator's own word on how many
/// have to have it, and stays.
fn strengthen(concern: &mut WriteConcern) {
    let is_named = concern.w.is_some() || concern.journal.is_some();
    let before = concern.clone();
    if matches!(concern.w, None | Some(Acknowledgment::Nodes(_))) {
        concern.w = Some(Acknowledgment::Majority);
    }
    concern.journal = Some(true);
    if is_named && *concern != before {
        tracing::info!(
            "the write concern of the MongoDB URI is raised to majority and journaled, as the \
             journal relies on it"
        );
    }
}

#[cfg(test)]
mod tests;
