//! What a tracker and a support tool do: post events, read journeys.

use reqwest::{Body, Method, RequestBuilder};
use serde_json::Value;

use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::service::Service;

impl Service {
    /// A request to one of the routes.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// Sends a request, which has to be answered. Where the route is for
    /// somebody and the request does not say who calls, it is the administrator.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let mut builder = RequestBuilder::from_parts(self.http.clone(), request);
        if self.needs_caller(&builder) {
            builder = builder.bearer_auth(self.admin().await);
        }
        self.send_as_it_is(builder).await
    }

    /// Sends a request, which has to be answered, and adds nothing to it.
    pub async fn send_as_it_is(&self, request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.expect("an answer")).await
    }

    fn needs_caller(&self, request: &RequestBuilder) -> bool {
        const GUARDED: [&str; 11] = [
            "/users",
            "/search",
            "/accounts",
            "/health",
            "/stats",
            "/metrics",
            "/refused",
            "/api/",
            "/session",
            "/dead-letters",
            "/processors",
        ];
        let request = request.try_clone().and_then(|copy| copy.build().ok());
        request.is_some_and(|request| {
            let headers = request.headers();
            let path = request.url().path();
            // Not a beginning: /livez is for everybody.
            let is_guarded = path == "/live" || GUARDED.iter().any(|of| path.starts_with(of));
            is_guarded && !headers.contains_key("authorization") && !headers.contains_key("cookie")
        })
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// All dead letters, newest first.
    pub async fn dead_letters(&self) -> Vec<Value> {
        let page = self.get("/dead-letters?limit=500").await.expect(200).json();
        assert!(page["nextCursor"].is_null());
        page["deadLetters"].as_array().expect("a list").clone()
    }

    /// POST to a path, events as JSON.
    pub async fn post_to(&self, path: &str, events: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(events)).await
    }

    /// POST /events as JSON.
    pub async fn post(&self, events: &Value) -> Answer {
        self.post_as("application/json", events.to_string()).await
    }

    /// POST /events with a body and a content type as they are.
    pub async fn post_as(&self, media_type: &str, body: impl Into<Body>) -> Answer {
        let request =
            self.request(Method::POST, "/events").header("content-type", media_type).body(body);
        self.send(request).await
    }

    /// Posts events until there is room for them, also in the share of their account or write
    /// key, and returns their ids.
    pub async fn post_when_there_is_room(&self, events: &Value) -> Vec<String> {
        let body = events.to_string();
        eventually("there is room in the buffer", SOON, || async {
            let answer = self.post_as("application/json", body.clone()).await;
            (![429, 503].contains(&answer.status)).then(|| answer.expect(202).event_ids())
        })
        .await
    }

    /// One page of a journey. The query starts with its question mark, or is
    /// empty.
    pub async fn journey(&self, user: &str, query: &str) -> Value {
        let path = format!("/users/{user}/journey{query}");
        self.get(&path).await.expect(200).json()
    }

    /// The ids of one page of a journey.
    pub async fn journey_ids(&self, user: &str, query: &str) -> Vec<String> {
        ids_of(&self.journey(user, query).await)
    }

    /// The whole journey of a user, oldest first, as the export gives it.
    pub async fn export_ids(&self, user: &str) -> Vec<String> {
        let request = self
            .request(Method::GET, &format!("/users/{user}/journey?order=asc"))
            .header("accept", "application/x-ndjson");
        let answer = self.send(request).await.expect(200);
        answer
            .text()
            .lines()
            .map(|line| {
                let event: Value = serde_json::from_str(line).expect("a line of JSON");
                event["eventId"].as_str().expect("an id").to_owned()
            })
            .collect()
    }

    /// GET /stats.
    pub async fn stats(&self) -> Value {
        self.get("/stats").await.expect(200).json()
    }

    /// How many events are accepted and not yet stored.
    pub async fn buffered(&self) -> u64 {
        self.stats().await["bufferSize"].as_u64().expect("a number")
    }

    /// Waits until /health answers with a status: 503 tells that the database is away.
    pub async fn wait_until_health_is(&self, status: u16) {
        eventually(&format!("/health answers {status}"), SOON, || async {
            (self.get("/health").await.status == status).then_some(())
        })
        .await;
    }

    /// Waits until all that was accepted is stored.
    pub async fn wait_until_flushed(&self) {
        eventually("the buffer is empty", 3 * SOON, || async {
            (self.buffered().await == 0).then_some(())
        })
        .await;
    }
}

/// The ids of a page, in its order.
pub fn ids_of(page: &Value) -> Vec<String> {
    page["events"]
        .as_array()
        .expect("a list of events")
        .iter()
        .map(|event| event["eventId"].as_str().expect("an id").to_owned())
        .collect()
}
