//! Everything that is known of a user: of the user's own id and of those that are linked
//! to it, each up to where its link ends.
//!
//! A part is read when it is asked for, so an export takes the memory of one page, however
//! much there is. It begins with whose ids are whose at that moment; what comes to be known
//! meanwhile may be in it or not. What the backlog holds is in it as it is in a journey.

use std::sync::Arc;

use trailkeep_event::Arrival;
use trailkeep_event::time::Clock;
use trailkeep_store::access::{AccessStore, AuditRange};
use trailkeep_store::dead_letters::{DeadLetterStore, LetterPlace};
use trailkeep_store::processing::ProcessingStore;
use trailkeep_store::{Id, JourneyRange, Order, Position, StoreError};
use uuid::Uuid;

use super::lines::{self, Counts, Line};
use crate::journeys::Journeys;
use crate::journeys::linked::{Circle, Links};

/// Events that are in memory at once.
const EVENTS: usize = 200;
/// Outcomes that are, of which each may have some 17 KiB.
const OUTCOMES: usize = 50;
/// Dead letters without their payloads that are, and entries of the audit trail.
const ROWS: usize = 500;

/// Where it is read.
pub struct Sources {
    /// The events.
    pub journeys: Journeys,
    /// Whose ids are whose.
    pub links: Links,
    /// What the database refused for good.
    pub letters: Arc<dyn DeadLetterStore>,
    /// What processors made of events.
    pub processing: Arc<dyn ProcessingStore>,
    /// Who looked.
    pub access: Arc<dyn AccessStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What is still to come of an export.
pub struct Export {
    sources: Arc<Sources>,
    circle: Circle,
    /// Those of the circle.
    ids: Vec<Id>,
    /// The names of those that have outcomes, of which some may be removed.
    processors: Vec<Box<str>>,
    counts: Counts,
    may_be_incomplete: bool,
    next: Part,
}

/// What comes next.
enum Part {
    People,
    /// Behind this place.
    Events(Option<Position>),
    /// Behind this place.
    Letters(Option<LetterPlace>),
    /// At the id with this place in the circle, older than this entry.
    Looks(usize, Option<Uuid>),
    End,
    Over,
}

impl Export {
    /// Of this user. One of whom nothing is known has an export that says so.
    pub async fn of(sources: Arc<Sources>, user_id: &str) -> Result<Self, StoreError> {
        let circle = sources.links.of(user_id).await?;
        let processors = sources.processing.processors_with_outcomes().await?;
        Ok(Self {
            sources,
            ids: circle.ids(),
            circle,
            processors,
            counts: Counts::default(),
            may_be_incomplete: false,
            next: Part::People,
        })
    }

    /// Some more lines; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// Those of the store. The export is cut there, for nobody can tell what was given.
    pub async fn more(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let mut out = Vec::new();
        while out.is_empty() {
            self.next = match std::mem::replace(&mut self.next, Part::Over) {
                Part::People => self.people(&mut out),
                Part::Events(after) => self.events(after, &mut out).await?,
                Part::Letters(after) => self.letters(after, &mut out).await?,
                Part::Looks(place, before) => self.looks(place, before, &mut out).await?,
                Part::End => self.end(&mut out),
                Part::Over => return Ok(None),
            };
        }
        Ok(Some(out))
    }

    fn people(&mut self, out: &mut Vec<u8>) -> Part {
        let now = self.sources.clock.now();
        Line::of_circle(&self.circle, now.to_string()).write(out);
        if !self.circle.is_unknown() {
            Line::of_person(&self.circle.person).write(out);
            for linked in &self.circle.linked {
                match linked.until {
                    None => Line::of_person(&linked.person).write(out),
                    Some(_) => Line::of_former(&linked.person).write(out),
                }
            }
            self.counts.people += 1 + self.circle.linked.len() as u64;
        }
        Part::Events(None)
    }

    async fn events(
        &mut self,
        after: Option<Position>,
        out: &mut Vec<u8>,
    ) -> Result<Part, StoreError> {
        let whole = JourneyRange::whole(self.ids.clone(), Order::Ascending);
        let range = JourneyRange { after, ..whole };
        let page = self.sources.journeys.page(&range, EVENTS).await?;
        self.may_be_incomplete |= page.may_be_incomplete;
        for event in &page.events {
            lines::write_event(event, out);
            self.counts.events += 1;
        }
        let ids: Vec<_> = page.events.iter().map(|event| event.id).collect();
        for processor in &self.processors {
            for ids in ids.chunks(OUTCOMES) {
                let found = self.sources.processing.outcomes(processor, ids).await?;
                // In the order of the events.
                for outcome in ids.iter().filter_map(|id| found.get(id)) {
                    Line::of_outcome(processor, outcome).write(out);
                    self.counts.outcomes += 1;
                }
            }
        }
        Ok(match page.next {
            Some(next) => Part::Events(Some(next)),
            None => Part::Letters(None),
        })
    }

    async fn letters(
        &mut self,
        after: Option<LetterPlace>,
        out: &mut Vec<u8>,
    ) -> Result<Part, StoreError> {
        let letters = &self.sources.letters;
        let page = letters.list(after, ROWS).await?;
        for head in &page {
            let is_of_user = self.ids.iter().any(|id| id.holds(&head.user_id, head.arrival));
            // One may be stored meanwhile, and gone.
            if is_of_user && let Some(letter) = letters.get(head.id).await? {
                lines::write_letter(&letter, out);
                self.counts.dead_letters += 1;
            }
        }
        Ok(match page.last() {
            Some(last) => Part::Letters(Some(last.place())),
            None => Part::Looks(0, None),
        })
    }

    async fn looks(
        &mut self,
        place: usize,
        before: Option<Uuid>,
        out: &mut Vec<u8>,
    ) -> Result<Part, StoreError> {
        let Some(id) = self.ids.get(place) else { return Ok(Part::End) };
        let range = AuditRange { before, subject: Some(id.id.clone()), actor: None };
        let entries = self.sources.access.audit(&range, ROWS).await?;
        // From the end of a link on, who looks at the id looks at somebody else.
        let until = id.until.map(Arrival::moment);
        for entry in entries.iter().filter(|entry| until.is_none_or(|until| entry.at < until)) {
            Line::of_look(entry).write(out);
            self.counts.looks += 1;
        }
        Ok(match entries.last() {
            Some(last) => Part::Looks(place, Some(last.id)),
            None => Part::Looks(place + 1, None),
        })
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Part {
        let (counts, may_be_incomplete) = (self.counts, self.may_be_incomplete);
        Line::End { counts, may_be_incomplete }.write(out);
        Part::Over
    }
}
