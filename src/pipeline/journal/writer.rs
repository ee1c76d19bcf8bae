//! The thread that writes the journal.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use super::ahead::{Ahead, Ready};
use super::frame::{Body, Segment};
use super::pace::Pace;
use super::recovery::{OldSegment, Recovered};
use super::runs::{Place, Runs};
use super::segment::{Disk, GivenUp, HEAD_BYTES, Head, SEGMENT_BYTES, SegmentFile};
use super::{Done, Limits, NotWritten, OnStuck};
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
/// Segments kept for use again.
const SPARES: usize = 2;
/// How long to leave a disk alone that could not give a segment.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// After how long without a batch it is noted what may be forgotten.
const IDLE: Duration = Duration::from_secs(1);

/// What the writer has in common with others.
pub struct Shared {
    /// What can be read back; kept by the writer.
    pub runs: Arc<Runs>,
    /// Below which arrival number all may be forgotten; kept by others.
    pub forget_before: Arc<AtomicI64>,
}

pub struct Writer<D: Disk> {
    disk: Arc<D>,
    shared: Shared,
    /// Bytes that all segments with events may take.
    max_bytes: u64,
    current: Option<Current<D::Segment>>,
    /// In order, but for those of no use, which come first: they need not wait
    /// for others to be used again.
    sealed: VecDeque<OldSegment>,
    /// Numbers of segments that may be used again.
    spares: Vec<u64>,
    /// Makes the next segment ready.
    ahead: Ahead<D>,
    next: Option<Ready<D::Segment>>,
    next_number: u64,
    /// The number of the segment that was opened last.
    newest: u64,
    /// A segment that was given up and that no head names yet.
    given_up: Option<GivenUp>,
    /// When the last try to make a segment failed, and why.
    stuck: Option<(Instant, NotWritten)>,
    on_stuck: OnStuck,
    noted: i64,
    pace: Pace,
    scratch: Vec<u8>,
}

/// The segment that is written to.
struct Current<F> {
    file: F,
    segment: Segment,
    bytes: u64,
    offset: u64,
    last: Option<Arrival>,
    names_given_up: bool,
}

impl<D: Disk> Writer<D> {
    pub fn new(
        disk: Arc<D>,
        recovered: &Recovered,
        shared: Shared,
        limits: Limits,
        on_stuck: OnStuck,
    ) -> Self {
        let segments = recovered.segments.iter().copied();
        let (mut sealed, held): (VecDeque<_>, VecDeque<_>) =
            segments.partition(OldSegment::is_of_no_use);
        sealed.extend(held);
        Self {
            next_number: recovered.next_number,
            ahead: Ahead::new(Arc::clone(&disk)),
            next: None,
            newest: 0,
            disk,
            shared,
            max_bytes: limits.max_bytes,
            current: None,
            sealed,
            spares: Vec::new(),
            given_up: None,
            stuck: None,
            on_stuck,
            noted: i64::MIN,
            pace: Pace::new(limits.sync_interval),
            scratch: Vec::new(),
        }
    }

    /// Writes what comes until there is nobody left to send.
    pub fn run(mut self, submissions: &Receiver<Submission>) {
        // Before the first batch waits for it; what goes wrong comes up again.
        let _ = self.segment_for(0);
        loop {
            thread::sleep(self.pace.rest(Instant::now()));
            match submissions.recv_timeout(IDLE) {
                Ok(first) => {
                    let group = gather(first, submissions);
                    self.pace.begins(group.len(), Instant::now());
                    self.commit(group);
                }
                Err(RecvTimeoutError::Timeout) => self.idle(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.note_forgotten();
        self.ahead.wait();
    }

    /// What is done while no batch comes. A journal without a segment gets one
    /// as soon as that is possible: while it has none the service is unready,
    /// and it may be that no batch comes that would ask for it.
    fn idle(&mut self) {
        self.note_forgotten();
        if self.current.is_none() {
            let _ = self.segment_for(0);
        }
    }

    /// Writes a group, with as few syncs as segments allow, and answers it.
    fn commit(&mut self, group: Vec<Submission>) {
        self.free();
        self.prepare_next();
        let mut group = VecDeque::from(group);
        while let Some(first) = group.front() {
            let need = first.body.frame_bytes();
            match self.segment_for(need) {
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
            self.give_up(error);
            // Before anybody hears of it: the next segment's head says that
            // what was written of these batches does not count.
            let _ = self.segment_for(0);
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

    /// Answers where each of the batches lies.
    fn write(&mut self, bodies: Vec<Body>, last: Option<Arrival>) -> io::Result<Vec<Place>> {
        let Some(current) = &mut self.current else {
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

    /// Never touches the current segment again: after a failed sync nobody
    /// knows what of it is on the disk.
    fn give_up(&mut self, error: &io::Error) {
        let Some(current) = self.current.take() else {
            return;
        };
        let number = current.segment.number;
        error!(segment = number, %error, "the journal cannot be written; this segment is given up");
        self.given_up = Some(GivenUp {
            number,
            counts: current.offset,
        });
        self.seal(current, false);
    }

    fn seal(&mut self, full: Current<D::Segment>, is_sound: bool) {
        let segment = OldSegment {
            number: full.segment.number,
            bytes: full.bytes,
            last: full.last,
            is_sound,
            names_given_up: full.names_given_up,
        };
        if segment.is_of_no_use() {
            self.sealed.push_front(segment);
        } else {
            self.sealed.push_back(segment);
        }
    }

    /// Sees to it that the current segment has room for a frame of that size;
    /// answers how much it has.
    fn segment_for(&mut self, need: usize) -> Result<u64, NotWritten> {
        let need = need as u64;
        let room_of = |current: &Current<D::Segment>| current.bytes - current.offset;
        if let Some(room) = self
            .current
            .as_ref()
            .map(room_of)
            .filter(|room| *room >= need)
        {
            return Ok(room);
        }
        if let Some((since, reason)) = &self.stuck
            && since.elapsed() < RETRY_AFTER
        {
            return Err(reason.clone());
        }
        match self.open_segment(need) {
            Ok(opened) => {
                if self.stuck.take().is_some() {
                    info!("the journal can be written again");
                    (self.on_stuck)(false);
                }
                let room = room_of(&opened);
                if let Some(full) = self.current.replace(opened) {
                    self.seal(full, true);
                }
                Ok(room)
            }
            Err(error) => {
                // Without a current segment it is tried again while no batch comes.
                if let Some(full) = self.current.take() {
                    self.seal(full, true);
                }
                let reason = NotWritten(error.to_string().into());
                if self.stuck.is_none() {
                    error!(%error, "the journal has no room; events are refused until it has");
                    (self.on_stuck)(true);
                }
                self.stuck = Some((Instant::now(), reason.clone()));
                Err(reason)
            }
        }
    }

    /// Has the next segment made ready while this one fills up.
    fn prepare_next(&mut self) {
        if self.next.is_none() {
            let made = self.ahead.made();
            self.next = self.in_turn(made);
        }
        let fills_up = |current: &Current<_>| current.offset > current.bytes / 4;
        let is_wanted = self.next.is_none() && self.current.as_ref().is_some_and(fills_up);
        if is_wanted && !self.ahead.is_at_work() {
            let number = self.take_number();
            self.ahead.start(self.spares.pop(), number);
        }
    }

    /// A segment that was made ready, unless one with a higher number, for a
    /// batch of unusual size, was opened meanwhile: order is that of numbers.
    fn in_turn(&mut self, made: Option<Ready<D::Segment>>) -> Option<Ready<D::Segment>> {
        let ready = made?;
        if ready.number > self.newest {
            return Some(ready);
        }
        self.spares.push(ready.number);
        None
    }

    fn take_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    fn open_segment(&mut self, need: u64) -> io::Result<Current<D::Segment>> {
        let bytes = SEGMENT_BYTES.max(HEAD_BYTES + need);
        self.check_limit(bytes)?;
        let Ready { number, file } = self.ready_segment(bytes)?;
        let segment = Segment {
            number,
            marker: rand::random(),
        };
        let head = Head {
            segment,
            given_up: self.given_up,
        };
        file.write(&head.to_bytes(), 0)?;
        file.sync()?;
        self.given_up = None;
        self.newest = number;
        self.shared.runs.opened(segment);
        Ok(Current {
            file,
            segment,
            bytes,
            offset: HEAD_BYTES,
            last: None,
            names_given_up: head.given_up.is_some(),
        })
    }

    /// A segment of that size without a head: the one that was made ready, or
    /// else one that is made now.
    fn ready_segment(&mut self, bytes: u64) -> io::Result<Ready<D::Segment>> {
        if bytes == SEGMENT_BYTES {
            let next = self.next.take().or_else(|| self.ahead.wait());
            if let Some(ready) = self.in_turn(next) {
                return Ok(ready);
            }
        }
        let spare = if bytes == SEGMENT_BYTES {
            self.spares.pop()
        } else {
            None
        };
        let number = self.take_number();
        let file = match spare {
            Some(spare) => self.disk.reuse(spare, number),
            None => self.disk.create(number, bytes),
        }?;
        Ok(Ready { number, file })
    }

    /// One event that is never stored would otherwise fill the disk.
    fn check_limit(&self, further: u64) -> io::Result<()> {
        let sealed = self.sealed.iter().map(|segment| segment.bytes);
        let current = self.current.iter().map(|current| current.bytes);
        let held: u64 = sealed.chain(current).sum();
        if held + further <= self.max_bytes {
            return Ok(());
        }
        let oldest = self.shared.forget_before.load(Ordering::Acquire);
        Err(io::Error::other(format!(
            "its segments hold {held} bytes, because the event with arrival number {oldest} is \
             not stored, and at most {} are kept",
            self.max_bytes
        )))
    }

    /// Lets segments go of which everything is stored.
    fn free(&mut self) {
        let forget_before = self.shared.forget_before.load(Ordering::Acquire);
        let is_free = |segment: &mut OldSegment| {
            segment
                .last
                .is_none_or(|last| last.as_i64() < forget_before)
        };
        while let Some(segment) = self.sealed.pop_front_if(|segment| is_free(segment)) {
            self.shared.runs.forgotten(segment.number);
            let may_be_reused =
                segment.bytes == SEGMENT_BYTES && segment.is_sound && self.spares.len() < SPARES;
            if may_be_reused {
                self.spares.push(segment.number);
            } else if let Err(error) = self.disk.remove(segment.number) {
                warn!(segment = segment.number, %error, "a segment cannot be removed");
            }
        }
    }

    /// Writes down what may be forgotten, so that the next start has less to
    /// do. Nothing depends on it.
    fn note_forgotten(&mut self) {
        self.free();
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
        if self.current.is_some() {
            self.commit(vec![Submission {
                body,
                last: None,
                done: Box::new(done),
            }]);
        }
    }
}

/// All that waits behind the first, up to a limit.
fn gather(first: Submission, submissions: &Receiver<Submission>) -> Vec<Submission> {
    let mut bytes = first.body.frame_bytes();
    let mut group = vec![first];
    while bytes < GROUP_BYTES
        && let Ok(next) = submissions.try_recv()
    {
        bytes += next.body.frame_bytes();
        group.push(next);
    }
    group
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
