//! What other collectors' SDKs send, with bodies in the shape in which they were seen to
//! send them.

mod answers;
mod keys;
mod minimising;
mod posthog;
mod segment;
mod starting;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::answer::Answer;
use crate::service::Service;

/// The write key that the bodies have in them.
const KEY: &str = "wk-9f8e7d6c5b4a3210";
/// A setting that makes it one.
const WITH_KEY: (&str, &str) = ("ACCESS_WRITE_KEYS", "shop:wk-9f8e7d6c5b4a3210");
/// A user agent of a browser.
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

fn request(service: &Service, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    service.request(Method::POST, path).body(body)
}

/// POST to a path, with a body and without a media type.
async fn post(service: &Service, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    service.send_as_it_is(request(service, path, body)).await
}

/// The events of a user, the oldest first.
async fn journey(service: &Service, user: &str) -> Vec<Value> {
    let path = format!("/users/{user}/journey?order=asc");
    let page = service.get(&path).await.expect(200).json();
    page["events"].as_array().expect("a list").clone()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}
