//! What is sent, where and when.

use std::net::SocketAddr;

use crate::batch::{Batch, People};

/// When requests are sent.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Each connection sends as soon as it is answered.
    Closed,
    /// At a fixed rate, whatever the answers do: so many requests a second in
    /// all. Latency counts from when a request was due.
    Open(f64),
}

/// What is sent.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The services; connections take turns.
    pub targets: Vec<SocketAddr>,
    pub connections: usize,
    /// Events in a request.
    pub batch: usize,
    pub people: People,
    pub pace: Pace,
    pub seed: u64,
}

impl Plan {
    /// What a connection sends.
    pub fn batch_of(&self, connection: usize) -> Batch {
        let seed = self.seed.wrapping_mul(1_000_003) + connection as u64;
        Batch::new(self.batch, self.people, seed)
    }

    /// Where it sends it.
    pub fn target_of(&self, connection: usize) -> SocketAddr {
        self.targets[connection % self.targets.len()]
    }
}
