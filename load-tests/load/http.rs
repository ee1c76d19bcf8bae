//! Calls to the service beside the load: for the account that reads, and for
//! what is stored at a service whose store is out of reach.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use trailkeep_testkit::set_up::sign_up_body;
use trailkeep_testkit::trouble::{Trouble, While as _};

const LIMIT: Duration = Duration::from_secs(60);

/// A client.
pub fn client() -> Result<reqwest::Client, Trouble> {
    reqwest::Client::builder().no_proxy().timeout(LIMIT).build().during("an HTTP client")
}

/// Who signs in.
#[derive(Debug, Clone)]
pub struct Account {
    pub email: String,
    pub password: String,
}

impl Account {
    /// Makes the account at a new service, with the code of its data folder: it is the
    /// administrator's.
    pub async fn sign_up(
        &self,
        http: &reqwest::Client,
        url: &str,
        folder: &Path,
    ) -> Result<(), Trouble> {
        let body = sign_up_body(folder, &self.email, &self.password, "Load test").await;
        post(http, &format!("{url}/api/auth/sign-up/email"), &body).await?;
        Ok(())
    }

    /// The token of a new session.
    pub async fn sign_in(&self, http: &reqwest::Client, url: &str) -> Result<String, Trouble> {
        let body = json!({"email": self.email, "password": self.password});
        let answer = post(http, &format!("{url}/api/auth/sign-in/email"), &body).await?;
        answer["session"]["token"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| Trouble("the answer to a sign-in has no token".to_owned()))
    }
}

async fn post(http: &reqwest::Client, url: &str, body: &Value) -> Result<Value, Trouble> {
    let answer = http
        .post(url)
        .json(body)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .during("signing in")?;
    answer.json().await.during("signing in")
}

/// The ids of all events in a user's journey.
pub async fn journey_ids(
    http: &reqwest::Client,
    url: &str,
    token: &str,
    user: &str,
) -> Result<Vec<String>, Trouble> {
    let doing = "reading a journey";
    let lines = http
        .get(format!("{url}/users/{user}/journey"))
        .header("Accept", "application/x-ndjson")
        .bearer_auth(token)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .during(doing)?
        .text()
        .await
        .during(doing)?;
    lines
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).during(doing)?;
            event["eventId"]
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| Trouble("an event in a journey has no id".to_owned()))
        })
        .collect()
}
