//! Which part of a journey is asked for.

use chrono::NaiveDate;
use trailkeep_event::Timestamp;
use trailkeep_store::{JourneyRange, Order, Position, StoredEvent};

use super::words::words;
use crate::access::team::settings::TeamSettings;
use crate::console::links;
use crate::console::sight::Sight;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::journeys::cursor::{self, Way};
use crate::journeys::linked::Circle;

/// Types that may be filtered by or hidden at once.
const MOST_TYPES: usize = 50;

/// Where a page begins.
pub enum Start {
    /// At the newest, or behind this.
    Onwards(Option<Position>),
    /// It ends before this.
    Back(Position),
    /// This event is in its middle.
    Around(String),
}

/// What a page of a user is to show.
pub struct Asked {
    user_id: String,
    pub types: Vec<String>,
    pub hide: Vec<String>,
    /// Whether types that the team hides are shown.
    pub shows_all: bool,
    pub session_id: Option<String>,
    pub text: String,
    pub day: Option<NaiveDate>,
    /// Before this, where a day was asked for.
    until: Option<Timestamp>,
    pub is_linked: bool,
    pub start: Start,
    /// How the address says where it begins.
    place: Option<(&'static str, String)>,
    /// The event that is open.
    pub open: Option<String>,
    /// Whether the days are counted with the page: without scripts nobody asks for them later.
    pub with_activity: bool,
    /// Whether the script asks, for the journey alone.
    pub is_fragment: bool,
}

impl Asked {
    /// Reads the parameters; all faults at once.
    pub fn read(user_id: &str, query: Option<&str>, sight: &Sight) -> Result<Self, Problem> {
        let mut parameters = Parameters::parse(query);
        parameters.check_id("userId", user_id);
        // A form sends fields that were left empty too.
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let day = filled(parameters.text("day")).and_then(|day| match day.parse::<NaiveDate>() {
            Ok(day) => Some(day),
            Err(_) => {
                parameters.fault("day", "must be a day such as 2025-11-28");
                None
            }
        });
        let (start, place) = start(&mut parameters);
        let asked = Self {
            user_id: user_id.to_owned(),
            types: types(&mut parameters, "type"),
            hide: types(&mut parameters, "hide"),
            shows_all: parameters.flag("all").unwrap_or(false),
            session_id: filled(parameters.text("sessionId")),
            text: filled(parameters.text("text")).unwrap_or_default(),
            until: day.and_then(|day| day.succ_opt()).map(|next| sight.start_of(next)),
            day,
            is_linked: parameters.flag("linked").unwrap_or(true),
            start,
            place,
            open: filled(parameters.text("open")),
            with_activity: parameters.flag("activity").unwrap_or(false),
            is_fragment: parameters.flag("fragment").unwrap_or(false),
        };
        if let Some(session_id) = &asked.session_id {
            parameters.check_id("sessionId", session_id);
        }
        parameters.finish()?;
        Ok(asked)
    }

    /// Whether the newest events are asked for, and all of them.
    pub fn is_whole(&self) -> bool {
        self.is_newest() && self.types.is_empty() && self.session_id.is_none() && self.is_linked
    }

    /// Whether the page begins with the newest events.
    pub fn is_newest(&self) -> bool {
        matches!(self.start, Start::Onwards(None)) && self.day.is_none()
    }

    /// The range of the journey.
    pub fn range(&self, circle: &Circle) -> JourneyRange {
        let mut ids = circle.ids();
        if !self.is_linked {
            ids.truncate(1);
        }
        JourneyRange {
            to: self.until.map(|until| until.plus_millis(-1)),
            after: match self.start {
                Start::Onwards(after) => after,
                Start::Back(_) | Start::Around(_) => None,
            },
            types: self.types.clone(),
            session_id: self.session_id.clone(),
            ..JourneyRange::whole(ids, Order::Descending)
        }
    }

    /// The events that are shown, and of those that are hidden how many of each type.
    /// A type that is asked for is shown, whatever the team hides.
    pub fn shown<'e>(
        &self,
        events: &'e [StoredEvent],
        team: &TeamSettings,
    ) -> (Vec<&'e StoredEvent>, Vec<(String, usize)>) {
        let mut hidden: Vec<(String, usize)> = Vec::new();
        let text = self.text.to_lowercase();
        let is_open = |event: &StoredEvent| self.open.as_deref() == Some(&*event.event_id);
        let is_hidden = |kind: &str| {
            let by_team = !self.shows_all && self.types.is_empty();
            self.hide.iter().any(|hidden| hidden == kind)
                || (by_team && team.hidden_types.contains(kind))
        };
        let shown = events.iter().filter(|event| {
            if is_hidden(&event.kind) && !is_open(event) {
                match hidden.iter_mut().find(|(kind, _)| **kind == *event.kind) {
                    Some((_, count)) => *count += 1,
                    None => hidden.push((event.kind.to_string(), 1)),
                }
                return false;
            }
            text.is_empty() || words(event, team).contains(&text)
        });
        (shown.collect(), hidden)
    }

    /// The fields by which the page is filtered, for forms and links.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        fields.extend(self.types.iter().map(|kind| ("type", kind.clone())));
        fields.extend(self.hide.iter().map(|kind| ("hide", kind.clone())));
        fields.extend(self.session_id.iter().map(|id| ("sessionId", id.clone())));
        if !self.text.is_empty() {
            fields.push(("text", self.text.clone()));
        }
        fields.extend(self.day.map(|day| ("day", day.to_string())));
        if !self.is_linked {
            fields.push(("linked", "false".to_owned()));
        }
        if self.shows_all {
            fields.push(("all", "true".to_owned()));
        }
        fields
    }

    /// Those, and where the page begins: for what stays on it.
    pub fn fields_here(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.fields();
        fields.extend(self.place.clone());
        fields
    }

    /// The same page with more fields.
    pub fn link(&self, more: &[(&str, &str)]) -> String {
        self.link_without(&[], more)
    }

    /// The same page with nothing hidden.
    pub fn link_unhidden(&self) -> String {
        self.link_without(&["hide", "all"], &[("all", "true")])
    }

    fn link_without(&self, gone: &[&str], more: &[(&str, &str)]) -> String {
        let fields = self.fields();
        let kept = fields.iter().map(|(name, value)| (*name, &**value));
        let kept = kept.filter(|(name, _)| !gone.contains(name));
        let pairs: Vec<(&str, &str)> = kept.chain(more.iter().copied()).collect();
        format!("{}?{}", links::user(&self.user_id), links::query(&pairs))
    }

    /// The day in its field.
    pub fn day_field(&self) -> String {
        self.day.map(|day| day.to_string()).unwrap_or_default()
    }

    /// Whether anything is left out.
    pub fn is_filtered(&self) -> bool {
        !self.types.is_empty() || !self.text.is_empty() || self.session_id.is_some()
    }
}

fn types(parameters: &mut Parameters, name: &str) -> Vec<String> {
    let types: Vec<String> =
        parameters.all(name).into_iter().filter(|kind| !kind.is_empty()).collect();
    if types.len() > MOST_TYPES {
        parameters.fault(name, format!("may be given {MOST_TYPES} times at most"));
    }
    for kind in &types {
        parameters.check_id(name, kind);
    }
    types
}

fn start(parameters: &mut Parameters) -> (Start, Option<(&'static str, String)>) {
    let cursor = parameters.text("cursor");
    if let Some(event_id) = parameters.text("around") {
        parameters.check_id("around", &event_id);
        return (Start::Around(event_id.clone()), Some(("around", event_id)));
    }
    let Some(text) = cursor else { return (Start::Onwards(None), None) };
    let start = match cursor::decode(&text, Order::Descending) {
        Ok((position, Way::Onwards)) => Start::Onwards(Some(position)),
        Ok((position, Way::Back)) => Start::Back(position),
        Err(fault) => {
            parameters.fault("cursor", fault.to_string());
            Start::Onwards(None)
        }
    };
    (start, Some(("cursor", text)))
}
