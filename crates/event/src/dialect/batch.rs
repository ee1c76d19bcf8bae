//! The events of one request of another collector's SDK, while they are read.

use std::borrow::Cow;

use serde::de::Error;

use super::parts::Room;
use crate::agent::Agent;
use crate::draft::{Draft, Slot};
use crate::fault::{Fault, Faults, clip};
use crate::json::Scalar;
use crate::normalize::normalize;
use crate::sender::Marks;
use crate::sending::Clocks;
use crate::wire::{self, Refusal};
use crate::{Event, Rules, Sender, Timestamp};

/// What events are read by.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// What events must keep to.
    pub rules: &'a Rules,
    /// Who sent the request.
    pub sender: &'a Sender<'a>,
    /// The time of receipt.
    pub now: Timestamp,
}

/// What came of a request.
#[derive(Debug)]
pub struct Taken {
    /// The events that are taken, in the order in which they were sent; there may be none.
    pub events: Vec<Event>,
    /// The write key that the body names, the first of them.
    pub key: Option<Box<str>>,
    /// Those that are not taken.
    pub left_out: LeftOut,
}

/// Events that were left out of a request of which others are taken.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// How many break a rule.
    pub invalid: usize,
    /// How many have a payload that is too large.
    pub too_large: usize,
    /// How many are of types that nobody wants.
    pub unwanted: usize,
    /// What is wrong with those that break a rule or are too large.
    pub faults: Faults,
}

/// As [`wire::most_bytes`], for a body of a dialect: beside its own, an event may have what
/// its sender is given and what a batch says of all.
pub fn most_bytes(body: &[u8], rules: &Rules) -> usize {
    const FOR_AN_EVENT: usize = 2 << 10;
    let events = (body.len() / "{}".len()).min(rules.max_events);
    wire::most_bytes(body, rules) + FOR_AN_EVENT * events
}

/// The events of one request while they are read.
pub(super) struct Batch<'t> {
    pub terms: Terms<'t>,
    pub clocks: Clocks,
    /// Whether the request says when it was sent.
    pub is_sent: bool,
    /// Those that would have counted, had they been known before the events.
    pub sent_behind: Option<Clocks>,
    pub key: Option<Box<str>>,
    pub room: Room,
    events: Vec<Event>,
    left_out: LeftOut,
    /// How many events were met, those that are left out included.
    met: usize,
    too_many: bool,
    /// Something is wrong with what is around the events.
    form: Faults,
    /// The last user agent that was looked at: those of a batch are mostly alike.
    agent: Option<(Box<str>, Option<Agent>)>,
}

impl<'t> Batch<'t> {
    pub fn new(body: &[u8], terms: Terms<'t>, clocks: Clocks, is_sent: bool) -> Self {
        /// Bytes of an event as most are sent.
        const USUAL_BYTES: usize = 400;
        let expected = (body.len() / USUAL_BYTES + 1).min(terms.rules.max_events);
        Self {
            terms,
            clocks,
            is_sent,
            sent_behind: None,
            key: None,
            room: Room::for_json(body.len()),
            events: Vec::with_capacity(expected),
            left_out: LeftOut::default(),
            met: 0,
            too_many: false,
            form: Faults::default(),
            agent: None,
        }
    }

    /// Counts one more event and gives its index; an error ends the reading.
    pub fn begin<E: Error>(&mut self) -> Result<usize, E> {
        if self.met == self.terms.rules.max_events {
            self.too_many = true;
            return Err(E::custom("too many events"));
        }
        self.met += 1;
        Ok(self.met - 1)
    }

    /// Whether an event was met.
    pub fn has_begun(&self) -> bool {
        self.met > 0
    }

    /// Takes note of when the request was sent, before or behind its events.
    pub fn sent_at(&mut self, sent_at: Option<Timestamp>) {
        let Some(sent_at) = sent_at else { return };
        let clocks = Clocks::of_sender(self.clocks.now, sent_at);
        if self.met == 0 {
            (self.clocks, self.is_sent) = (clocks, true);
        } else if clocks != self.clocks {
            self.sent_behind = Some(clocks);
        }
    }

    /// Takes note of the write key that the body names.
    pub fn names_key(&mut self, key: &Scalar<'_>) {
        if self.key.is_none()
            && let Scalar::Text(key) = key
        {
            self.key = Some((&**key).into());
        }
    }

    /// What an event is given of its sender: of the browser that it names itself, where it
    /// does, and else of the one that sent the request.
    pub fn marks<'a>(&mut self, user_agent: Option<&'a str>, address: Option<&'a str>) -> Marks<'a>
    where
        't: 'a,
    {
        let sender = self.terms.sender;
        let agent = user_agent.map_or(sender.agent, |text| self.agent_of(text));
        let user_agent = user_agent.or(sender.user_agent);
        Marks::of(sender.keep, agent, user_agent, address.or(sender.address))
    }

    fn agent_of(&mut self, text: &str) -> Option<Agent> {
        match &self.agent {
            Some((last, agent)) if **last == *text => *agent,
            _ => {
                let agent = Agent::of(text);
                self.agent = Some((text.into(), agent));
                agent
            }
        }
    }

    /// Turns a draft into an event, or leaves it out.
    pub fn add(&mut self, index: usize, draft: Drafted<'_>) {
        let Drafted { values, payload, is_too_large, clocks } = draft;
        let mut draft = Draft::default();
        for (slot, (name, value)) in draft.scalars.iter_mut().zip(values) {
            if !matches!(value, Scalar::Null) {
                *slot = Slot(Some((Cow::Borrowed(name), value)));
            }
        }
        let mut repeated = Default::default();
        draft.payload.set(Cow::Borrowed("properties"), Some(payload), &mut repeated);
        let rules = self.terms.rules;
        match normalize(draft, index, rules, clocks, &mut self.left_out.faults) {
            Some(event) => self.events.push(event),
            None if is_too_large => self.left_out.too_large += 1,
            None => self.left_out.invalid += 1,
        }
    }

    /// Leaves out an event for something that is no rule of events.
    pub fn leave_out(&mut self, index: usize, field: &str, message: impl Into<Cow<'static, str>>) {
        self.left_out.invalid += 1;
        let fault = || Fault { index: Some(index), field: clip(field), message: message.into() };
        self.left_out.faults.add(fault);
    }

    /// Leaves out an event that nobody wants.
    pub fn pass_over(&mut self) {
        self.left_out.unwanted += 1;
    }

    /// Something is wrong with what is around the events: all are refused.
    pub fn wrong_form(&mut self, field: &str, message: impl Into<Cow<'static, str>>) {
        self.form.add(|| Fault::of(field, message));
    }

    pub fn finish(self, error: Option<serde_json::Error>) -> Result<Taken, Refusal> {
        if self.too_many {
            return Err(Refusal::TooMany { limit: self.terms.rules.max_events });
        }
        if let Some(error) = error {
            return Err(wire::syntax(&error, 0));
        }
        if !self.form.is_empty() {
            return Err(Refusal::Faulty { faults: self.form, events: self.met });
        }
        Ok(Taken { events: self.events, key: self.key, left_out: self.left_out })
    }
}

/// An event as a dialect has read it.
pub(super) struct Drafted<'de> {
    /// The fields from `userId` to `eventId` in the order of [`Field`](crate::draft::Field),
    /// each with the name under which a fault of it is told.
    pub values: [(&'static str, Scalar<'de>); 7],
    pub payload: Result<crate::Payload, Cow<'static, str>>,
    pub is_too_large: bool,
    pub clocks: Clocks,
}
