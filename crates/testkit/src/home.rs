//! What outlives a service: its data folder, and its database.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use bson::Document;
use mongodb::Client;
use tempfile::TempDir;

use crate::launch;
use crate::mongod::{self, Mongod};

/// Where one test's services keep their events. Services started one after the
/// other on the same home find what the last one left.
pub struct Home {
    folder: TempDir,
    mongodb_uri: Option<String>,
}

impl Home {
    /// The embedded store.
    pub fn embedded() -> Self {
        Self::new(None)
    }

    /// A database of its own on the shared MongoDB.
    pub fn mongodb() -> Self {
        Self::new(Some(Self::unused_uri()))
    }

    /// A database of its own on a server that the test handles itself.
    pub fn on(server: &Mongod) -> Self {
        Self::new(Some(server.uri(&unused_database())))
    }

    /// A database that a URI names.
    pub fn at(uri: String) -> Self {
        Self::new(Some(uri))
    }

    /// The same database, and another folder: what a second instance has.
    pub fn on_another_machine(&self) -> Self {
        Self::new(self.mongodb_uri.clone())
    }

    /// A database on the shared MongoDB that nothing is in yet.
    pub fn unused_uri() -> String {
        mongod::shared_uri(&unused_database())
    }

    /// The same folder, with this database from now on.
    pub fn settle_at(&mut self, uri: &str) {
        self.mongodb_uri = Some(uri.to_owned());
    }

    fn new(mongodb_uri: Option<String>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("trailkeep-test-")
            .tempdir()
            .expect("a temporary folder");
        Self { folder, mongodb_uri }
    }

    /// The service's DATA_DIR.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The service's MONGODB_URI, where it has one.
    pub fn mongodb_uri(&self) -> Option<&str> {
        self.mongodb_uri.as_deref()
    }

    /// The program as a person at a shell calls it, on this home.
    pub fn shell(&self, subcommand: &str) -> Command {
        let mut command = Command::new(binary());
        command.arg(subcommand);
        self.settle(&mut command);
        command
    }

    /// Has a command run here. Nothing of the test's own environment reaches it, and
    /// no `.env` of the folder that the tests run in.
    pub(crate) fn settle(&self, command: &mut Command) {
        command.env_clear().current_dir(self.folder()).env("DATA_DIR", self.folder());
        command.stdin(Stdio::null());
        if let Some(uri) = self.mongodb_uri() {
            command.env("MONGODB_URI", uri);
        }
    }

    /// The files in the data folder, those in its subfolders included.
    pub fn files(&self) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        let mut folders = vec![self.folder().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a readable folder") {
                let path = entry.expect("a readable folder").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path);
                }
            }
        }
        files
    }

    /// How many events are in the database itself, whatever the service says.
    pub async fn stored(&self) -> u64 {
        match &self.mongodb_uri {
            None => self.stored_in_file(),
            Some(uri) => stored_in_mongodb(uri).await,
        }
    }

    /// The embedded store's file, opened.
    pub fn sqlite(&self) -> rusqlite::Connection {
        let file = self
            .files()
            .into_iter()
            .find(|file| fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3")))
            .expect("a SQLite file in the data folder");
        rusqlite::Connection::open(file).expect("a readable database")
    }

    fn stored_in_file(&self) -> u64 {
        let count: i64 = self
            .sqlite()
            .query_row("SELECT count(*) FROM events", [], |row| row.get(0))
            .expect("a table named events");
        u64::try_from(count).expect("a count")
    }
}

async fn stored_in_mongodb(uri: &str) -> u64 {
    let client = Client::with_uri_str(uri).await.expect("a MongoDB URI");
    let database = client.default_database().expect("the URI names a database");
    let count = database
        .collection::<Document>("events")
        .count_documents(Document::new())
        .await
        .expect("a count");
    client.shutdown().await;
    count
}

/// On a server that is not ours, what a test wrote is dropped again; our own
/// ends with all it holds.
impl Drop for Home {
    fn drop(&mut self) {
        let Some(uri) = self.mongodb_uri.clone() else {
            return;
        };
        if std::env::var("TEST_MONGODB_URI").is_ok_and(|server| !server.is_empty()) {
            let _ = std::thread::spawn(move || drop_database(&uri)).join();
        }
    }
}

fn drop_database(uri: &str) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let work = async {
            let client = Client::with_uri_str(uri).await.ok()?;
            client.default_database()?.drop().await.ok()?;
            client.shutdown().await;
            Some(())
        };
        let _ = tokio::time::timeout(std::time::Duration::from_secs(10), work).await;
    });
}

fn unused_database() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("trailkeep_test_{}_{count}", std::process::id())
}

pub(crate) fn binary() -> PathBuf {
    launch::find_binary(None).unwrap_or_else(|trouble| panic!("{trouble}"))
}
