//! All events that this instance accepts: a sample of them where there are many.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::resume::ResumeId;
use super::{AT_ONCE, Gap, Live, PACE, Said, What};
use crate::ingest::recent::{Look, Reader};
use crate::ingest::room::Amount;

/// Events that are shown in a second at the most: more than anybody reads.
pub const A_SECOND: usize = 50;

/// Events that are shown at one look, of which there are ten in a second: what is shown is
/// of all of the second, and many streams have little to do at one time.
const A_LOOK: usize = 5;

const SECOND: Duration = Duration::from_secs(1);

/// The events of an instance.
pub struct InstanceStream {
    live: Arc<Live>,
    reader: Reader,
    /// What is said first.
    first: Option<Gap>,
    /// When the second ends in which events are shown.
    until: Instant,
    shown: usize,
    /// Events of it that are not shown.
    skipped: u64,
    read_at: Option<Instant>,
}

impl Live {
    /// A stream of all events, from now on or from where another one broke.
    pub fn of_instance(self: &Arc<Self>, resumes: Option<&str>) -> InstanceStream {
        let mut reader = self.ingest.recent().reader();
        let first = resumes.and_then(|text| self.go_back(&mut reader, text).err());
        InstanceStream {
            live: Arc::clone(self),
            reader,
            first,
            until: Instant::now(),
            shown: 0,
            skipped: 0,
            read_at: None,
        }
    }

    /// Brings a reader back to where a stream broke.
    pub(super) fn go_back(&self, reader: &mut Reader, text: &str) -> Result<ResumeId, Gap> {
        let id = ResumeId::parse(text).filter(|id| id.process == self.process);
        let id = id.ok_or(Gap::UnknownId)?;
        // A position that is yet to come was never given; it is told as one that has gone.
        if reader.go_back_to(id.position) { Ok(id) } else { Err(Gap::Behind) }
    }
}

impl InstanceStream {
    /// Where to go on from here.
    pub fn id(&self) -> ResumeId {
        self.live.resume_id(self.reader.position())
    }

    /// What is to be said next, once there is something. Nothing is lost where it is not
    /// waited for to the end.
    pub async fn next(&mut self) -> Vec<Said> {
        if let Some(gap) = self.first.take() {
            return vec![self.says(What::Gap(gap))];
        }
        loop {
            let is_spent = self.shown >= A_SECOND;
            tokio::select! {
                biased;
                () = sleep_until(self.until), if is_spent || self.skipped > 0 => {
                    self.shown = 0;
                    let skipped = std::mem::take(&mut self.skipped);
                    if skipped > 0 {
                        return vec![self.says(What::Skipped(skipped))];
                    }
                }
                () = self.news(), if !is_spent => {
                    let said = self.read();
                    if !said.is_empty() {
                        return said;
                    }
                }
            }
        }
    }

    /// Returns when there is something, and it is time to look.
    async fn news(&self) {
        self.reader.news().await;
        if let Some(read_at) = self.read_at {
            sleep_until(read_at + PACE).await;
        }
    }

    fn read(&mut self) -> Vec<Said> {
        let now = Instant::now();
        self.read_at = Some(now);
        // A second begins with the first event that is shown in it.
        if now >= self.until && self.skipped == 0 {
            self.shown = 0;
        }
        if self.shown == 0 {
            self.until = now + SECOND;
        }
        let left = A_SECOND - self.shown;
        // Of more than can be shown in this second, the newest are.
        self.skipped += self.reader.skip_to_the_last(left);
        let most = Amount { events: A_LOOK.min(left), bytes: AT_ONCE.bytes };
        let Ok(found) = self.reader.read(most, |_| Look::Take) else {
            return vec![self.says(What::Gap(Gap::Behind))];
        };
        self.shown += found.len();
        self.live.shows(&found)
    }

    fn says(&self, what: What) -> Said {
        Said { id: self.id(), what }
    }
}
