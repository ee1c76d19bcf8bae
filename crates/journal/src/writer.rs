//! The thread that writes the journal, and the way to it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::disk::{Disk, SegmentFile as _};
use super::frame::{self, Record};
use super::pace::Pace;
use super::place::{MARK_BYTES, Mark, Place};
use super::segments::{NotWritten, Segments, Shared};

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Where its frame begins.
    pub start: Place,
    /// Where it ends: the low watermark once it and all before it are settled.
    pub end: Mark,
}

/// What is called, on the journal's thread and in the order of appending, when
/// a record is on disk or is refused. It is dropped where that is not known.
pub type Done = Box<dyn FnOnce(Result<Appended, NotWritten>) + Send>;

/// Segments that are needed: those with records that are not settled, and all after
/// the first of these. Up to three that wait for use come on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnDisk {
    /// How many.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Takes records to be kept. Dropping it ends the thread after what was
/// appended is written.
pub struct Journal {
    submissions: Mutex<Option<Sender<Submission>>>,
    shared: Arc<Shared>,
    ended: CancellationToken,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Starts the thread.
    pub(super) fn start<D: Disk>(writer: Writer<D>, shared: Arc<Shared>) -> io::Result<Self> {
        let (submissions, received) = channel();
        let ended = CancellationToken::new();
        let guard = ended.clone().drop_guard();
        let thread = thread::Builder::new().name("journal".to_owned()).spawn(move || {
            // Dropped at its end, also by a panic.
            let _guard = guard;
            writer.run(&received);
        })?;
        Ok(Self {
            submissions: Mutex::new(Some(submissions)),
            shared,
            ended,
            writer: Mutex::new(Some(thread)),
        })
    }

    /// Has a record written. After [`close`](Self::close), and after the disk
    /// failed, `done` is dropped.
    pub fn append(&self, record: Record, done: Done) {
        if let Some(submissions) = &*self.submissions.lock() {
            // Where the thread has ended, nobody can be told anything.
            let _ = submissions.send(Submission::Record(Append { record, done }));
        }
    }

    /// Has the segment left in which the last record is, as soon as another one can be had:
    /// then all up to it goes from the disk once it is settled. `left` is told, on the
    /// journal's thread, the number of that segment, behind all that was appended before.
    pub fn leave(&self, left: Left) {
        if let Some(submissions) = &*self.submissions.lock() {
            let _ = submissions.send(Submission::Leave(left));
        }
    }

    /// All records before this mark are settled, and may be forgotten. Takes
    /// effect with the next record, or when none comes for a second.
    pub fn settled_before(&self, mark: Mark) {
        self.shared.settled_before(mark);
    }

    /// What it takes on the disk.
    pub fn on_disk(&self) -> OnDisk {
        let extents = &self.shared.extents;
        OnDisk { segments: extents.count(), bytes: extents.bytes() }
    }

    /// Returns when the thread that writes has ended, which it does before
    /// [`close`](Self::close) only when the disk fails.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    #[cfg(test)]
    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Writes what was appended, notes the low watermark, and ends the thread.
    /// Blocks until then.
    pub fn close(&self) {
        self.submissions.lock().take();
        let writer = self.writer.lock().take();
        // The last owner may be what the thread itself was handed.
        let other = writer.filter(|writer| writer.thread().id() != thread::current().id());
        if let Some(Err(_)) = other.map(JoinHandle::join) {
            error!("the journal's thread panicked");
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

/// What is called with the number of a segment that is to be left.
pub type Left = Box<dyn FnOnce(u64) + Send>;

enum Submission {
    Record(Append),
    Leave(Left),
}

struct Append {
    record: Record,
    /// Whom to tell.
    done: Done,
}

/// Bytes that one write may have before it is synced: what comes on top waits
/// for the next, so that a flood does not make everybody wait for all of it.
const GROUP_BYTES: u64 = 4 << 20;
/// After how long without a record the low watermark is noted.
const IDLE: Duration = Duration::from_secs(1);

pub struct Writer<D: Disk> {
    segments: Segments<D>,
    shared: Arc<Shared>,
    pace: Pace,
    /// The low watermark that was noted last.
    noted: Place,
    scratch: Vec<u8>,
}

impl<D: Disk> Writer<D> {
    /// A writer that has written nothing yet.
    pub fn new(segments: Segments<D>, shared: Arc<Shared>, sync_interval: Duration) -> Self {
        Self {
            segments,
            noted: shared.low().place,
            shared,
            pace: Pace::new(sync_interval),
            scratch: Vec::new(),
        }
    }

    /// Writes what comes until there is nobody left to send. A disk that fails
    /// ends it before that: what it says of a later write proves nothing about
    /// this one, so nobody is answered any more.
    fn run(mut self, submissions: &Receiver<Submission>) {
        // Before the first record waits for it; what goes wrong comes up again.
        let _ = self.segments.room_for(0);
        let ended = self.serve(submissions).and_then(|()| self.note_low());
        if let Err(error) = ended {
            error!(
                %error,
                "the journal's disk fails; what it holds is read by the next start, and clients \
                 whose events were being written get no answer"
            );
        }
    }

    fn serve(&mut self, submissions: &Receiver<Submission>) -> io::Result<()> {
        loop {
            thread::sleep(self.pace.rest(Instant::now()));
            match submissions.recv_timeout(IDLE) {
                Ok(Submission::Record(first)) => {
                    let (group, left) = gather(first, submissions);
                    self.pace.begins(group.len(), Instant::now());
                    self.commit(group)?;
                    left.into_iter().for_each(|left| self.leave(left));
                }
                Ok(Submission::Leave(left)) => self.leave(left),
                Err(RecvTimeoutError::Timeout) => self.idle()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if !self.segments.is_alive() {
                return Err(io::Error::other("the thread that makes segments has ended"));
            }
        }
    }

    /// What is done while nothing comes: old segments are left and let go. A journal without
    /// a segment gets one as soon as that is possible: while it has none the service is
    /// unready, and it may be that nobody comes who would ask for it.
    fn idle(&mut self) -> io::Result<()> {
        self.note_low()?;
        self.segments.prepare_next();
        let _ = self.segments.room_for(0);
        Ok(())
    }

    fn leave(&mut self, left: Left) {
        left(self.segments.leave());
        self.segments.prepare_next();
    }

    /// Writes a group, with as few syncs as segments allow, and answers it.
    fn commit(&mut self, mut group: VecDeque<Append>) -> io::Result<()> {
        self.segments.free();
        self.segments.prepare_next();
        while let Some(first) = group.front() {
            let mark = frame::frame_bytes(MARK_BYTES) as u64;
            match self.segments.room_for(first.record.frame_bytes() + mark) {
                Ok(room) => {
                    let count = fitting(&group, room - mark);
                    self.commit_part(group.drain(..count).collect())?;
                }
                Err(reason) => {
                    for append in group.drain(..) {
                        (append.done)(Err(reason.clone()));
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes records that fit into the current segment, and answers them: calls what
    /// their owner handed in with each, in order.
    fn commit_part(&mut self, part: Vec<Append>) -> io::Result<()> {
        self.scratch.clear();
        let mut answers = Vec::with_capacity(part.len());
        for Append { record, done } in part {
            answers.push((done, self.place(&record)));
        }
        if cfg!(feature = "fault-slow-write") {
            // So that a kill falls between an answer and its write.
            thread::sleep(Duration::from_millis(20));
        }
        self.write()?;
        for (done, appended) in answers {
            done(Ok(appended));
        }
        Ok(())
    }

    /// Puts a record behind what is to be written.
    fn place(&mut self, record: &Record) -> Appended {
        let mut end = self.segments.end();
        end.place.offset += self.scratch.len() as u64;
        let start = end.place;
        if let Some(current) = self.segments.current() {
            record.write(current.segment, start.offset, &mut self.scratch);
        }
        let bytes = record.frame_bytes();
        let totals = self.segments.totals.and(record.header.weight, bytes);
        self.segments.totals = totals;
        self.segments.highest = self.segments.highest.max(record.header.number);
        end.place.offset += bytes;
        Appended { start, end: Mark { totals, ..end } }
    }

    /// Writes and syncs what was put together, and the low watermark behind it
    /// if that has moved.
    fn write(&mut self) -> io::Result<()> {
        let low = self.shared.low();
        let Some(current) = self.segments.current() else {
            return Ok(());
        };
        let records_end = current.offset + self.scratch.len() as u64;
        if !self.scratch.is_empty() {
            current.last_record = records_end;
        }
        if low.place > self.noted {
            let offset = records_end;
            frame::write_mark(low, current.segment, offset, &mut self.scratch);
        }
        current.file.write(&self.scratch, current.offset)?;
        current.offset += self.scratch.len() as u64;
        self.noted = low.place;
        self.shared.extents.grown(current.offset);
        Ok(())
    }

    /// Notes the low watermark, so that the next start has less to do.
    fn note_low(&mut self) -> io::Result<()> {
        self.segments.free();
        let need = frame::frame_bytes(MARK_BYTES) as u64;
        if self.shared.low().place > self.noted
            && self.segments.current().is_some()
            && self.segments.room_for(need).is_ok()
        {
            self.scratch.clear();
            self.write()?;
        }
        Ok(())
    }
}

/// All records that wait behind the first, up to a limit or to where a segment is to be left.
fn gather(first: Append, submissions: &Receiver<Submission>) -> (VecDeque<Append>, Option<Left>) {
    let mut bytes = first.record.frame_bytes();
    let mut group = VecDeque::from([first]);
    while bytes < GROUP_BYTES
        && let Ok(next) = submissions.try_recv()
    {
        match next {
            Submission::Record(next) => {
                bytes += next.record.frame_bytes();
                group.push_back(next);
            }
            Submission::Leave(left) => return (group, Some(left)),
        }
    }
    (group, None)
}

/// How many records fit into that room.
fn fitting(group: &VecDeque<Append>, room: u64) -> usize {
    let mut used = 0;
    let fits = |append: &&Append| {
        used += append.record.frame_bytes();
        used <= room
    };
    group.iter().take_while(fits).count()
}
