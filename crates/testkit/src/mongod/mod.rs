//! A real MongoDB for tests.
//!
//! - [`shared_uri`]: a database on the server that `TEST_MONGODB_URI` names,
//!   else on one `mongod` that this test process starts when it is first asked
//!   for. For tests that only need a database.
//! - [`Mongod`]: a server of the test's own, which it may pause, kill and
//!   start again.
//! - [`ReplicaSet`]: several of those, as one set.
//!
//! Every server lives in a folder of its own under the system's temporary
//! folder and ends with the test process, however that ends. A machine that
//! cannot have a `mongod` fails these tests with a text that says what to do;
//! nothing is skipped.

mod binary;
mod database;
mod replica_set;
mod server;

use std::sync::OnceLock;

pub use database::in_database;
pub use replica_set::ReplicaSet;
pub use server::Mongod;

/// The URI of a database of this name, on a server that outlives the test.
///
/// Names must be unique to the test. On a server that `TEST_MONGODB_URI`
/// names, what is in the database stays there unless the test drops it.
pub fn shared_uri(database: &str) -> String {
    static SHARED: OnceLock<Mongod> = OnceLock::new();
    match std::env::var("TEST_MONGODB_URI") {
        Ok(server) if !server.is_empty() => in_database(&server, database),
        // Never dropped, as statics are not; its guardian ends it.
        _ => SHARED.get_or_init(Mongod::start).uri(database),
    }
}
