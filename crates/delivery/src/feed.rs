//! What is in a document of a feed, and how a process writes its documents.
//!
//! A document is a version (1 byte), then its entries, each of 40 bytes: the key of
//! the user, the identity, and the arrival number (8 bytes, little endian).

use std::collections::VecDeque;

use trailkeep_event::{Arrival, StoreId};

use crate::names::{DocumentId, Entry, Process, UserKey};

const VERSION: u8 = 1;

/// Bytes of one entry.
const ENTRY: usize = 40;

/// Entries of one document at the most: as many events as one write has. A document
/// of 20 KB is far from what any store refuses.
pub const MAX_ENTRIES: usize = 500;

/// Writes the entries of a document down.
pub fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + entries.len() * ENTRY);
    bytes.push(VERSION);
    for entry in entries {
        bytes.extend_from_slice(&entry.user.0);
        bytes.extend_from_slice(entry.id.as_bytes());
        bytes.extend_from_slice(&entry.arrival.as_i64().to_le_bytes());
    }
    bytes
}

/// Reads the entries of a document; `None` for what no version up to this one wrote.
pub fn decode(bytes: &[u8]) -> Option<Vec<Entry>> {
    let (&version, entries) = bytes.split_first()?;
    let (entries, rest) = entries.as_chunks::<ENTRY>();
    (version == VERSION && rest.is_empty()).then(|| entries.iter().map(entry).collect())
}

fn entry(bytes: &[u8; ENTRY]) -> Entry {
    let (mut user, mut id, mut arrival) = ([0; 16], [0; 16], [0; 8]);
    user.copy_from_slice(&bytes[..16]);
    id.copy_from_slice(&bytes[16..32]);
    arrival.copy_from_slice(&bytes[32..]);
    Entry {
        user: UserKey(user),
        id: StoreId::from_bytes(id),
        arrival: Arrival::from_i64(i64::from_le_bytes(arrival)),
    }
}

/// The documents of one process in the feed of one processor, one after the other.
///
/// What waits becomes a document when the one before it is acknowledged, and stays the
/// same document until it is: so another try sends the same bytes, and a document that
/// is there already is an earlier try.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Outlet {
    next: DocumentId,
    /// What the document holds that is being written; empty while none is.
    writing: Vec<Entry>,
    waiting: VecDeque<Entry>,
}

impl Outlet {
    /// Nothing is written yet. `process` was never used before.
    pub fn new(process: Process) -> Self {
        let next = DocumentId { process, number: 1 };
        Self { next, writing: Vec::new(), waiting: VecDeque::new() }
    }

    /// Puts entries behind the others.
    pub fn push(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.waiting.extend(entries);
    }

    /// Entries that are not acknowledged.
    pub fn len(&self) -> usize {
        self.writing.len() + self.waiting.len()
    }

    /// Whether everything is acknowledged.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The document to be written now, or to be tried again; `None` when nothing
    /// waits.
    pub fn document(&mut self) -> Option<(DocumentId, &[Entry])> {
        if self.writing.is_empty() {
            let entries = self.waiting.len().min(MAX_ENTRIES);
            self.writing.extend(self.waiting.drain(..entries));
        }
        (!self.writing.is_empty()).then_some((self.next, &self.writing[..]))
    }

    /// The document of before is acknowledged.
    pub fn acknowledged(&mut self) {
        if !self.writing.is_empty() {
            self.writing.clear();
            self.next.number += 1;
        }
    }
}
