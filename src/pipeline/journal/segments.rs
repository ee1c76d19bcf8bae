//! Which segment is written to, which come after it, and which may be used again.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tracing::{error, info, warn};

use super::ahead::{Ahead, RETRY_AFTER, Ready};
use super::frame::Segment;
use super::recovery::{OldSegment, Recovered};
use super::segment::{Disk, GivenUp, HEAD_BYTES, Head, SEGMENT_BYTES, SegmentFile};
use super::writer::Shared;
use super::{NotWritten, OnStuck};
use crate::event::Arrival;

/// Segments kept for use again.
const SPARES: usize = 2;

/// All segments of a journal.
pub struct Segments<D: Disk> {
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
}

/// The segment that is written to.
pub struct Current<F> {
    pub file: F,
    pub segment: Segment,
    bytes: u64,
    /// Where the next frame comes.
    pub offset: u64,
    /// The highest arrival number in it.
    pub last: Option<Arrival>,
    names_given_up: bool,
}

impl<D: Disk> Segments<D> {
    /// Those that an earlier process left; none is written to yet.
    pub fn new(
        disk: Arc<D>,
        recovered: &Recovered,
        shared: Shared,
        max_bytes: u64,
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
            max_bytes,
            current: None,
            sealed,
            spares: Vec::new(),
            given_up: None,
            stuck: None,
            on_stuck,
        }
    }

    /// The segment that is written to, if there is one.
    pub fn current(&mut self) -> Option<&mut Current<D::Segment>> {
        self.current.as_mut()
    }

    /// Waits for what is made ahead: nothing is done in the folder after this.
    pub fn finish(&mut self) {
        self.ahead.wait();
    }

    /// Never touches the current segment again: after a failed sync nobody
    /// knows what of it is on the disk.
    pub fn give_up(&mut self, error: &io::Error) {
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
    pub fn segment_for(&mut self, need: usize) -> Result<u64, NotWritten> {
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

    /// Has the next segment made ready in good time.
    pub fn prepare_next(&mut self) {
        if self.next.is_none() {
            let made = self.ahead.made();
            self.next = self.in_turn(made);
        }
        // Early enough for a busy disk, and not at once, when none may come free.
        let is_begun = |current: &Current<_>| current.offset > current.bytes / 4;
        let is_wanted = self.next.is_none() && self.current.as_ref().is_some_and(is_begun);
        if is_wanted && self.ahead.is_free() {
            let (spare, number) = (self.spares.pop(), self.take_number());
            if let Err(spare) = self.ahead.start(spare, number) {
                self.spares.extend(spare);
            }
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
        Ready::make(&*self.disk, spare, number, bytes)
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
    pub fn free(&mut self) {
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
}
