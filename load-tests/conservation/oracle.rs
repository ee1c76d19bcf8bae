//! What was sent, and what was answered.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::content::{Content, Hash};

/// What a producer learned about a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 202: it is promised.
    Accepted,
    /// 503 or another refusal: it must not be there.
    Refused,
    /// No answer: it is there, or it is not.
    None,
}

/// One event of a batch, as far as it has to be remembered.
#[derive(Debug)]
pub struct Sent {
    pub user: String,
    pub event_id: String,
    pub number: i64,
    pub hash: Hash,
}

impl From<&Content> for Sent {
    fn from(content: &Content) -> Self {
        Self {
            user: content.user.clone(),
            event_id: content.event_id.clone(),
            number: content.number,
            hash: content.hash(),
        }
    }
}

/// The events of one request.
#[derive(Debug)]
pub struct Batch {
    pub events: Vec<Sent>,
    pub answer: Answer,
}

/// The notes of all producers of a scene.
#[derive(Default)]
pub struct Oracle {
    batches: Mutex<Vec<Batch>>,
    /// Places of batches that were damaged on purpose while the journal alone
    /// had them.
    hit: Mutex<HashSet<usize>>,
    accepted: AtomicU64,
}

impl Oracle {
    /// Notes a batch.
    pub fn note(&self, batch: Batch) {
        if batch.answer == Answer::Accepted {
            self.accepted
                .fetch_add(batch.events.len() as u64, Ordering::Relaxed);
        }
        self.batches.lock().push(batch);
    }

    /// How many events are accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Reads the notes: the batches, and the places of those that were hit.
    pub fn read<T>(&self, reader: impl FnOnce(&[Batch], &HashSet<usize>) -> T) -> T {
        reader(&self.batches.lock(), &self.hit.lock())
    }

    /// Notes that the batch was hit whose events these bytes hold.
    pub fn note_hit(&self, bytes: &[u8]) {
        let batches = self.batches.lock();
        let holds = |batch: &Batch| {
            batch.events.first().is_some_and(|event| {
                let id = event.event_id.as_bytes();
                bytes.windows(id.len()).any(|window| window == id)
            })
        };
        if let Some(place) = batches.iter().rposition(holds) {
            self.hit.lock().insert(place);
        }
    }

    /// How many accepted events are in batches that were hit.
    pub fn accepted_and_hit(&self) -> u64 {
        self.read(|batches, hit| {
            hit.iter()
                .map(|&place| &batches[place])
                .filter(|batch| batch.answer == Answer::Accepted)
                .map(|batch| batch.events.len() as u64)
                .sum()
        })
    }
}
