//! The control socket: how commands ask the service that has the data folder.

mod callers;
mod socket;

use std::path::PathBuf;

use reqwest::{Client, Method};
use serde_json::Value;

use crate::answer::Answer;
use crate::home::Home;

/// Where it is.
fn path(home: &Home) -> PathBuf {
    home.folder().join("control.sock")
}

/// A client that comes by the socket.
pub struct Shell(Client);

impl Shell {
    pub fn of(home: &Home) -> Self {
        let client = Client::builder().http1_only().no_proxy().pool_max_idle_per_host(0);
        Self(client.unix_socket(path(home)).build().expect("an HTTP client"))
    }

    pub fn request(&self, method: Method, route: &str) -> reqwest::RequestBuilder {
        self.0.request(method, format!("http://localhost{route}"))
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::read(request.send().await.expect("an answer")).await
    }

    async fn get(&self, route: &str) -> Answer {
        self.send(self.request(Method::GET, route)).await
    }

    async fn call(&self, method: Method, route: &str, body: &Value) -> Answer {
        self.send(self.request(method, route).json(body)).await
    }
}
