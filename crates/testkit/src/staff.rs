//! Signing up and in, as staff do.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::service::Service;

/// The administrator that every service of a test has.
pub const ADMIN: &str = "admin@example.com";
/// A password for whoever needs one.
pub const PASSWORD: &str = "several words are best";

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

    /// POST /api/auth/sign-up/email.
    pub async fn sign_up(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password, "name": "Somebody" });
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
