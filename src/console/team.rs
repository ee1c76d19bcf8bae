//! What the pages show for the whole team: sentences, hidden types, pinned keys, and
//! whether they ask why before somebody looks at a user.
//!
//! Each is lines of a text, `type = …`, so that the page works without scripts and a list
//! is taken from one installation to another by copying it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::administrator::Administrator;
use super::frame::{Frame, Part};
use super::notice;
use super::page::Page;
use super::refusal::Refusal;
use super::sight::{Sight, When};
use crate::access::team::draft::{Draft, HIDDEN_TYPES, MAX_PINNED, PINNED_KEYS, SENTENCES};
use crate::access::team::settings::TeamSettings;
use crate::http::Service;
use crate::http::input::Form;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::team;

const PAGE: &str = "/console/team";

/// What the API takes, 64 KiB, where a form writes every second byte as three.
const MAX_BYTES: usize = 128 * 1024;

#[derive(Template)]
#[template(path = "team.html")]
struct Team {
    frame: Frame,
    notice: Option<&'static str>,
    typed: Typed,
    refusal: Refusal,
    /// When they were set last.
    set: Option<When>,
}

/// The settings as text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Typed {
    sentences: String,
    hidden: String,
    pinned: String,
    asks_for_reason: bool,
}

/// The settings in force, to be changed.
pub async fn page(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let notice = notice::asked(&mut parameters);
    parameters.finish()?;
    let settings = service.access.team.read().await?;
    Ok(Page(Team {
        notice,
        typed: Typed::of(&settings),
        refusal: Refusal::default(),
        set: settings.updated_at.map(|at| sight.ago(at)),
        frame: Frame::new(&service, &staff, sight, Part::Team, "What pages show"),
    })
    .into_response())
}

/// Sets them.
pub async fn set(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    Form(mut form): Form<MAX_BYTES>,
) -> Result<Response, Problem> {
    let typed = Typed::from(&mut form);
    form.finish()?;
    let kept = match typed.settings() {
        Ok(settings) => team::keep(Arc::clone(&service), staff.actor.clone(), settings).await,
        Err(problem) => Err(problem),
    };
    match kept {
        Ok(_) => Ok(Redirect::into_response(notice::done(PAGE, "team-set"))),
        Err(problem) => {
            let refusal = Refusal::of(problem)?;
            let status = refusal.status();
            let frame = Frame::new(&service, &staff, sight, Part::Team, "What pages show");
            Ok(Page(Team { frame, notice: None, typed, refusal, set: None }).with(status))
        }
    }
}

impl Typed {
    fn of(settings: &TeamSettings) -> Self {
        let sentences = settings.sentences.iter();
        let pinned = settings.pinned_keys.iter().map(|(kind, keys)| {
            let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
            format!("{kind} = {}", keys.join(", "))
        });
        Self {
            sentences: sentences.map(|(kind, said)| format!("{kind} = {said}\n")).collect(),
            hidden: settings.hidden_types.iter().map(|kind| format!("{kind}\n")).collect(),
            pinned: pinned.map(|line| line + "\n").collect(),
            asks_for_reason: settings.asks_for_reason,
        }
    }

    fn from(form: &mut Parameters) -> Self {
        let mut text = |name| form.text(name).unwrap_or_default();
        Self {
            sentences: text(SENTENCES),
            hidden: text(HIDDEN_TYPES),
            pinned: text(PINNED_KEYS),
            asks_for_reason: form.flag("asksForReason").unwrap_or(false),
        }
    }

    /// What it says, or all that is wrong with it.
    fn settings(&self) -> Result<TeamSettings, Problem> {
        let mut draft = Draft::default();
        draft.ask_for_reason(self.asks_for_reason);
        for (kind, said) in entries(&mut draft, SENTENCES, &self.sentences) {
            draft.say(kind, said);
        }
        let hidden = lines(&self.hidden);
        if draft.may_have(HIDDEN_TYPES, hidden.len()) {
            for (place, kind) in hidden {
                draft.hide(place, kind);
            }
        }
        for (kind, keys) in entries(&mut draft, PINNED_KEYS, &self.pinned) {
            let keys: Vec<_> = keys.split(',').map(|key| Some(key.trim())).collect();
            draft.pin(kind, &keys);
        }
        draft.finish().map_err(Problem::invalid_fields)
    }
}

/// The lines that say something, and which of all lines each is, from 0.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().map(str::trim).enumerate();
    lines.filter(|(_, line)| !line.is_empty()).collect()
}

/// What is said of each type, `type = …`. Not every type is without such a sign, but one
/// with blanks around it is none that anybody sends.
fn entries<'a>(draft: &mut Draft, field: &'static str, text: &'a str) -> Vec<(&'a str, &'a str)> {
    let lines = lines(text);
    if !draft.may_have(field, lines.len()) {
        return Vec::new();
    }
    let mut entries = Vec::new();
    for (place, line) in lines {
        match line.split_once(" = ").or_else(|| line.split_once('=')) {
            Some((kind, said)) => entries.push((kind.trim(), said.trim())),
            None => draft.fault(format!("{field}[{place}]"), "has no “=” behind the type"),
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn typed(sentences: &str, hidden: &str, pinned: &str) -> Typed {
        let [sentences, hidden, pinned] = [sentences, hidden, pinned].map(str::to_owned);
        Typed { sentences, hidden, pinned, asks_for_reason: true }
    }

    #[test]
    fn what_is_shown_is_what_was_typed() {
        let shown = typed(
            "a=b = says {x} = {y}\npurchase = Paid {total}\n",
            "page_leave\n",
            "purchase = total, cart.id\n",
        );
        assert_eq!(Typed::of(&shown.settings().unwrap()), shown);
    }

    #[test]
    fn lines_are_taken_as_people_type_them() {
        let loose =
            typed("\r\n  purchase=Paid {total}  \r\n", " page_leave\n\n", "purchase=total,");
        let problem = loose.settings().unwrap_err();
        let refusal = Refusal::of(problem).unwrap();
        assert!(refusal.about(PINNED_KEYS).unwrap().starts_with("“purchase[1]” must be a string"));
        let loose = Typed { pinned: "purchase=total,currency".to_owned(), ..loose };
        let settings = loose.settings().unwrap();
        assert_eq!(Typed::of(&settings).sentences, "purchase = Paid {total}\n");
        assert_eq!(Typed::of(&settings).hidden, "page_leave\n");
        assert_eq!(Typed::of(&settings).pinned, "purchase = total, currency\n");
    }

    #[test]
    fn a_line_that_names_no_type_is_told_by_its_number() {
        let refused = typed("a = fine\n\nnothing here", "", "").settings().unwrap_err();
        let refusal = Refusal::of(refused).unwrap();
        let told = refusal.about(SENTENCES);
        assert_eq!(told.as_deref(), Some("Line 3 has no “=” behind the type."));
    }
}
