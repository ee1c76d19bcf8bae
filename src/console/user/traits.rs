//! What stands beside a journey: what was said of the user, and under which ids.

use chrono_tz::Tz;

use crate::console::journey::json::Json;
use crate::console::journey::sentence::{cut, name};
use crate::console::links;
use crate::console::sight::{Sight, When, in_zone, offset};
use crate::journeys::linked::Circle;
use crate::journeys::profile::Glance;

/// Traits that are shown; all of them are in the API.
const MOST: usize = 14;

/// Characters of a value.
const VALUE_CHARS: usize = 120;

/// Characters of an id that is shown as a whole.
const SHORT_CHARS: usize = 16;

/// Keys of traits that stand elsewhere.
const ELSEWHERE: [&str; 5] = ["name", "email", "timeZone", "timezone", "$timezone"];

/// Linked ids that are shown.
const MOST_LINKED: usize = 10;

/// What is known beside events.
pub struct Traits {
    pub said: Vec<(String, String)>,
    pub earlier_emails: Vec<String>,
    /// The zone of the user, and what time it is there.
    pub time_there: Option<String>,
    pub linked: Vec<Linked>,
    /// Linked ids that are not shown.
    pub more_linked: usize,
}

/// An id whose events are in the journey.
pub struct Linked {
    pub id: String,
    pub link: String,
    pub since: When,
    pub until: Option<When>,
}

impl Linked {
    /// An id that is long as its beginning and its end.
    pub fn short(&self) -> String {
        let chars: Vec<char> = self.id.chars().collect();
        if chars.len() <= SHORT_CHARS {
            return self.id.clone();
        }
        let part = |range: &[char]| range.iter().collect::<String>();
        format!("{}…{}", part(&chars[..8]), part(&chars[chars.len() - 4..]))
    }
}

impl Traits {
    /// Of a user.
    pub fn new(circle: &Circle, glance: &Glance, sight: &Sight) -> Self {
        let said = glance.traits.iter().filter(|(key, _)| !ELSEWHERE.contains(&&***key));
        let said = said.filter_map(|(key, said)| {
            let value: Json = serde_json::from_str(&said.value).ok()?;
            Some((name(key), cut(&words(&value)?, VALUE_CHARS)))
        });
        let linked = circle.linked.iter().take(MOST_LINKED).map(|linked| Linked {
            id: linked.id.to_string(),
            link: links::user(&linked.id),
            since: sight.ago(linked.since.moment()),
            until: linked.until.map(|until| sight.ago(until.moment())),
        });
        Self {
            said: said.take(MOST).collect(),
            earlier_emails: glance.emails.iter().skip(1).map(ToString::to_string).collect(),
            time_there: time_there(glance, sight),
            linked: linked.collect(),
            more_linked: circle.linked.len().saturating_sub(MOST_LINKED),
        }
    }
}

fn words(value: &Json) -> Option<String> {
    match value {
        Json::List(items) => {
            let items: Vec<String> = items.iter().filter_map(Json::words).collect();
            (!items.is_empty()).then(|| items.join(", "))
        }
        value => value.words(),
    }
}

fn time_there(glance: &Glance, sight: &Sight) -> Option<String> {
    let said = ["timeZone", "timezone", "$timezone"].into_iter().find_map(|key| {
        let text = glance.traits.get(key)?.value.to_string();
        serde_json::from_str::<String>(&text).ok()
    });
    let zone: Tz = glance.newest.time_zone.clone().or(said)?.parse().ok()?;
    let there = in_zone(sight.now, zone).format("%H:%M");
    Some(format!("{there}, {} ({})", zone.name(), offset(sight.now, zone)))
}
