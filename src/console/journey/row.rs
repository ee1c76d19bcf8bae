//! One row: a time, an icon, a sentence, two or three properties.

use trailkeep_store::{Position, StoredEvent};
use uuid::Uuid;
use uuid::fmt::Simple;

use super::json::Json;
use super::opened::Opened;
use super::sentence::{Hue, Piece, Sentence, page_of};
use crate::access::team::settings::TeamSettings;
use crate::console::sight::{Sight, When};

/// What rows are made with.
pub struct Rows<'a> {
    pub sight: &'a Sight,
    /// What the team wants to see.
    pub team: &'a TeamSettings,
    /// The event that is open.
    pub open: Option<&'a str>,
}

/// One event, or several that are the same.
pub struct Row {
    pub event_id: String,
    /// Under which id it was sent.
    pub user_id: String,
    /// Its place in the page.
    pub anchor: String,
    pub kind: String,
    pub at: When,
    pub hue: Hue,
    pub icon: &'static str,
    pub pieces: Vec<Piece>,
    pub props: Vec<(String, String)>,
    pub opened: Option<Opened>,
    /// Those before it that are the same, the newest first.
    pub same: Vec<Row>,
    /// Said above it: that it was the first event under the user's own id.
    pub known_since: bool,
    /// Of what a session is told.
    pub(super) facts: Facts,
}

/// What the head of a session is made of.
pub(super) struct Facts {
    pub session_id: Option<Box<str>>,
    pub position: Position,
    pub page: Option<String>,
    pub device: Option<String>,
    text: String,
}

impl Rows<'_> {
    /// The row of an event.
    pub fn row(&self, event: &StoredEvent) -> Row {
        let payload = Json::payload(&event.payload);
        let sentence = Sentence::of(&event.kind, &payload, self.team);
        let is_open = self.open == Some(&event.event_id);
        Row {
            event_id: event.event_id.to_string(),
            user_id: event.user_id.to_string(),
            anchor: anchor(event),
            kind: event.kind.to_string(),
            at: self.sight.clock(event.occurred_at),
            hue: sentence.hue,
            icon: sentence.icon,
            facts: Facts {
                session_id: event.session_id.clone(),
                position: event.position(),
                page: page_of(&payload),
                device: device(&payload),
                text: sentence.text(),
            },
            pieces: sentence.pieces,
            props: sentence.props,
            opened: is_open.then(|| Opened::new(event, payload)),
            same: Vec::new(),
            known_since: false,
        }
    }
}

impl Row {
    /// Whether something went wrong.
    pub fn is_error(&self) -> bool {
        self.hue == Hue::Err
    }

    /// Whether a reader would take both for the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.facts.text == other.facts.text
            && self.props == other.props
            && self.user_id == other.user_id
            && self.opened.is_none()
            && other.opened.is_none()
            && !self.known_since
    }

    /// How many events it stands for.
    pub fn count(&self) -> usize {
        1 + self.same.len()
    }

    /// The sentence and its properties as text.
    pub fn text(&self) -> String {
        let props = self.props.iter().map(|(key, value)| format!(", {key} {value}"));
        self.facts.text.clone() + &props.collect::<String>()
    }
}

/// Where an event is in a page: ids of trackers may hold anything.
fn anchor(event: &StoredEvent) -> String {
    let mut digits = [0; Simple::LENGTH];
    let id = Uuid::from_bytes(*event.id.as_bytes());
    ["e-", id.simple().encode_lower(&mut digits)].concat()
}

/// What an event was made on: `Firefox 145, Windows`.
pub fn device(payload: &Json) -> Option<String> {
    let words = |keys: &[&str]| keys.iter().find_map(|key| payload.get(key)?.words());
    let browser = words(&["$browser", "browser"]);
    let system = words(&["$os", "os"]);
    let device = words(&["$device", "device"]);
    let told: Vec<String> = [browser, system.or(device)].into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join(", "))
}
