//! In which order documents of several processes are read.
//!
//! The documents of a process are read in order. Which process is next is told by the
//! lowest arrival number in the next document of each, so that what a process fed that is
//! dead now comes before what its successor on the same machine fed, and what several
//! instances fed comes about as it arrived.
//!
//! For that, all next documents have to be known. A *round* finds which processes have
//! documents, and reads of each. A document is taken after a round that was begun when it
//! had been read already: what that does not find was not there before it.
//!
//! And it is taken only after the lease was found unchanged, later than all of that was
//! read. Another owner may have parked a user, and forgotten the documents of the user's
//! earlier events: who reads the later ones then, and does not know the record, would let
//! them overtake.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::names::{DocumentId, Entry, Process};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Read {
    id: DocumentId,
    entries: Vec<Entry>,
    /// The lowest arrival number in it, which is 0 for one without entries.
    lowest: i64,
    /// Whether it was read in this round.
    is_new: bool,
}

/// What was read of a feed, up to where, and what is next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Reader {
    /// From which number on each process is read next.
    next: BTreeMap<Process, u64>,
    read: BTreeMap<Process, VecDeque<Read>>,
    /// What this round has still to read; `None` before it is known.
    wanted: Option<BTreeSet<Process>>,
    /// Whether the lease was found unchanged since.
    is_confirmed: bool,
}

impl Reader {
    /// Has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a round. The processes that have documents are to be found next.
    pub fn begin(&mut self) {
        self.wanted = None;
        self.is_confirmed = false;
        for read in self.read.values_mut().flatten() {
            read.is_new = false;
        }
    }

    /// These processes have documents, from these on.
    pub fn listed(&mut self, lowest: impl IntoIterator<Item = DocumentId>) {
        let mut wanted = BTreeSet::new();
        for DocumentId { process, number } in lowest {
            // Fed by a process that was not known: all of it is read.
            self.next.entry(process).or_insert(number);
            if self.read.get(&process).is_none_or(VecDeque::is_empty) {
                wanted.insert(process);
            }
        }
        // What has none any more, and was read, may have others later: those begin
        // where the last ended.
        self.wanted = Some(wanted);
    }

    /// What this round has to read still: of each process the documents from this one
    /// on.
    pub fn wanted(&self) -> impl Iterator<Item = DocumentId> {
        let processes = self.wanted.iter().flatten().copied();
        processes.map(|process| DocumentId {
            process,
            number: self.next.get(&process).copied().unwrap_or(1),
        })
    }

    /// What was read of a process, in order.
    pub fn found(
        &mut self,
        process: Process,
        documents: impl IntoIterator<Item = (DocumentId, Vec<Entry>)>,
    ) {
        if let Some(wanted) = &mut self.wanted {
            wanted.remove(&process);
        }
        let read = self.read.entry(process).or_default();
        for (id, entries) in documents {
            self.next.insert(process, id.number + 1);
            let lowest = entries.iter().map(|entry| entry.arrival.as_i64()).min().unwrap_or(0);
            read.push_back(Read { id, entries, lowest, is_new: true });
        }
    }

    /// Whether the round has read all that it wants, so that the lease can be looked at.
    pub fn is_complete(&self) -> bool {
        self.wanted.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// The lease was read after the round was complete, and is still ours.
    pub fn confirm(&mut self) {
        self.is_confirmed = self.is_complete();
    }

    /// Takes the next document; `None` where another round is needed first.
    pub fn take(&mut self) -> Option<(DocumentId, Vec<Entry>)> {
        if !self.is_confirmed {
            return None;
        }
        let heads = self.read.iter().filter_map(|(process, read)| Some((process, read.front()?)));
        let (&process, head) = heads.min_by_key(|(_, head)| head.lowest)?;
        if head.is_new {
            return None;
        }
        let queue = self.read.get_mut(&process)?;
        let read = queue.pop_front()?;
        // What follows it is known only if it was read along.
        self.is_confirmed = !queue.is_empty();
        Some((read.id, read.entries))
    }

    /// Whether a document was read.
    pub fn has_read(&self, id: DocumentId) -> bool {
        self.next.get(&id.process).is_some_and(|next| id.number < *next)
    }

    /// Whether a document was read and handed on: it is not waiting here to be taken.
    pub fn has_handed_on(&self, id: DocumentId) -> bool {
        let is_here = |read: &VecDeque<Read>| read.iter().any(|read| read.id == id);
        self.has_read(id) && !self.read.get(&id.process).is_some_and(is_here)
    }

    /// Whether anything was read in this round, which another one has to follow.
    pub fn has_new(&self) -> bool {
        self.read.values().flatten().any(|read| read.is_new)
    }

    /// Documents that were read and not taken.
    pub fn buffered(&self) -> usize {
        self.read.values().map(VecDeque::len).sum()
    }
}
