//! The thread that writes the journal.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::warn;

use super::frame::Body;
use super::pace::Pace;
use super::recovery::Recovered;
use super::runs::{Place, Runs};
use super::segment::{Disk, SegmentFile};
use super::segments::Segments;
use super::{Done, NotWritten, OnStuck, Rules};
use crate::event::Arrival;

/// A batch to be written.
pub struct Submission {
    pub body: Body,
    /// The highest arrival number in it; `None` for a mere note.
    pub last: Option<Arrival>,
    pub done: Done,
}

/// Bytes that one write may have before it is synced: what comes on top waits
/// for the next, so that a flood does not make everybody wait for all of it.
const GROUP_BYTES: usize = 4 << 20;
/// After how long without a batch it is noted what may be forgotten.
const IDLE: Duration = Duration::from_secs(1);

/// What the writer has in common with others.
#[derive(Clone)]
pub struct Shared {
    /// What can be read back; kept by the writer.
    pub runs: Arc<Runs>,
    /// Below which arrival number all may be forgotten; kept by others.
    pub forget_before: Arc<AtomicI64>,
}

pub struct Writer<D: Disk> {
    segments: Segments<D>,
    shared: Shared,
    pace: Pace,
    /// What the last frame says is stored.
    noted: i64,
    scratch: Vec<u8>,
}

impl<D: Disk> Writer<D> {
    pub fn new(
        disk: Arc<D>,
        recovered: &Recovered,
        shared: Shared,
        rules: Rules,
        on_stuck: OnStuck,
    ) -> Self {
        Self {
            segments: Segments::new(disk, recovered, shared.clone(), rules.max_bytes, on_stuck),
            shared,
            pace: Pace::new(rules.sync_interval),
            noted: i64::MIN,
            scratch: Vec::new(),
        }
    }

    /// Writes what comes until there is nobody left to send.
    pub fn run(mut self, submissions: &Receiver<Submission>) {
        // Before the first batch waits for it; what goes wrong comes up again.
        let _ = self.segments.segment_for(0);
        let mut is_more_there = false;
        loop {
            if !is_more_there {
                thread::sleep(self.pace.rest(Instant::now()));
            }
            match submissions.recv_timeout(IDLE) {
                Ok(first) => {
                    let group = gather(first, submissions);
                    is_more_there = group.is_cut;
                    self.pace.begins(group.batches.len(), Instant::now());
                    self.commit(group.batches);
                }
                Err(RecvTimeoutError::Timeout) => self.idle(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.note_forgotten();
        self.segments.finish();
    }

    /// What is done while no batch comes. A journal without a segment gets one
    /// as soon as that is possible: while it has none the service is unready,
    /// and it may be that no batch comes that would ask for it.
    fn idle(&mut self) {
        self.note_forgotten();
        if self.segments.current().is_none() {
            let _ = self.segments.segment_for(0);
        }
    }

    /// Writes a group, with as few syncs as segments allow, and answers it.
    fn commit(&mut self, group: Vec<Submission>) {
        self.segments.free();
        self.segments.prepare_next();
        let mut group = VecDeque::from(group);
        while let Some(first) = group.front() {
            let need = first.body.frame_bytes();
            match self.segments.segment_for(need) {
                Ok(room) => {
                    let count = fitting(&group, room);
                    let part = group.drain(..count).collect();
                    self.commit_part(part);
                }
                Err(reason) => {
                    for submission in group.drain(..) {
                        (submission.done)(Err(reason.clone()));
                    }
                }
            }
        }
    }

    /// Writes batches that fit into the current segment, and answers them.
    fn commit_part(&mut self, part: Vec<Submission>) {
        let last = part.iter().filter_map(|submission| submission.last).max();
        let (bodies, answers): (Vec<Body>, Vec<Done>) = part
            .into_iter()
            .map(|submission| (submission.body, submission.done))
            .unzip();
        let written = self.write(bodies, last);
        if let Err(error) = &written {
            self.erase();
            self.segments.give_up(error);
            // Before anybody hears of it: the next segment's head says that
            // what was written of these batches does not count.
            let _ = self.segments.segment_for(0);
        }
        match written {
            Ok(places) => {
                for (done, place) in answers.into_iter().zip(places) {
                    done(Ok(place));
                }
            }
            Err(error) => {
                let reason = NotWritten(error.to_string().into());
                for done in answers {
                    done(Err(reason.clone()));
                }
            }
        }
    }

    /// Overwrites what a failed write or sync may have left of its batches, as
    /// far as that works: where no next segment can be made whose head would
    /// say that they do not count, a crash would bring them back.
    fn erase(&mut self) {
        self.scratch.fill(0);
        if let Some(current) = self.segments.current() {
            // As far as the failed write got, this one does too.
            let _ = current.file.write(&self.scratch, current.offset);
            let _ = current.file.sync();
        }
    }

    /// Answers where each of the batches lies.
    fn write(&mut self, bodies: Vec<Body>, last: Option<Arrival>) -> io::Result<Vec<Place>> {
        let Some(current) = self.segments.current() else {
            return Err(io::Error::other("there is no segment"));
        };
        let stored_before = self.shared.forget_before.load(Ordering::Acquire);
        self.scratch.clear();
        let mut places = Vec::with_capacity(bodies.len());
        for body in bodies {
            let offset = current.offset + self.scratch.len() as u64;
            places.push(Place {
                segment: current.segment.number,
                offset,
            });
            body.write_frame(stored_before, current.segment, offset, &mut self.scratch);
        }
        current.file.write(&self.scratch, current.offset)?;
        current.file.sync()?;
        current.offset += self.scratch.len() as u64;
        current.last = last.max(current.last);
        self.noted = stored_before;
        self.shared.runs.grown(current.offset);
        Ok(places)
    }

    /// Writes down what may be forgotten, so that the next start has less to
    /// do. Nothing depends on it.
    fn note_forgotten(&mut self) {
        self.segments.free();
        let forget_before = self.shared.forget_before.load(Ordering::Acquire);
        if forget_before <= self.noted {
            return;
        }
        let body = Body::encode(&[]);
        let done = |written: Result<Place, NotWritten>| {
            if let Err(NotWritten(reason)) = written {
                warn!(%reason, "the journal cannot note what is stored; it will be read again");
            }
        };
        if self.segments.current().is_some() {
            self.commit(vec![Submission {
                body,
                last: None,
                done: Box::new(done),
            }]);
        }
    }
}

/// What is written and synced together.
struct Group {
    batches: Vec<Submission>,
    /// Whether it would have become too large with all that waits.
    is_cut: bool,
}

/// All that waits behind the first, up to a limit.
fn gather(first: Submission, submissions: &Receiver<Submission>) -> Group {
    let mut bytes = first.body.frame_bytes();
    let mut batches = vec![first];
    while bytes < GROUP_BYTES
        && let Ok(next) = submissions.try_recv()
    {
        bytes += next.body.frame_bytes();
        batches.push(next);
    }
    Group {
        batches,
        is_cut: bytes >= GROUP_BYTES,
    }
}

/// How many batches fit into that room.
fn fitting(group: &VecDeque<Submission>, room: u64) -> usize {
    let mut used = 0;
    let fits = |submission: &&Submission| {
        used += submission.body.frame_bytes() as u64;
        used <= room
    };
    group.iter().take_while(fits).count()
}
