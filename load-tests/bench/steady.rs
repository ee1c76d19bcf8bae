//! Events of many users at a steady, modest rate, each with the moment of its 202.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::user_name;
use crate::connection::Connection;
use crate::numbered::{self, Numbered};

/// From one request to the next, and events of one: 500 a second.
const INTERVAL: Duration = Duration::from_millis(10);
const TOGETHER: u32 = 5;
/// A user has an event in 20 seconds, so none waits for its own.
const USERS: u32 = 10_000;
const KIND: &str = "steady";

/// A thread that sends. Dropping it ends it.
pub struct Steady {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Vec<Instant>, Trouble>>>,
}

impl Steady {
    /// Sends from now on.
    pub fn start(address: SocketAddr) -> Result<Self, Trouble> {
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let thread = std::thread::Builder::new()
            .name("steady".to_owned())
            .spawn(move || send(address, &ends))
            .during("starting a thread")?;
        Ok(Self { is_over, thread: Some(thread) })
    }

    /// Sends no more; gives when each event was answered 202.
    pub fn stop(mut self) -> Result<Vec<Instant>, Trouble> {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        ended.and_then(Result::ok).unwrap_or_else(|| Err(Trouble("a sender panicked".to_owned())))
    }
}

impl Drop for Steady {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn send(address: SocketAddr, is_over: &AtomicBool) -> Result<Vec<Instant>, Trouble> {
    let mut connection = Connection::open(address).during("connecting")?;
    let (begun, mut accepted) = (Instant::now(), Vec::new());
    for request in 0.. {
        std::thread::sleep((INTERVAL * request).saturating_sub(begun.elapsed()));
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let first = request * TOGETHER;
        let users: Vec<String> =
            (first..first + TOGETHER).map(|number| user_name(number % USERS)).collect();
        let events = (first..).zip(&users);
        let events = events.map(|(number, user)| Numbered { user, kind: KIND, number });
        numbered::post(&mut connection, &numbered::request(events))?;
        accepted.resize(accepted.len() + users.len(), Instant::now());
    }
    Ok(accepted)
}
