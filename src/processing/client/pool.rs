//! Connections that nobody uses at the moment.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use super::connection::Connection;

/// A server that says how long it keeps a connection begins to count when its answer
/// has left. This much earlier we are done with it.
const MARGIN: Duration = Duration::from_secs(1);

/// Idle connections to one processor.
#[derive(Debug)]
pub struct Pool {
    most: usize,
    idle_limit: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The one that was used last is at the end, and is used next: so those that are
    /// not needed grow old.
    idle: Vec<Idle>,
    /// Whether somebody closes what has grown old.
    is_swept: bool,
}

struct Idle {
    connection: Connection,
    until: Instant,
}

impl Pool {
    /// Keeps so many connections, each for so long.
    pub fn new(most: usize, idle_limit: Duration) -> Arc<Self> {
        Arc::new(Self { most, idle_limit, state: Mutex::default() })
    }

    /// A connection that its other side has not closed, as far as anybody here can
    /// know. Any that is of no use is closed.
    pub fn take(&self) -> Option<Connection> {
        let now = Instant::now();
        loop {
            let idle = self.state.lock().idle.pop()?;
            if idle.until > now && idle.connection.is_quiet() {
                return Some(idle.connection);
            }
        }
    }

    /// Keeps a connection, for as long as its other side does if that says so.
    pub fn put(self: &Arc<Self>, connection: Connection, keep: Option<Duration>) {
        let keep = keep.map_or(self.idle_limit, |keep| keep.saturating_sub(MARGIN));
        let until = Instant::now() + keep.min(self.idle_limit);
        let mut state = self.state.lock();
        if state.idle.len() >= self.most || keep.is_zero() {
            return;
        }
        state.idle.push(Idle { connection, until });
        if !state.is_swept {
            state.is_swept = true;
            tokio::spawn(sweep(Arc::downgrade(self), self.idle_limit));
        }
    }

    /// Closes what has grown old; answers whether anything is left.
    fn close_old(&self) -> bool {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.idle.retain(|idle| idle.until > now);
        state.is_swept = !state.idle.is_empty();
        state.is_swept
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.state.lock().idle.len()
    }
}

/// Ends with the pool, or when it has nothing to do.
async fn sweep(pool: Weak<Pool>, pause: Duration) {
    loop {
        sleep(pause).await;
        if !pool.upgrade().is_some_and(|pool| pool.close_old()) {
            return;
        }
    }
}

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idle").field("until", &self.until).finish_non_exhaustive()
    }
}
