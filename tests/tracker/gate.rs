//! Who stands between pages and the service, and does what networks and proxies do.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use reqwest::{Client, Method};
use serde_json::Value;
use tokio::net::TcpStream;
use trailkeep_testkit::service::{Service, http_client};

use crate::net::{self, Request};

/// What becomes of a request with events.
#[derive(Debug, Clone)]
pub enum Way {
    /// It comes through, and so does its answer.
    Open,
    /// The connection ends without an answer.
    Cut,
    /// The service has it, and its answer is lost.
    AnswerLost,
    /// It is answered here, with this status and `Retry-After`.
    Answered(u16, u32),
}

/// A request with events that came by.
#[derive(Debug, Clone)]
pub struct Passed {
    pub at: Instant,
    pub request: Request,
    /// What was answered, if anything.
    pub status: Option<u16>,
}

impl Passed {
    /// Its events.
    pub fn events(&self) -> Vec<Value> {
        let envelope: Value = serde_json::from_str(&self.request.body).expect("an envelope");
        envelope["events"].as_array().expect("events").clone()
    }
}

/// The gate, with an origin of its own.
pub struct Gate {
    pub origin: String,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

struct Shared {
    service: Mutex<SocketAddr>,
    way: Mutex<Way>,
    passed: Mutex<Vec<Passed>>,
    client: Client,
}

impl Gate {
    pub async fn to(service: &Service) -> Self {
        let (listener, origin) = net::listener().await;
        let shared = Arc::new(Shared {
            service: Mutex::new(service.address()),
            way: Mutex::new(Way::Open),
            passed: Mutex::default(),
            client: http_client(0),
        });
        let at_work = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, Arc::clone(&at_work)));
            }
        });
        Self { origin, shared, server }
    }

    /// What becomes of requests from now on.
    pub fn is(&self, way: Way) {
        *self.shared.way.lock().unwrap() = way;
    }

    /// Leads to this service from now on.
    pub fn leads_to(&self, service: &Service) {
        *self.shared.service.lock().unwrap() = service.address();
    }

    /// The requests with events so far.
    pub fn passed(&self) -> Vec<Passed> {
        self.shared.passed.lock().unwrap().clone()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(request) = Request::read(&mut stream).await else { return };
    let has_events = request.path.starts_with("/events");
    let way = if has_events { shared.way.lock().unwrap().clone() } else { Way::Open };
    let at = Instant::now();
    let answer = match way {
        Way::Open => forward(&request, &shared).await,
        Way::Cut => None,
        Way::AnswerLost => {
            forward(&request, &shared).await;
            None
        }
        Way::Answered(status, pause) => Some((
            status,
            vec![
                ("access-control-allow-origin".to_owned(), "*".to_owned()),
                ("access-control-expose-headers".to_owned(), "retry-after".to_owned()),
                ("retry-after".to_owned(), pause.to_string()),
            ],
            Vec::new(),
        )),
    };
    if has_events {
        let status = answer.as_ref().map(|(status, ..)| *status);
        shared.passed.lock().unwrap().push(Passed { at, request, status });
    }
    if let Some((status, headers, body)) = answer {
        let _ = net::answer(&mut stream, status, &headers, &body).await;
    }
}

type Answer = (u16, Vec<(String, String)>, Vec<u8>);

async fn forward(request: &Request, shared: &Shared) -> Option<Answer> {
    let address = *shared.service.lock().unwrap();
    let method = Method::from_bytes(request.method.as_bytes()).ok()?;
    let mut forwarded = shared.client.request(method, format!("http://{address}{}", request.path));
    for name in ["content-type", "origin", "accept-encoding", "if-none-match"] {
        if !request.header(name).is_empty() {
            forwarded = forwarded.header(name, request.header(name));
        }
    }
    let answer = forwarded.body(request.body.clone()).send().await.ok()?;
    let own = ["connection", "content-length", "transfer-encoding"];
    let headers = answer
        .headers()
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect();
    let status = answer.status().as_u16();
    Some((status, headers, answer.bytes().await.ok()?.to_vec()))
}
