//! The service that is tested: one of the run's own, or another's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use trailkeep_testkit::launch::{self, Launch, Service};
use trailkeep_testkit::mongod::Mongod;
use trailkeep_testkit::port::free_port;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::arguments::{Arguments, StoreKind};
use crate::check::{Check, Identity};
use crate::http::{self, Account};
use crate::record::Record;
use crate::stored;

const DATABASE: &str = "load";

/// What can be held.
pub enum Held {
    /// A server.
    Server(Arc<Mongod>),
    /// An embedded store's file.
    File(PathBuf),
}

/// How long what was accepted may take to be stored by another's service.
const STORED_LIMIT: Duration = Duration::from_secs(60);

/// A service that is ready.
pub struct Target {
    pub url: String,
    pub account: Account,
    http: reqwest::Client,
    own: Option<Own>,
}

/// What was started for the run.
struct Own {
    service: Service,
    store: Store,
}

enum Store {
    Mongodb(Arc<Mongod>),
    Embedded(std::path::PathBuf),
}

impl Target {
    /// The service that the command line names, else a new one in this folder.
    pub async fn from(arguments: &Arguments, folder: &Path) -> Result<Self, Trouble> {
        match &arguments.target {
            Some(url) => Self::others(arguments, url),
            None => Self::own(arguments, folder).await,
        }
    }

    fn others(arguments: &Arguments, url: &str) -> Result<Self, Trouble> {
        if arguments.scenario.hold().is_some() {
            return Err(Trouble(format!(
                "{} needs a service of its own: it holds the database",
                arguments.scenario
            )));
        }
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            account: Account {
                email: arguments.email.clone().unwrap_or_default(),
                password: std::env::var("LOAD_PASSWORD").during("LOAD_PASSWORD")?,
            },
            http: http::client()?,
            own: None,
        })
    }

    async fn own(arguments: &Arguments, folder: &Path) -> Result<Self, Trouble> {
        let binary = launch::find_binary(arguments.service.as_deref())?;
        let port = free_port()?;
        let data = folder.join("data");
        std::fs::create_dir(&data).during("a data folder")?;
        let mut settings: Vec<(String, String)> = arguments
            .scenario
            .settings()
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        settings.push(("PORT".to_owned(), port.to_string()));
        settings.push(("LOG_LEVEL".to_owned(), "warn".to_owned()));
        let store = match arguments.store {
            StoreKind::Embedded => Store::Embedded(data.join("trailkeep.db")),
            StoreKind::Mongodb => {
                let server = tokio::task::block_in_place(Mongod::start);
                settings.push(("MONGODB_URI".to_owned(), server.uri(DATABASE)));
                Store::Mongodb(Arc::new(server))
            }
        };
        let launch = Launch { binary, folder: data, settings };
        let mut service = launch.start(None)?;
        let url = format!("http://127.0.0.1:{port}");
        let http = http::client()?;
        service
            .wait_until_ready(&http, &url)
            .await
            .map_err(|trouble| Trouble(format!("{trouble}\n{}", launch.log_tail())))?;
        let account = Account {
            email: "load@example.com".to_owned(),
            password: format!("a password for {:016x}", rand::random::<u64>()),
        };
        account.sign_up(&http, &url, &launch.folder).await?;
        Ok(Self { url, account, http, own: Some(Own { service, store }) })
    }

    /// What the table calls its store.
    pub fn store_name(&self) -> &'static str {
        match self.own.as_ref().map(|own| &own.store) {
            Some(Store::Embedded(_)) => "embedded",
            Some(Store::Mongodb(_)) => "mongodb",
            None => "(by journeys)",
        }
    }

    /// Its database, to be held, unless it is another's.
    pub fn held(&self) -> Option<Held> {
        self.own.as_ref().map(|own| match &own.store {
            Store::Mongodb(server) => Held::Server(Arc::clone(server)),
            Store::Embedded(file) => Held::File(file.clone()),
        })
    }

    /// What is stored in the end: past the service, which is told to stop and
    /// must say that all is kept, or through another's journeys.
    pub async fn into_stored(self, record: &Record) -> Result<Vec<Identity>, Trouble> {
        let Some(own) = self.own else {
            return stored_by_others(&self.http, &self.url, &self.account, record).await;
        };
        own.service.stop().await?;
        match &own.store {
            Store::Embedded(file) => stored::in_file(file),
            Store::Mongodb(server) => stored::in_mongodb(&server.uri(DATABASE)).await,
        }
    }
}

/// Reads all journeys of the run, again until nothing is missing or it takes
/// too long.
async fn stored_by_others(
    http: &reqwest::Client,
    url: &str,
    account: &Account,
    record: &Record,
) -> Result<Vec<Identity>, Trouble> {
    let token = account.sign_in(http, url).await?;
    let deadline = Instant::now() + STORED_LIMIT;
    loop {
        let mut stored = Vec::new();
        for user in record.users() {
            let ids = http::journey_ids(http, url, &token, user).await?;
            stored.extend(ids.into_iter().map(|id| (user.to_owned(), id)));
        }
        if Check::on(record, &stored).lost == 0 || Instant::now() > deadline {
            return Ok(stored);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
