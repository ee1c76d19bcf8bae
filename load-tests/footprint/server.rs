//! What `mongod` says of itself.

use bson::{Bson, Document, doc};
use mongodb::{Client, Database, IndexModel};

/// A connection to the server whose default database is measured.
pub struct Server(Database);

impl Server {
    /// Connects.
    pub async fn connect(uri: &str) -> Self {
        let client = Client::with_uri_str(uri).await.unwrap();
        Self(client.default_database().unwrap())
    }

    /// Makes the index that a shard key of hashed users needs.
    pub async fn index_users_by_hash(&self) {
        let keys = doc! { "userId": "hashed" };
        let index = IndexModel::builder().keys(keys).build();
        let events = self.0.collection::<Document>("events");
        events.create_index(index).await.unwrap();
    }

    /// Seconds of CPU that the process has used.
    pub async fn cpu_seconds(&self) -> f64 {
        let status = self.0.run_command(doc! { "serverStatus": 1 }).await;
        let status = status.unwrap();
        let extra = status.get_document("extra_info").unwrap();
        (number(extra, "user_time_us") + number(extra, "system_time_us")) / 1e6
    }

    /// Bytes for each event, as lines.
    pub async fn footprint(&self) -> String {
        let admin = self.0.client().database("admin");
        // Sizes are those of the last checkpoint.
        admin.run_command(doc! { "fsync": 1 }).await.unwrap();
        let stats = self.0.run_command(doc! { "collStats": "events" });
        let stats = stats.await.unwrap();
        let count = number(&stats, "count");
        let line = |name: &str, bytes: f64| format!("{name:24} {:7.1} bytes\n", bytes / count);
        let mut lines = line("document", number(&stats, "size"));
        lines += &line("collection on disk", number(&stats, "storageSize"));
        let indexes = stats.get_document("indexSizes").unwrap();
        for name in indexes.keys() {
            lines += &line(&format!("index {name}"), number(indexes, name));
        }
        lines
    }
}

fn number(document: &Document, name: &str) -> f64 {
    match document.get(name) {
        Some(Bson::Double(number)) => *number,
        Some(Bson::Int32(number)) => f64::from(*number),
        #[allow(clippy::cast_precision_loss)] // exact up to 2^53
        Some(Bson::Int64(number)) => *number as f64,
        other => panic!("{name} is {other:?}"),
    }
}
