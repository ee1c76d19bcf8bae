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
    /// Its place among its user's events, in the order of sending.
    pub number: i64,
    pub occurred_at: i64,
    pub hash: Hash,
}

impl Sent {
    /// The place in its user's journey that it was sent for.
    pub fn place(&self) -> (i64, i64) {
        (self.occurred_at, self.number)
    }
}

impl From<&Content> for Sent {
    fn from(content: &Content) -> Self {
        Self {
            user: content.user.clone(),
            event_id: content.event_id.clone(),
            number: content.number,
            occurred_at: content.occurred_at,
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
    hits: Mutex<Hits>,
    accepted: AtomicU64,
    refused: AtomicU64,
}

impl Oracle {
    /// Notes a batch.
    pub fn note(&self, batch: Batch) {
        let events = batch.events.len() as u64;
        match batch.answer {
            Answer::Accepted => self.accepted.fetch_add(events, Ordering::Relaxed),
            Answer::Refused => self.refused.fetch_add(events, Ordering::Relaxed),
            Answer::None => 0,
        };
        self.batches.lock().push(batch);
    }

    /// How many events are accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many events are refused so far.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Reads the notes: the batches, and the places of those that were hit.
    pub fn read<T>(&self, reader: impl FnOnce(&[Batch], &HashSet<usize>) -> T) -> T {
        let batches = self.batches.lock();
        let mut hits = self.hits.lock();
        let frames = std::mem::take(&mut hits.frames);
        let places = frames.iter().filter_map(|frame| place_of(frame, &batches));
        hits.places.extend(places);
        reader(&batches, &hits.places)
    }

    /// Notes that a frame of the journal was damaged on purpose. Whose it is
    /// is looked up later: its producer may not have noted the batch yet.
    pub fn note_hit(&self, frame: &[u8]) {
        self.hits.lock().frames.push(frame.to_owned());
    }
}

/// What was damaged on purpose while the journal alone had it.
#[derive(Default)]
struct Hits {
    /// As they were before, and not looked up yet.
    frames: Vec<Vec<u8>>,
    /// Of their batches.
    places: HashSet<usize>,
}

/// The batch whose events are in a frame, by the id of its first one.
fn place_of(frame: &[u8], batches: &[Batch]) -> Option<usize> {
    batches.iter().rposition(|batch| {
        batch.events.first().is_some_and(|event| {
            let id = event.event_id.as_bytes();
            frame.windows(id.len()).any(|window| window == id)
        })
    })
}
