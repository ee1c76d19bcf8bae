//! `trailkeep move`: everything of an embedded store, in MongoDB afterwards.

mod journal;
mod killed;
mod refused;
mod whole;

use std::process::{Child, Command, Output, Stdio};

use bson::Document;
use mongodb::{Client, Database};

use crate::home::Home;
use crate::watchdog::Watchdog;

/// Moves the store of a home into this database.
fn move_to(home: &Home, uri: &str) -> Output {
    command(home, uri).output().expect("the binary")
}

fn command(home: &Home, uri: &str) -> Command {
    let mut command = home.shell("move");
    command.env("MONGODB_URI", uri);
    command
}

/// What was said at a success.
#[track_caller]
fn told(output: &Output) -> String {
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What was said where nothing was moved.
#[track_caller]
fn complaint(output: &Output, code: i32) -> String {
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{err}");
    err
}

/// A move under way. Killed when it is dropped before its end.
struct Moving {
    child: Child,
    _watchdog: Watchdog,
}

impl Moving {
    fn start(home: &Home, uri: &str) -> Self {
        let child = command(home, uri).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("the binary");
        let _watchdog = Watchdog::over(&child, home.folder());
        Self { child, _watchdog }
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The database that a URI names.
async fn database(uri: &str) -> Database {
    let client = Client::with_uri_str(uri).await.expect("a MongoDB URI");
    client.default_database().expect("the URI names a database")
}

async fn count(database: &Database, collection: &str) -> u64 {
    let collection = database.collection::<Document>(collection);
    collection.count_documents(Document::new()).await.expect("a count")
}
