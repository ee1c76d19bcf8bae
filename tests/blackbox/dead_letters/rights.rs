//! A database that will not let us: everything is kept until a person mends it.

use bson::{Document, doc};
use mongodb::Client;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

const PASSWORD: &str = "s3cr3t-w0rd";

const WATCHFUL: [(&str, &str); 3] = [
    ("WRITE_BACKOFF_MAX_MS", "300"),
    ("WRITE_MAX_WAIT_MS", "50"),
    ("HEALTH_CHECK_INTERVAL_MS", "100"),
];

/// A server that asks for names, and whoever may change the rights on it.
struct Guarded {
    server: Mongod,
    root: Client,
}

impl Guarded {
    async fn start() -> Self {
        let server = Mongod::start_with(&["--auth"]);
        // With no user yet, the server lets a local client make the first one.
        let anybody = Client::with_uri_str(server.uri("admin")).await.unwrap();
        let roles = vec![doc! { "role": "root", "db": "admin" }];
        let command = doc! { "createUser": "root", "pwd": PASSWORD, "roles": roles };
        anybody.database("admin").run_command(command).await.unwrap();
        anybody.shutdown().await;
        let uri = uri(&server, "root");
        let root = Client::with_uri_str(uri).await.unwrap();
        Self { server, root }
    }

    async fn run(&self, command: Document) {
        let admin = self.root.database("admin");
        admin.run_command(command).await.unwrap();
    }

    async fn make_user(&self, role: &str) -> Home {
        let roles = vec![doc! { "role": role, "db": "shop" }];
        self.run(doc! { "createUser": "tracker", "pwd": PASSWORD, "roles": roles }).await;
        Home::at(uri(&self.server, "tracker"))
    }

    async fn let_user(&self, role: &str) {
        let roles = vec![doc! { "role": role, "db": "shop" }];
        self.run(doc! { "updateUser": "tracker", "roles": roles }).await;
    }
}

fn uri(server: &Mongod, user: &str) -> String {
    let host = server.address();
    format!("mongodb://{user}:{PASSWORD}@{host}/shop?authSource=admin")
}

#[tokio::test]
async fn rights_that_are_missing_at_the_start_are_said_and_waited_for() {
    let guarded = Guarded::start().await;
    let home = guarded.make_user("read").await;
    let service = Service::start_unready(&home, &WATCHFUL).await;
    // From when on it knows that there are no write keys, for which it may read.
    service.post_when_there_is_room(&sample::events("u", "e", 0..20)).await;
    eventually("the log says what to mend", SOON, || {
        let is_said = service.log().contains("mend its settings");
        std::future::ready(is_said.then_some(()))
    })
    .await;
    assert_eq!(service.get("/readyz").await.status, 503);

    guarded.let_user("readWrite").await;

    service.wait_until_ready().await;
    service.wait_until_flushed().await;
    assert_eq!(service.export_ids("u").await, sample::ids("e", 0..20));
    assert!(!service.log().contains(PASSWORD));
}

#[tokio::test]
async fn rights_that_are_taken_away_lose_nothing_and_are_told_until_they_are_back() {
    let guarded = Guarded::start().await;
    let home = guarded.make_user("readWrite").await;
    let service = Service::start_with(&home, &WATCHFUL).await;
    service.get("/health").await.expect(200);

    guarded.let_user("read").await;
    service.post(&sample::events("hidden-user", "e", 0..20)).await.expect(202);

    let health = eventually("/health tells it", SOON, || async {
        let answer = service.get("/health").await;
        (answer.status == 503).then(|| answer.json())
    })
    .await;
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["database"], "disconnected");
    let problem = health["problem"].as_str().expect("a problem");
    assert!(problem.starts_with("the database refuses us"), "{problem}");
    // What is accepted meanwhile is kept.
    service.get("/readyz").await.expect(200);
    let stats = service.stats().await;
    assert_eq!(stats["bufferSize"], 20);
    assert_eq!(stats["events"]["deadLettered"], 0);
    let error = stats["flushes"]["lastError"]["message"].as_str().expect("an error");
    assert!(error.contains("not authorized"), "{error}");
    let said = service.log();
    let loudly =
        said.lines().any(|line| line.contains("ERROR") && line.contains("rights of its user"));
    assert!(loudly, "{said}");
    for secret in [PASSWORD, "hidden-user"] {
        assert!(!error.contains(secret) && !said.contains(secret), "{said}");
    }

    guarded.let_user("readWrite").await;

    service.wait_until_flushed().await;
    let sent = sample::ids("e", 0..20);
    assert_eq!(service.export_ids("hidden-user").await, sent);
    let health = service.get("/health").await.expect(200).json();
    assert_eq!(health["status"], "ok");
    assert!(health.get("problem").is_none());
    service.wait_until_ready().await;
}
