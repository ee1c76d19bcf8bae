//! What is searched of an event. Pure.

use trailkeep_store::StoredEvent;

use crate::access::team::settings::TeamSettings;
use crate::console::journey::json::Json;
use crate::console::journey::sentence::Sentence;

/// The words of an event, for a search in what is loaded.
pub fn words(event: &StoredEvent, team: &TeamSettings) -> String {
    let sentence = Sentence::of(&event.kind, &Json::payload(&event.payload), team);
    format!("{} {} {}", sentence.text(), event.kind, event.payload).to_lowercase()
}
