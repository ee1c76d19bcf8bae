//! The lines of an export: JSON objects, each with a `kind`.

use serde::Serialize;
use serde_json::value::RawValue;
use trailkeep_event::json_writer::write_string;
use trailkeep_store::StoredEvent;
use trailkeep_store::access::AuditEntry;
use trailkeep_store::dead_letters::DeadLetter;
use trailkeep_store::people::Person;
use trailkeep_store::processing::Processed;

use crate::journeys::export::write_json;
use crate::journeys::linked::Circle;

/// How many lines of each kind there were. The last line has it, so that a file that was
/// cut shows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub people: u64,
    pub events: u64,
    pub outcomes: u64,
    pub dead_letters: u64,
    pub looks: u64,
}

/// A line.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Line<'a> {
    /// The first one.
    Export {
        user_id: &'a str,
        exported_at: String,
        /// Whose events there are.
        ids: Vec<LinkedId<'a>>,
        /// Of whom the user is known to be another id.
        #[serde(skip_serializing_if = "Option::is_none")]
        linked_to: Option<Box<str>>,
        /// Whether more ids are linked than a journey takes.
        more_ids: bool,
    },
    /// What is known of an id.
    Person {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        first_seen: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        last_seen: Option<String>,
        traits: Option<Box<RawValue>>,
        emails: Vec<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        link: Option<Link>,
    },
    /// What a processor made of an event.
    Outcome {
        processor: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        event_id: Option<&'a str>,
        state: &'static str,
        processed_at: String,
        attempts: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        http_status: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<Box<RawValue>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
    },
    /// Somebody looked, or did something about the user.
    Look {
        at: String,
        actor: &'a str,
        action: &'a str,
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// The last one.
    End {
        #[serde(flatten)]
        counts: Counts,
        /// Whether accepted events may be missing, as of a journey.
        may_be_incomplete: bool,
    },
}

/// An id, and up to when its events are the user's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkedId<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// Whose an id is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    user_id: Box<str>,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl<'a> Line<'a> {
    /// What the export is of.
    pub fn of_circle(circle: &'a Circle, exported_at: String) -> Self {
        let linked = circle.linked.iter().map(|linked| LinkedId {
            id: &linked.id,
            until: linked.until.map(|until| until.moment().to_string()),
        });
        let own = LinkedId { id: &circle.person.id, until: None };
        Self::Export {
            user_id: &circle.person.id,
            exported_at,
            ids: std::iter::once(own).chain(linked).collect(),
            linked_to: circle.linked_to(),
            more_ids: circle.is_cut,
        }
    }

    /// What is known of an id.
    pub fn of_person(person: &'a Person) -> Self {
        Self::Person {
            id: &person.id,
            first_seen: person.seen.map(|seen| seen.first.to_string()),
            last_seen: person.seen.map(|seen| seen.last.to_string()),
            traits: raw(person.traits.to_json()),
            emails: person.emails.iter().map(|email| &*email.address).collect(),
            link: link_of(person),
        }
    }

    /// Of an id that is somebody else's since its link ended: what is known of it may be theirs,
    /// so nothing but the link is told.
    pub fn of_former(person: &'a Person) -> Self {
        let (id, link) = (&*person.id, link_of(person));
        Self::Person { id, first_seen: None, last_seen: None, traits: None, emails: vec![], link }
    }

    /// What a processor made of an event.
    pub fn of_outcome(processor: &'a str, outcome: &'a Processed) -> Self {
        Self::Outcome {
            processor,
            event_id: outcome.event.as_ref().map(|event| &*event.event_id),
            state: outcome.state.word(),
            processed_at: outcome.processed_at.to_string(),
            attempts: outcome.attempts,
            http_status: outcome.http_status,
            result: outcome.result.as_ref().and_then(|result| raw(result.to_json())),
            error: outcome.error.as_deref(),
        }
    }

    /// Who looked. The address of whoever did is theirs, and no part of the user's data.
    pub fn of_look(entry: &'a AuditEntry) -> Self {
        Self::Look {
            at: entry.at.to_string(),
            actor: &entry.actor,
            action: &entry.action,
            id: entry.subject.as_deref(),
            reason: entry.reason.as_deref(),
        }
    }

    /// Appends it.
    pub fn write(&self, out: &mut Vec<u8>) {
        // Nothing in it has a key that is no text, so that this cannot fail.
        if serde_json::to_writer(&mut *out, self).is_ok() {
            out.push(b'\n');
        }
    }
}

fn link_of(person: &Person) -> Option<Link> {
    person.link().map(|link| Link {
        user_id: link.user,
        since: link.since.moment().to_string(),
        until: link.until.map(|until| until.moment().to_string()),
    })
}

/// Appends an event, as a journey has it.
pub fn write_event(event: &StoredEvent, out: &mut Vec<u8>) {
    write_as("event", event, out);
    out.push(b'\n');
}

/// Appends an event that the database refused, and why.
pub fn write_letter(letter: &DeadLetter, out: &mut Vec<u8>) {
    write_as("dead-letter", &StoredEvent::from(&*letter.accepted), out);
    out.pop();
    for (name, text) in [
        ("reason", letter.refusal.reason.word()),
        ("error", &letter.refusal.error),
        ("setAsideAt", &letter.set_aside_at.to_string()),
    ] {
        out.extend_from_slice(format!(",\"{name}\":").as_bytes());
        write_string(text, out);
    }
    out.extend_from_slice(b"}\n");
}

fn write_as(kind: &str, event: &StoredEvent, out: &mut Vec<u8>) {
    let start = out.len();
    write_json(event, out);
    let head = format!("{{\"kind\":\"{kind}\",");
    // In the place of the brace that opens the event.
    out.splice(start..=start, head.into_bytes());
}

fn raw(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}
