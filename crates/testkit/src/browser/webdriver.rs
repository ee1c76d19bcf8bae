//! The WebDriver protocol, as much of it as these tests speak: JSON over HTTP to a
//! driver on this machine.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// How the protocol names an element in what it answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long the end of a browser is waited for.
const END_LIMIT: Duration = Duration::from_secs(10);

/// What a driver did not do.
#[derive(Debug)]
pub struct Refusal(pub String);

/// One browser. Dropping it ends that.
pub struct Session {
    http: reqwest::Client,
    driver: SocketAddr,
    id: String,
}

/// An element of a page, for as long as that is there.
pub struct Element(String);

impl Session {
    /// Has the driver start a browser.
    pub async fn open(driver: SocketAddr, wanted: &Value) -> Result<Self, Refusal> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(120))
            .build()
            .map_err(refusal)?;
        let body = json!({ "capabilities": { "alwaysMatch": wanted } });
        let request = http.post(format!("http://{driver}/session")).json(&body);
        let answer = sent(request).await?;
        let id = answer["sessionId"].as_str().unwrap_or_default().to_owned();
        Ok(Self { http, driver, id })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/session/{}{path}", self.driver, self.id)
    }

    /// POST below the session.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        sent(self.http.post(self.url(path)).json(body)).await
    }

    /// GET below the session.
    pub async fn get(&self, path: &str) -> Result<Value, Refusal> {
        sent(self.http.get(self.url(path))).await
    }

    /// DELETE below the session.
    pub async fn delete(&self, path: &str) -> Result<Value, Refusal> {
        sent(self.http.delete(self.url(path))).await
    }

    /// What a script returns.
    pub async fn execute(&self, script: &str) -> Result<Value, Refusal> {
        self.post("/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// The first element that a selector finds.
    pub async fn find(&self, css: &str) -> Result<Element, Refusal> {
        let found =
            self.post("/element", &json!({ "using": "css selector", "value": css })).await?;
        let id = found[ELEMENT].as_str().ok_or_else(|| Refusal(format!("{css}: {found}")))?;
        Ok(Element(id.to_owned()))
    }

    /// POST below an element.
    pub async fn post_to(
        &self,
        element: &Element,
        path: &str,
        body: &Value,
    ) -> Result<(), Refusal> {
        self.post(&format!("/element/{}{path}", element.0), body).await.map(|_| ())
    }

    /// A command of the protocol that Chromium's own tools speak.
    pub async fn cdp(&self, command: &str, parameters: &Value) -> Result<Value, Refusal> {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await
    }
}

async fn sent(request: reqwest::RequestBuilder) -> Result<Value, Refusal> {
    let answer = request.send().await.map_err(refusal)?;
    let is_done = answer.status().is_success();
    let mut body: Value = answer.json().await.map_err(refusal)?;
    let value = body["value"].take();
    if is_done {
        return Ok(value);
    }
    let of = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Err(Refusal(format!("{}: {}", of("error"), of("message"))))
}

fn refusal(error: impl std::error::Error) -> Refusal {
    Refusal(format!("the driver does not answer: {error}"))
}

/// By hand, for nothing asynchronous can be waited for here. A driver that does not
/// answer is ended with the tests.
impl Drop for Session {
    fn drop(&mut self) {
        let Ok(mut driver) = TcpStream::connect(self.driver) else { return };
        let _ = driver.set_read_timeout(Some(END_LIMIT));
        let request = format!(
            "DELETE /session/{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.id, self.driver
        );
        let _ = driver.write_all(request.as_bytes());
        let _ = driver.read(&mut [0; 64]);
    }
}
