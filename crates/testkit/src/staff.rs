//! Signing up and in, as staff do.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::service::Service;
use crate::set_up::{code_in, code_in_log};

/// The administrator that every service of a test has.
pub const ADMIN: &str = "admin@example.com";
/// A password for whoever needs one.
pub const PASSWORD: &str = "several words are best";

/// What a service says that has accounts.
const IS_SET_UP: &str = "there are staff accounts";
/// How long it may take to say which it is. One that logs little says nothing.
const PATIENCE: Duration = Duration::from_secs(3);

impl Service {
    /// The token of the administrator's session: signs up where there is no
    /// account yet, else signs in, as soon as the database lets them.
    pub async fn admin(&self) -> &str {
        let signed_in = || async {
            eventually("the administrator is signed in", SOON, || async {
                let answer = self.sign_up(ADMIN, PASSWORD).await;
                let answer = match answer.status {
                    403 | 409 => self.sign_in(ADMIN, PASSWORD).await,
                    _ => answer,
                };
                (answer.status == 200).then(|| token_of(&answer))
            })
            .await
        };
        self.admin.get_or_init(signed_in).await
    }

    /// POST with a JSON body, and nothing that says who calls.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).json(body);
        self.send_as_it_is(request).await
    }

    /// The set-up code, as soon as the service has said whether there is one; `None` where
    /// there are accounts.
    pub async fn set_up_code(&self) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.log();
            let found = code_in(self.folder()).or_else(|| code_in_log(&log));
            if found.is_some() || log.contains(IS_SET_UP) || Instant::now() > deadline {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// POST /api/auth/sign-up/email, with the set-up code where there is one.
    pub async fn sign_up(&self, email: &str, password: &str) -> Answer {
        let code = self.set_up_code().await;
        self.sign_up_with(email, password, code.as_deref()).await
    }

    /// The same with this code, or with none.
    pub async fn sign_up_with(&self, email: &str, password: &str, code: Option<&str>) -> Answer {
        let body = json!({
            "email": email, "password": password, "name": "Somebody", "setupCode": code,
        });
        self.post_json("/api/auth/sign-up/email", &body).await
    }

    /// POST /api/auth/sign-in/email.
    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password });
        self.post_json("/api/auth/sign-in/email", &body).await
    }
}

/// The session's token in the answer to a sign-up or sign-in.
#[track_caller]
pub fn token_of(answer: &Answer) -> String {
    let body = answer.json();
    body["session"]["token"].as_str().expect("a token").to_owned()
}
