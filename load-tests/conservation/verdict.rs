//! What is in the store against what was answered.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::ops::AddAssign;

use crate::calendar::Calendar;
use crate::oracle::{Answer, Batch, Sent};
use crate::processors::verdict::Processing;
use crate::stored::Stored;

/// The counts of one check; all but the first five are defects. In events,
/// but for `torn` and those that were hit, which are batches.
#[derive(Debug, Default, Clone, Copy)]
pub struct Verdict {
    pub accepted: u64,
    pub refused: u64,
    pub unanswered: u64,
    /// Batches that were damaged on purpose, and may be missing.
    pub hit: u64,
    /// Those of them that are missing, or a part of them: a write takes events by
    /// user, so that some of a batch may have been stored before it was damaged.
    pub hit_and_gone: u64,
    /// Accepted and not there, those that were hit left aside.
    pub lost: u64,
    /// There more than once.
    pub doubled: u64,
    /// Accepted, and in another place of its user's journey than it was sent for.
    pub reordered: u64,
    /// There, with another content than was sent.
    pub damaged: u64,
    /// There, and refused or never sent.
    pub invented: u64,
    /// Batches of which only a part is there, those that were hit left aside.
    pub torn: u64,
    /// There, with another period than the calendar says. In MongoDB alone.
    pub misfiled: u64,
    /// Missing in a journey that the service gave, in another place of it, or of
    /// another content; and pages of old events that were wrong.
    pub misread: u64,
    /// Accepted with a device, and its device is not linked to its user.
    pub unlinked: u64,
    /// What became of events at the processor, where there is one.
    pub processing: Processing,
}

impl Verdict {
    /// Compares. Where there is no calendar there are no periods.
    pub fn on(
        batches: &[Batch],
        hit: &HashSet<usize>,
        stored: &[Stored],
        calendar: Option<&Calendar>,
    ) -> Self {
        let mut there = There::of(stored);
        let mut verdict = Self { hit: hit.len() as u64, ..Self::default() };
        for (place, batch) in batches.iter().enumerate() {
            verdict.judge(batch, hit.contains(&place), &mut there);
        }
        verdict.invented += there.not_asked_for();
        verdict.reordered = reordered(batches, &there);
        if let Some(calendar) = calendar {
            let is_misfiled = |event: &&Stored| !event.is_filed_by(calendar);
            verdict.misfiled = stored.iter().filter(is_misfiled).count() as u64;
        }
        verdict
    }

    /// Whether no defect was found.
    pub fn is_clean(&self) -> bool {
        let of_the_store = self.lost + self.doubled + self.reordered + self.damaged;
        of_the_store + self.invented + self.torn + self.misfiled + self.misread + self.unlinked == 0
            && self.processing.is_clean()
    }

    fn judge(&mut self, batch: &Batch, is_hit: bool, there: &mut There<'_>) {
        let events = batch.events.len() as u64;
        let mut present = 0;
        for event in &batch.events {
            let copies = there.take(event);
            present += u64::from(!copies.is_empty());
            self.doubled += copies.len().saturating_sub(1) as u64;
            let is_changed = |copy: &&&Stored| copy.hash() != Some(event.hash);
            self.damaged += copies.iter().filter(is_changed).count() as u64;
        }
        match batch.answer {
            Answer::Accepted => {
                self.accepted += events;
                if !is_hit {
                    self.lost += events - present;
                }
            }
            Answer::Refused => {
                self.refused += events;
                self.invented += present;
            }
            Answer::None => self.unanswered += events,
        }
        self.hit_and_gone += u64::from(is_hit && present < events);
        self.torn += u64::from(!is_hit && present > 0 && present < events);
    }
}

/// What is there, by identity.
struct There<'a> {
    events: HashMap<(&'a str, &'a str), Vec<&'a Stored>>,
    asked_for: u64,
}

impl<'a> There<'a> {
    fn of(stored: &'a [Stored]) -> Self {
        let mut events: HashMap<_, Vec<_>> = HashMap::new();
        for event in stored {
            let identity = (event.user.as_str(), event.event_id.as_str());
            events.entry(identity).or_default().push(event);
        }
        Self { events, asked_for: 0 }
    }

    fn get<'b>(&'b self, event: &'b Sent) -> &'b [&'a Stored] {
        self.events.get(&(event.user.as_str(), event.event_id.as_str())).map_or(&[], Vec::as_slice)
    }

    /// Event ids are never sent twice, so each identity is asked for once.
    fn take(&mut self, event: &Sent) -> Vec<&'a Stored> {
        let copies = self.get(event).to_vec();
        self.asked_for += copies.len() as u64;
        copies
    }

    fn not_asked_for(&self) -> u64 {
        self.events.values().map(|copies| copies.len() as u64).sum::<u64>() - self.asked_for
    }
}

/// The place of an event in its journey, `occurredAt` and then arrival; and the place
/// that it was sent for, `occurredAt` and then its number.
type Step = ((i64, i64), (i64, i64));

/// Counts, in the order of a journey, the accepted events that do not come behind
/// what has an earlier `occurredAt`, and behind what has the same one and was sent
/// before. An event that is late belongs in front of what was sent before it, and
/// is no defect there. Two with one place have no order.
fn reordered(batches: &[Batch], there: &There<'_>) -> u64 {
    let mut journeys: BTreeMap<&str, Vec<Step>> = BTreeMap::new();
    for event in batches
        .iter()
        .filter(|batch| batch.answer == Answer::Accepted)
        .flat_map(|batch| &batch.events)
    {
        if let Some(stored) = there.get(event).first() {
            journeys.entry(&event.user).or_default().push((stored.place(), event.place()));
        }
    }
    journeys.into_values().map(inversions).sum()
}

fn inversions(mut journey: Vec<Step>) -> u64 {
    journey.sort_unstable();
    let is_wrong = |pair: &&[Step]| pair[0].0 == pair[1].0 || pair[0].1 >= pair[1].1;
    journey.windows(2).filter(is_wrong).count() as u64
}

#[cfg(test)]
mod tests;

impl AddAssign for Verdict {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.hit += other.hit;
        self.hit_and_gone += other.hit_and_gone;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.damaged += other.damaged;
        self.invented += other.invented;
        self.torn += other.torn;
        self.misfiled += other.misfiled;
        self.misread += other.misread;
        self.unlinked += other.unlinked;
        self.processing += other.processing;
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} accepted, {} refused, {} unanswered; {} lost, {} doubled, {} reordered, \
             {} damaged, {} invented, {} torn, {} misfiled, {} misread, {} unlinked",
            self.accepted,
            self.refused,
            self.unanswered,
            self.lost,
            self.doubled,
            self.reordered,
            self.damaged,
            self.invented,
            self.torn,
            self.misfiled,
            self.misread,
            self.unlinked
        )?;
        if self.processing != Processing::default() {
            write!(f, "; {}", self.processing)?;
        }
        if self.hit > 0 {
            let (hit, gone) = (self.hit, self.hit_and_gone);
            write!(f, "; {hit} batches hit on purpose, {gone} of them gone")?;
        }
        Ok(())
    }
}
