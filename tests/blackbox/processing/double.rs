//! A processor inside the test, which answers what the test says, when the test says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub at: Instant,
    pub uri: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Asked {
    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header in ASCII"))
    }

    pub fn user(&self) -> &str {
        self.body["userId"].as_str().unwrap_or_default()
    }

    pub fn event_id(&self) -> &str {
        self.body["eventId"].as_str().unwrap_or_default()
    }
}

/// Listens until it is dropped.
pub struct Double {
    pub url: String,
    lines: Lines,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: JoinHandle<()>,
}

/// What was asked and answered, in the form of the example processor's file.
type Lines = Arc<Mutex<Vec<Value>>>;

impl Double {
    /// `answer` says what each request is answered.
    pub async fn start<A>(answer: impl Fn(Asked) -> A + Clone + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Response> + Send + 'static,
    {
        let (lines, asked) = (Lines::default(), Arc::<Mutex<Vec<Asked>>>::default());
        let (to_lines, to_asked) = (Arc::clone(&lines), Arc::clone(&asked));
        let take = async move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let body = serde_json::from_slice(&body).expect("an event as JSON");
            let request = Asked { at: Instant::now(), uri: uri.to_string(), headers, body };
            to_asked.lock().expect("requests").push(request.clone());
            note(&to_lines, &request, None);
            let answered = answer(request.clone()).await;
            note(&to_lines, &request, Some(answered.status().as_u16()));
            answered
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(take);
        let server = tokio::spawn(async { axum::serve(listener, router).await.expect("a server") });
        Self { url, lines, asked, server }
    }

    /// What was asked and answered so far, as [`ExampleProcessor::log`] has it.
    ///
    /// [`ExampleProcessor::log`]: crate::processor::ExampleProcessor::log
    pub fn log(&self) -> Vec<Value> {
        self.lines.lock().expect("lines").clone()
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("requests").clone()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn note(lines: &Lines, request: &Asked, status: Option<u16>) {
    let line = json!({
        "what": if status.is_some() { "answer" } else { "request" },
        "webhookId": request.header("webhook-id"),
        "attempt": request.header("trailkeep-attempt").parse::<u32>().ok(),
        "user": request.user(),
        "eventId": request.event_id(),
        "status": status,
    });
    lines.lock().expect("lines").push(line);
}

/// A success that says nothing.
pub fn taken() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// An answer with nothing but a status.
pub fn status(code: u16) -> Response {
    StatusCode::from_u16(code).expect("a status").into_response()
}

/// Something that is true until the test says otherwise.
#[derive(Clone)]
pub struct Switch(Arc<AtomicBool>);

impl Switch {
    pub fn on() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    pub fn turn(&self, is_on: bool) {
        self.0.store(is_on, Ordering::SeqCst);
    }

    /// Waits until it is off.
    pub async fn off(&self) {
        while self.is_on() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
