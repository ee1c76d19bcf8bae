//! Which segment is written to, and which come after it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{error, info, warn};

use super::disk::{Disk, SegmentFile as _};
use super::extents::Extents;
use super::frame::Segment;
use super::head::{HEAD_BYTES, Head};
use super::place::{Mark, Place, Totals};
use super::preparer::{Preparer, Ready};
use super::recovery::Recovered;
use super::rules::Rules;

/// How long to leave a disk alone that could not give a segment: on a full one
/// each try takes the last bytes, for a moment, that others may need.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a record is not in the journal.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the journal cannot be written: {0}")]
pub struct NotWritten(pub Arc<str>);

/// What is called when the journal gets stuck (true) or works again (false).
pub type OnStuck = Box<dyn Fn(bool) + Send + Sync>;

/// What the thread that writes has in common with others.
pub struct Shared {
    /// The segments that are needed; kept by the writer.
    pub extents: Arc<Extents>,
    /// Kept by the owner.
    low: Mutex<Mark>,
    on_stuck: OnStuck,
}

impl Shared {
    pub fn new(extents: Arc<Extents>, low: Mark, on_stuck: OnStuck) -> Self {
        Self { extents, low: Mutex::new(low), on_stuck }
    }

    /// Moves the low watermark on.
    pub fn settled_before(&self, mark: Mark) {
        let mut low = self.low.lock();
        *low = low.later(mark);
    }

    pub fn low(&self) -> Mark {
        *self.low.lock()
    }

    pub fn stuck(&self, is_stuck: bool) {
        (self.on_stuck)(is_stuck);
    }
}

pub struct Segments<D: Disk> {
    disk: Arc<D>,
    shared: Arc<Shared>,
    rules: Rules,
    current: Option<Current<D::Segment>>,
    preparer: Preparer<D>,
    next: Option<Ready<D::Segment>>,
    next_number: u64,
    pub totals: Totals,
    /// The highest number of a record.
    pub highest: i64,
    /// When the last try to get a segment failed, and why.
    stuck: Option<(Instant, NotWritten)>,
}

/// The segment that is written to.
pub struct Current<F> {
    pub file: F,
    pub segment: Segment,
    bytes: u64,
    /// Where the next frame comes.
    pub offset: u64,
    /// Where the last record ends.
    pub last_record: u64,
    since: Instant,
    /// Whether somebody has asked for it to be left.
    is_unwanted: bool,
}

impl<F> Current<F> {
    fn room(&self) -> u64 {
        self.bytes - self.offset
    }

    fn has_records(&self) -> bool {
        self.last_record > HEAD_BYTES
    }

    /// Whether it has records, and was written to for that long, or is to be left anyhow.
    fn is_done(&self, max_age: Duration) -> bool {
        self.has_records() && (self.is_unwanted || self.since.elapsed() >= max_age)
    }
}

impl<D: Disk> Segments<D> {
    /// Those that an earlier process left; none is written to yet.
    pub fn new(
        disk: Arc<D>,
        recovered: &Recovered,
        shared: Arc<Shared>,
        rules: Rules,
    ) -> io::Result<Self> {
        Ok(Self {
            preparer: Preparer::start(Arc::clone(&disk))?,
            disk,
            shared,
            rules,
            current: None,
            next: None,
            next_number: recovered.next_number,
            totals: recovered.end.totals,
            highest: recovered.highest.unwrap_or(i64::MIN),
            stuck: None,
        })
    }

    /// The segment that is written to, if there is one.
    pub fn current(&mut self) -> Option<&mut Current<D::Segment>> {
        self.current.as_mut()
    }

    /// Where the next frame comes, and what was appended before it.
    pub fn end(&self) -> Mark {
        let place = self
            .current
            .as_ref()
            .map(|current| Place { segment: current.segment.number, offset: current.offset });
        Mark { place: place.unwrap_or_default(), totals: self.totals }
    }

    /// Sees to it that the current segment has room for a frame of that size;
    /// answers how much it has.
    ///
    /// # Errors
    ///
    /// There is no room on the disk, or not within the limit. It is tried again
    /// when a second has passed.
    pub fn room_for(&mut self, need: u64) -> Result<u64, NotWritten> {
        let fits = |current: &&Current<_>| current.room() >= need && !self.is_to_be_left(current);
        if let Some(current) = self.current.as_ref().filter(fits) {
            return Ok(current.room());
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
                    self.shared.stuck(false);
                }
                let room = opened.room();
                self.seal();
                self.shared.extents.opened(opened.segment, opened.bytes);
                self.current = Some(opened);
                Ok(room)
            }
            Err(error) => {
                // Without a current segment it is tried again while nothing comes.
                self.seal();
                let reason = NotWritten(error.to_string().into());
                if self.stuck.is_none() {
                    error!(%error, "the journal can have no further segment; events are refused until it can");
                    self.shared.stuck(true);
                }
                self.stuck = Some((Instant::now(), reason.clone()));
                Err(reason)
            }
        }
    }

    /// Has the current segment left as soon as another one is ready. Answers the number of the
    /// last segment that may have a record.
    pub fn leave(&mut self) -> u64 {
        match &mut self.current {
            Some(current) if current.has_records() => {
                current.is_unwanted = true;
                current.segment.number
            }
            Some(current) => current.segment.number - 1,
            None => self.next_number - 1,
        }
    }

    /// Whether it was written to for long enough, and another one is ready. While none is, or
    /// there may be none, it stays.
    fn is_to_be_left(&self, current: &Current<D::Segment>) -> bool {
        current.is_done(self.rules.max_age)
            && self.next.is_some()
            && self.check_limit(self.disk.segment_bytes()).is_ok()
    }

    fn seal(&mut self) {
        if let Some(full) = self.current.take() {
            self.shared.extents.sealed(full.last_record);
        }
    }

    /// Has the next segment made ready in good time: early enough for a busy
    /// disk, and not at once, when none may come free.
    pub fn prepare_next(&mut self) {
        if self.next.is_none()
            && let Some(made) = self.preparer.made()
        {
            match made {
                Ok(ready) => self.next = Some(ready),
                Err(error) => warn!(%error, "no segment of the journal could be made ahead"),
            }
        }
        let max_age = self.rules.max_age;
        let is_begun =
            |current: &Current<_>| current.offset > current.bytes / 4 || current.is_done(max_age);
        let is_wanted = self.next.is_none() && self.current.as_ref().is_some_and(is_begun);
        if is_wanted && self.stuck.is_none() {
            let next_number = &mut self.next_number;
            self.preparer.make(|| take_number(next_number));
        }
    }

    fn open_segment(&mut self, need: u64) -> io::Result<Current<D::Segment>> {
        let usual = self.disk.segment_bytes();
        let bytes = usual.max(HEAD_BYTES + need);
        self.check_limit(bytes)?;
        let Ready { number, file } =
            if bytes == usual { self.usual_segment()? } else { self.unusual_segment(bytes)? };
        let segment = Segment { number, marker: rand::random() };
        let head =
            Head { segment, before: self.totals, low: self.shared.low(), highest: self.highest };
        if let Err(error) = file.write(&head.to_bytes(), 0) {
            self.preparer.free(number, 0);
            return Err(error);
        }
        let (offset, last_record, since) = (HEAD_BYTES, HEAD_BYTES, Instant::now());
        Ok(Current { file, segment, bytes, offset, last_record, since, is_unwanted: false })
    }

    /// The segment that was made ready, or one that is made now.
    fn usual_segment(&mut self) -> io::Result<Ready<D::Segment>> {
        if let Some(ready) = self.next.take() {
            return Ok(ready);
        }
        let next_number = &mut self.next_number;
        self.preparer.make(|| take_number(next_number));
        self.preparer.wait().unwrap_or_else(|| Err(io::Error::other("no segment is being made")))
    }

    /// One for a record that fits into no other. What was made ready has a lower
    /// number, and order is that of numbers, so it is given back.
    fn unusual_segment(&mut self, bytes: u64) -> io::Result<Ready<D::Segment>> {
        let made = self.preparer.wait().and_then(Result::ok);
        if let Some(ready) = self.next.take().or(made) {
            self.preparer.free(ready.number, self.disk.segment_bytes());
        }
        let number = take_number(&mut self.next_number);
        let file = self.disk.create(number, bytes)?;
        Ok(Ready { number, file })
    }

    /// One record that is never settled would otherwise fill the disk.
    fn check_limit(&self, further: u64) -> io::Result<()> {
        let held = self.shared.extents.bytes();
        if held + further <= self.rules.max_bytes {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "its segments hold {held} bytes, since an event in segment {} is not stored, and \
             journal.max_bytes allows {}",
            self.shared.low().place.segment,
            self.rules.max_bytes
        )))
    }

    /// Lets segments go of which everything is settled.
    pub fn free(&mut self) {
        let low = self.shared.low().place;
        while let Some(settled) = self.shared.extents.forget_before(low) {
            self.preparer.free(settled.segment.number, settled.bytes);
        }
    }

    /// Whether the thread that makes segments is there, as it must be.
    pub fn is_alive(&self) -> bool {
        self.preparer.is_alive()
    }
}

fn take_number(next: &mut u64) -> u64 {
    *next += 1;
    *next - 1
}
