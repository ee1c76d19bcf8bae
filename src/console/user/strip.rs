//! What stands above a journey: who, whether here, where, what went wrong.

use trailkeep_store::StoredEvent;

use crate::access::team::settings::TeamSettings;
use crate::console::journey::json::Json;
use crate::console::journey::sentence::{Hue, Sentence, cut, look, page_of};
use crate::console::links;
use crate::console::sight::{Sight, When};
use crate::journeys::linked::Circle;
use crate::journeys::profile::Glance;

/// Characters of a fact.
const FACT_CHARS: usize = 80;

/// The facts of a user.
pub struct Strip {
    /// The name, else the e-mail address, else the id.
    pub name: String,
    pub email: Option<String>,
    pub accounts: Vec<(String, String)>,
    pub linked_to: Option<(String, String)>,
    /// Whether they are on the site now.
    pub is_here: bool,
    pub last_seen: Option<When>,
    pub page: Option<(String, When)>,
    /// Text, link, time.
    pub error: Option<(String, String, When)>,
    pub device: Option<String>,
    pub first_seen: Option<(When, When)>,
    pub linked: usize,
}

impl Strip {
    /// Of the newest events of a user.
    pub fn new(
        circle: &Circle,
        glance: &Glance,
        events: &[StoredEvent],
        sight: &Sight,
        team: &TeamSettings,
    ) -> Self {
        let id = &*circle.person.id;
        let said = |key: &str| {
            let value = glance.traits.get(key)?;
            let value: Json = serde_json::from_str(&value.value).ok()?;
            value.words()
        };
        let email = glance.emails.first().map(ToString::to_string).or_else(|| said("email"));
        let accounts = glance.newest.account_ids.iter();
        Self {
            name: said("name").or_else(|| email.clone()).unwrap_or_else(|| id.to_owned()),
            email,
            accounts: accounts.map(|id| (id.to_string(), links::account(id))).collect(),
            linked_to: circle.linked_to().map(|user| (user.to_string(), links::user(&user))),
            is_here: is_here(events, sight),
            last_seen: glance.seen.map(|(_, last)| sight.ago(last)),
            page: events.iter().find_map(|event| page(event, sight)),
            error: events.iter().find_map(|event| error(event, id, sight, team)),
            device: glance.newest.device.as_ref().and_then(|device| {
                let told = [device.browser.clone(), device.os.clone().or(device.device.clone())];
                let told: Vec<String> = told.into_iter().flatten().collect();
                (!told.is_empty()).then(|| told.join(", "))
            }),
            first_seen: glance.seen.map(|(first, _)| (sight.date(first), sight.ago(first))),
            linked: circle.linked.len(),
        }
    }
}

/// Whether the newest event is of the last minutes, and no goodbye. To leave another page
/// than the one that was viewed last is none: browsers tell of it behind that view, and one
/// of several tabs may be closed.
fn is_here(events: &[StoredEvent], sight: &Sight) -> bool {
    let leaves_another = |event: &&StoredEvent| {
        let left = left(event);
        left.is_some() && left != events.iter().find_map(viewed)
    };
    let newest = events.iter().find(|event| !leaves_another(event));
    newest.is_some_and(|newest| {
        sight.is_here(newest.occurred_at) && !is_leave(newest) && *newest.kind != *"session_end"
    })
}

fn is_leave(event: &StoredEvent) -> bool {
    ["page_leave", "$pageleave"].contains(&&*event.kind)
}

/// The page that was left.
fn left(event: &StoredEvent) -> Option<String> {
    if is_leave(event) { page_of(&Json::payload(&event.payload)) } else { None }
}

/// The page that was viewed.
fn viewed(event: &StoredEvent) -> Option<String> {
    let is_view = ["page_view", "page", "$pageview", "pageview"].contains(&&*event.kind);
    // Most events are none: their payloads are not read for this.
    if is_view { page_of(&Json::payload(&event.payload)) } else { None }
}

fn page(event: &StoredEvent, sight: &Sight) -> Option<(String, When)> {
    Some((viewed(event)?, sight.ago(event.occurred_at)))
}

fn error(
    event: &StoredEvent,
    user_id: &str,
    sight: &Sight,
    team: &TeamSettings,
) -> Option<(String, String, When)> {
    // The type alone says whether it is one, so the payloads of others are not read.
    let (_, hue) = look(&event.kind);
    if hue != Hue::Err {
        return None;
    }
    let text = Sentence::of(&event.kind, &Json::payload(&event.payload), team).text();
    let text = text.strip_prefix("Error: ").unwrap_or(&text);
    let link = links::event(user_id, &event.event_id);
    Some((cut(text, FACT_CHARS), link, sight.ago(event.occurred_at)))
}
