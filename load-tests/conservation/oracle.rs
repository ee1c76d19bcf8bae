//! What was sent, and what was answered.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

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

/// A data folder, by its number in a scene: one that is lost and replaced gets another.
pub type Disk = u32;

/// One event of a batch, as far as it has to be remembered.
#[derive(Debug, Clone)]
pub struct Sent {
    pub user: String,
    pub event_id: String,
    /// Its place among its user's events, in the order of sending.
    pub number: i64,
    pub occurred_at: i64,
    /// Which the event links to its user.
    pub device: Option<String>,
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
            device: content.device.clone(),
            hash: content.hash(),
        }
    }
}

/// The events of one request, or of one to each of two instances.
#[derive(Debug)]
pub struct Batch {
    pub events: Vec<Sent>,
    /// Of both, what promises most.
    pub answer: Answer,
    /// Which instances have answered 202, by their disks.
    pub kept_by: Vec<Disk>,
    /// When it was sent first, and when that was answered.
    pub while_sent: Span,
}

/// From one moment to a later one.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from: Instant,
    pub to: Instant,
}

impl Span {
    /// This moment.
    #[cfg(test)]
    pub fn now() -> Self {
        Self::since(Instant::now())
    }

    /// From a moment until now.
    pub fn since(from: Instant) -> Self {
        Self { from, to: Instant::now() }
    }
}

/// A user who was erased, and while that was asked for.
struct Erased {
    user: String,
    asked: Span,
}

/// What an erasure makes of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was sent later.
    Stays,
    /// It was answered before.
    Goes,
    /// It came in between, and may be either.
    Unsure,
}

impl Erased {
    fn fate(&self, user: &str, sent: Span) -> Fate {
        if self.user != user || sent.from > self.asked.to {
            Fate::Stays
        } else if sent.to < self.asked.from {
            Fate::Goes
        } else {
            Fate::Unsure
        }
    }
}

/// The notes of all producers of a scene.
#[derive(Default)]
pub struct Oracle {
    batches: Mutex<Vec<Batch>>,
    hits: Mutex<Hits>,
    erased: Mutex<Vec<Erased>>,
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

    /// Notes that a user was erased, and while that was asked for.
    pub fn note_erased(&self, user: String, asked: Span) {
        self.erased.lock().push(Erased { user, asked });
    }

    /// Reads the notes: the batches, and the places of those that were hit. Events that had to
    /// go with an erased user are not among them: as if nobody had sent them. Those that may have
    /// gone are batches of their own, behind the others, which nobody has answered.
    pub fn read<T>(&self, reader: impl FnOnce(&[Batch], &HashSet<usize>) -> T) -> T {
        let batches = self.batches.lock();
        let mut hits = self.hits.lock();
        let frames = std::mem::take(&mut hits.frames);
        let places = frames.iter().filter_map(|frame| place_of(frame, &batches));
        hits.places.extend(places);
        let hits = &mut *hits;
        for (disk, from) in &hits.lost {
            let batches = batches.iter().enumerate().skip(*from);
            let had = batches.filter(|(_, batch)| batch.kept_by.as_slice() == [*disk]);
            hits.places.extend(had.map(|(place, _)| place));
        }
        let erased = self.erased.lock();
        if erased.is_empty() {
            return reader(&batches, &hits.places);
        }
        reader(&without(&erased, &batches), &hits.places)
    }

    /// How many batches are noted so far.
    pub fn noted(&self) -> usize {
        self.batches.lock().len()
    }

    /// Notes that a disk is lost: what it alone had, of the batches from this one on, may
    /// be gone. Which those are is looked up later: their producers may not have noted them
    /// yet.
    pub fn note_lost(&self, disk: Disk, from: usize) {
        self.hits.lock().lost.push((disk, from));
    }

    /// Notes that everything so far is older than the retention, and may be gone.
    pub fn note_expired(&self) {
        let noted = self.noted();
        self.hits.lock().places.extend(0..noted);
    }

    /// How many batches from this one on a disk has, and another one too.
    pub fn shared(&self, disk: Disk, from: usize) -> usize {
        let batches = self.batches.lock();
        let is_shared = |batch: &&Batch| batch.kept_by.len() > 1 && batch.kept_by.contains(&disk);
        batches.iter().skip(from).filter(is_shared).count()
    }

    /// Notes that a frame of the journal was damaged on purpose. Whose it is
    /// is looked up later: its producer may not have noted the batch yet.
    pub fn note_hit(&self, frame: &[u8]) {
        self.hits.lock().frames.push(frame.to_owned());
    }
}

/// The batches without what is erased.
fn without(erased: &[Erased], batches: &[Batch]) -> Vec<Batch> {
    let (mut left, mut unsure) = (Vec::with_capacity(batches.len()), Vec::new());
    for batch in batches {
        let mut events = Vec::with_capacity(batch.events.len());
        for event in &batch.events {
            let fates = erased.iter().map(|erased| erased.fate(&event.user, batch.while_sent));
            let fates: Vec<Fate> = fates.collect();
            if fates.contains(&Fate::Goes) {
                continue;
            }
            let is_sure = !fates.contains(&Fate::Unsure);
            let to = if is_sure { &mut events } else { &mut unsure };
            to.push((batch, event.clone()));
        }
        let events = events.into_iter().map(|(_, event)| event).collect();
        left.push(Batch { events, kept_by: batch.kept_by.clone(), ..*batch });
    }
    // What was refused must not be there in any case.
    let alone = unsure.into_iter().map(|(batch, event)| Batch {
        answer: if batch.answer == Answer::Refused { Answer::Refused } else { Answer::None },
        events: vec![event],
        kept_by: Vec::new(),
        while_sent: batch.while_sent,
    });
    left.extend(alone);
    left
}

/// What was damaged or lost on purpose while the journal alone had it.
#[derive(Default)]
struct Hits {
    /// As they were before, and not looked up yet.
    frames: Vec<Vec<u8>>,
    /// Disks that were lost, and from which batch on that matters.
    lost: Vec<(Disk, usize)>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_disk_excuses_what_it_alone_had_also_if_that_is_noted_later() {
        let oracle = Oracle::default();
        let note = |kept_by: &[Disk]| {
            let answer = if kept_by.is_empty() { Answer::None } else { Answer::Accepted };
            let kept_by = kept_by.to_vec();
            let events = Vec::new();
            oracle.note(Batch { events, answer, kept_by, while_sent: Span::now() });
        };
        [&[0][..], &[0], &[0, 1]].into_iter().for_each(note);
        oracle.note_lost(0, 1);
        [&[1][..], &[], &[0], &[2]].into_iter().for_each(note);
        assert_eq!(oracle.shared(0, 1), 1);
        let mut hit = oracle.read(|_, hit| hit.iter().copied().collect::<Vec<_>>());
        hit.sort_unstable();
        assert_eq!(hit, [1, 5]);
    }

    #[test]
    fn what_an_erased_user_had_before_is_nobodys_and_what_comes_later_is_new() {
        let oracle = Oracle::default();
        let send = |user: &str, id: &str, from: Instant| {
            let event = Sent {
                user: user.to_owned(),
                event_id: id.to_owned(),
                number: 1,
                occurred_at: 0,
                device: None,
                hash: [0; 16],
            };
            let events = vec![event.clone(), Sent { user: "other".to_owned(), ..event }];
            let while_sent = Span::since(from);
            oracle.note(Batch { events, answer: Answer::Accepted, kept_by: vec![0], while_sent });
        };
        let start = Instant::now();
        send("ann", "before", start);
        let asked = Instant::now();
        send("ann", "meanwhile", start);
        oracle.note_erased("ann".to_owned(), Span::since(asked));
        send("ann", "later", Instant::now());
        oracle.read(|batches, _| {
            let told = batches.iter().map(|batch| {
                let ids =
                    batch.events.iter().map(|event| format!("{}:{}", event.user, event.event_id));
                (ids.collect::<Vec<_>>().join(" "), batch.answer)
            });
            let told: Vec<_> = told.collect();
            let told: Vec<_> = told.iter().map(|(ids, answer)| (ids.as_str(), *answer)).collect();
            assert_eq!(
                told,
                [
                    ("other:before", Answer::Accepted),
                    ("other:meanwhile", Answer::Accepted),
                    ("ann:later other:later", Answer::Accepted),
                    ("ann:meanwhile", Answer::None),
                ]
            );
        });
    }
}
