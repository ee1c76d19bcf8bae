//! Several servers as one replica set.

use std::time::{Duration, Instant};

use bson::{Bson, Document, doc};
use mongodb::Client;

use super::Mongod;

const NAME: &str = "trailkeep";

/// How long a set may take to agree on a primary.
const ELECTION_LIMIT: Duration = Duration::from_secs(60);

/// How long one member may take to answer: a paused one never does.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A replica set of a test's own. Dropping it ends all its members.
pub struct ReplicaSet {
    members: Vec<Mongod>,
}

impl ReplicaSet {
    /// Starts a set and waits until it has a primary.
    pub async fn start(size: usize) -> Self {
        Self::start_with(size, &[]).await
    }

    /// Starts a set with further arguments for each member.
    pub async fn start_with(size: usize, arguments: &[&str]) -> Self {
        let arguments = [&["--replSet", NAME, "--oplogSize", "128"], arguments].concat();
        let members = (0..size).map(|_| Mongod::start_with(&arguments)).collect();
        let set = Self { members };
        set.initiate().await;
        set.primary().await;
        set
    }

    /// The URI of a database on this set, all members named.
    pub fn uri(&self, database: &str) -> String {
        let addresses: Vec<_> = self.members.iter().map(Mongod::address).collect();
        format!("mongodb://{}/{database}?replicaSet={NAME}", addresses.join(","))
    }

    /// All members, in no special order.
    pub fn members(&self) -> &[Mongod] {
        &self.members
    }

    /// The member that takes writes at present; waits until there is one.
    pub async fn primary(&self) -> &Mongod {
        let deadline = Instant::now() + ELECTION_LIMIT;
        loop {
            for member in &self.members {
                let hello = command(member, doc! { "hello": 1 }).await;
                if hello.is_some_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or(false)) {
                    return member;
                }
            }
            assert!(Instant::now() < deadline, "the set elected no primary");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn initiate(&self) {
        let members: Vec<Bson> = (0..)
            .zip(&self.members)
            .map(|(id, member): (i32, _)| {
                Bson::Document(doc! { "_id": id, "host": member.address() })
            })
            .collect();
        let settings = doc! { "electionTimeoutMillis": 2000 };
        let config = doc! { "_id": NAME, "members": members, "settings": settings };
        command(&self.members[0], doc! { "replSetInitiate": config })
            .await
            .expect("the set is initiated");
    }
}

/// Runs a command on this very member, whatever its state in the set. `None`
/// is a member that refuses or does not answer soon.
async fn command(member: &Mongod, command: Document) -> Option<Document> {
    let uri = format!("{}?directConnection=true", member.uri("admin"));
    let client = Client::with_uri_str(uri).await.ok()?;
    let database = client.database("admin");
    let answer = tokio::time::timeout(ANSWER_LIMIT, database.run_command(command)).await;
    client.shutdown().await;
    answer.ok()?.ok()
}
