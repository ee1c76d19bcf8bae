//! A processor in this program, which refuses one event until it is told not to, and
//! notes what it took and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::numbered::read_id;

/// One that listens. Dropping it ends it.
pub struct Refusing {
    url: String,
    notes: Arc<Notes>,
    serving: JoinHandle<()>,
}

/// What it was sent.
struct Notes {
    /// What the ids of the one user's events begin with; the first of them is refused.
    kind: &'static str,
    refuses: AtomicBool,
    refused: AtomicU64,
    /// Of that user, in the order in which they were taken.
    taken: Mutex<Vec<u32>>,
    /// Of others: which, and when it came.
    others: Mutex<Vec<(u32, Instant)>>,
}

impl Refusing {
    /// One to which events whose id begins so are the one user's. It refuses the first
    /// of these if `refuses`.
    pub async fn start(kind: &'static str, refuses: bool) -> Result<Self, Trouble> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.during("a processor's port")?;
        let address = listener.local_addr().during("a processor's port")?;
        let notes = Arc::new(Notes {
            kind,
            refuses: AtomicBool::new(refuses),
            refused: AtomicU64::new(0),
            taken: Mutex::default(),
            others: Mutex::default(),
        });
        let router = Router::new().route("/events", post(take)).with_state(Arc::clone(&notes));
        let serving = tokio::spawn(async move {
            // It ends when it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url: format!("http://{address}"), notes, serving })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Refuses nothing from now on.
    pub fn mend(&self) {
        self.notes.refuses.store(false, Ordering::Relaxed);
    }

    /// How often it has refused the one event.
    pub fn refused(&self) -> u64 {
        self.notes.refused.load(Ordering::Relaxed)
    }

    /// How many events of the one user it has taken.
    pub fn taken(&self) -> usize {
        self.notes.taken.lock().len()
    }

    /// The numbers of these, in their order.
    pub fn numbers(&self) -> Vec<u32> {
        self.notes.taken.lock().clone()
    }

    /// Which events of others came, and when.
    pub fn others(&self) -> Vec<(u32, Instant)> {
        self.notes.others.lock().clone()
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// An event, as far as it is of interest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    event_id: String,
}

async fn take(State(notes): State<Arc<Notes>>, Json(sent): Json<Sent>) -> StatusCode {
    let came = Instant::now();
    match read_id(&sent.event_id) {
        Some((kind, 0)) if kind == notes.kind && notes.refuses.load(Ordering::Relaxed) => {
            notes.refused.fetch_add(1, Ordering::Relaxed);
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Some((kind, number)) if kind == notes.kind => {
            notes.taken.lock().push(number);
            StatusCode::OK
        }
        Some((_, number)) => {
            notes.others.lock().push((number, came));
            StatusCode::OK
        }
        None => StatusCode::BAD_REQUEST,
    }
}
