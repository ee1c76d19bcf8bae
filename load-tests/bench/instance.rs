//! Services under test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use trailkeep_testkit::launch::{Launch, Service};
use trailkeep_testkit::port::free_port;
use trailkeep_testkit::set_up::sign_up_body;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::database::Database;

/// Whose account is made.
const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "measured and found light";

/// How services are started.
pub struct Starter {
    pub binary: PathBuf,
    /// Beyond the defaults, for all of them.
    pub settings: Vec<(String, String)>,
    pub http: reqwest::Client,
    /// Where services have their folders. They are removed at the end of the
    /// run: on a file system that tells the disk what it may discard, a removed
    /// journal holds up the syncs of the next one for tens of milliseconds.
    pub folder: TempDir,
}

/// Where a service stores events.
#[derive(Clone, Copy)]
pub enum Home<'a> {
    Mongodb(&'a Database),
    /// A new folder of the service's own.
    Embedded,
}

/// A running service with a folder of its own. Dropping it ends it.
pub struct Instance {
    service: Service,
    address: SocketAddr,
    http: reqwest::Client,
    launch: Launch,
}

impl Starter {
    /// Starts a service and waits until it is ready.
    pub async fn start(
        &self,
        home: Home<'_>,
        settings: &[(&str, &str)],
    ) -> Result<Instance, Trouble> {
        self.launch(home, settings)?.ready().await
    }

    /// Starts a service, and lets it be not ready yet.
    pub fn launch(&self, home: Home<'_>, settings: &[(&str, &str)]) -> Result<Instance, Trouble> {
        let folder = TempDir::new_in(self.folder.path()).during("a temporary folder")?.keep();
        let port = free_port()?;
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut all = self.settings.clone();
        all.extend(settings.iter().map(own));
        all.push(("PORT".to_owned(), port.to_string()));
        if let Home::Mongodb(database) = home {
            all.push(("MONGODB_URI".to_owned(), database.uri()));
        }
        let launch = Launch { binary: self.binary.clone(), folder, settings: all };
        Ok(Instance {
            service: launch.start(None)?,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            http: self.http.clone(),
            launch,
        })
    }
}

impl Instance {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.service.pid()
    }

    /// Waits until it is ready.
    async fn ready(mut self) -> Result<Self, Trouble> {
        let url = format!("http://{}", self.address);
        let ready = self.service.wait_until_ready(&self.http, &url).await;
        ready.map_err(|trouble| {
            Trouble(format!("{trouble}; its log:\n{}", self.launch.log_tail()))
        })?;
        Ok(self)
    }

    /// Ends it, with all that it accepted stored, and starts it again with the same
    /// folder and at the same address.
    pub async fn restart(self) -> Result<Self, Trouble> {
        let Self { service, launch, address, http } = self;
        service.stop().await?;
        let service = launch.start(None)?;
        Self { service, launch, address, http }.ready().await
    }

    /// The bound of its memory that it told at its start, in MiB.
    pub fn told_bound(&self) -> Result<f64, Trouble> {
        let log = self.launch.log_tail();
        let told = log.lines().rfind(|line| line.contains("memory is bounded"));
        let told = told.and_then(|line| line.split("mebibytes").nth(1));
        let digits: Option<String> = told.map(|text| {
            let text = text.trim_start_matches(|c: char| !c.is_ascii_digit());
            text.chars().take_while(char::is_ascii_digit).collect()
        });
        let bound = digits.and_then(|digits| digits.parse().ok());
        bound.ok_or_else(|| Trouble(format!("the log tells no bound of memory:\n{log}")))
    }

    /// Ends it, with all that it accepted stored.
    pub async fn stop(self) -> Result<(), Trouble> {
        self.service.stop().await
    }

    /// Makes an account, and with it a token that reads all that is measured.
    pub async fn make_token(&self) -> Result<String, Trouble> {
        make_token(&self.http, self.address, &self.launch.folder).await
    }

    /// A session of the account that was made before.
    pub async fn sign_in(&self) -> Result<String, Trouble> {
        let person = json!({ "email": EMAIL, "password": PASSWORD });
        let sign_in = self.http.post(self.url("/api/auth/sign-in/email")).json(&person);
        let signed_in = answer(sign_in, "signing in").await?;
        text(&signed_in["session"]["token"])
    }

    /// How many events it has stored since its start.
    pub async fn stored(&self, token: &str) -> Result<u64, Trouble> {
        let request = self.http.get(self.url("/stats")).bearer_auth(token);
        let stats = answer(request, "/stats").await?;
        let stored = stats["events"]["stored"].as_u64();
        stored.ok_or_else(|| Trouble("/stats does not say what is stored".to_owned()))
    }

    /// How the processor `default` is doing.
    pub async fn processor(&self, token: &str) -> Result<Value, Trouble> {
        let path = "/processors/default";
        answer(self.http.get(self.url(path)).bearer_auth(token), path).await
    }

    /// How many events the processor `default` has taken since the service's start.
    pub async fn processed(&self, token: &str) -> Result<u64, Trouble> {
        let seen = self.processor(token).await?;
        Ok(seen["processed"].as_u64().unwrap_or_default())
    }

    /// Whether `/readyz` answers 200.
    pub async fn is_ready(&self) -> bool {
        let answer = self.http.get(self.url("/readyz")).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// An answer that goes on for as long as it is read.
    pub async fn stream(&self, path: &str, session: &str) -> Result<reqwest::Response, Trouble> {
        let request = self.http.get(self.url(path)).bearer_auth(session);
        let answer = request.send().await.during("opening a stream")?;
        answer.error_for_status().during("opening a stream")
    }

    /// Has a user erased; answers which erasure that is.
    pub async fn erase(&self, user: &str, session: &str) -> Result<String, Trouble> {
        let path = format!("/users/{user}");
        let body = json!({ "confirm": user });
        let request = self.http.delete(self.url(&path)).bearer_auth(session).json(&body);
        text(&answer(request, &path).await?["erasureId"])
    }

    /// The receipt of an erasure.
    pub async fn receipt(&self, erasure: &str, session: &str) -> Result<Value, Trouble> {
        let path = format!("/api/erasures/{erasure}");
        answer(self.http.get(self.url(&path)).bearer_auth(session), &path).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Makes the first account of the service with this folder, and with it a token that reads all
/// that is measured.
pub async fn make_token(
    http: &reqwest::Client,
    address: SocketAddr,
    folder: &Path,
) -> Result<String, Trouble> {
    let person = sign_up_body(folder, EMAIL, PASSWORD, "Bench").await;
    let sign_up = http.post(format!("http://{address}/api/auth/sign-up/email")).json(&person);
    let signed_up = answer(sign_up, "signing up").await?;
    let session = text(&signed_up["session"]["token"])?;
    let wanted = json!({ "name": "bench", "scope": "read" });
    let make = http.post(format!("http://{address}/api/tokens")).bearer_auth(session).json(&wanted);
    text(&answer(make, "making a token").await?["token"])
}

async fn answer(request: reqwest::RequestBuilder, path: &str) -> Result<Value, Trouble> {
    let answer = request.send().await.during(path)?;
    let status = answer.status();
    let body = answer.text().await.during(path)?;
    if !status.is_success() {
        return Err(Trouble(format!("{path} was answered {status}: {body}")));
    }
    serde_json::from_str(&body).during(path)
}

fn text(value: &Value) -> Result<String, Trouble> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Trouble("an answer lacks what it is asked for".to_owned()))
}
