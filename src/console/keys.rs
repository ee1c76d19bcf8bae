//! Write keys: who may send events.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use trailkeep_store::write_keys::WriteKeyRecord;

use super::administrator::Administrator;
use super::ending::{self, Ending};
use super::frame::{Frame, Part};
use super::numbered::{self, Numbered};
use super::page::Page;
use super::question::Question;
use super::refusal::Refusal;
use super::sight::{Sight, When};
use super::{links, notice};
use crate::access::write_keys::NewWriteKey;
use crate::http::Service;
use crate::http::guard::Staff;
use crate::http::input::Form;
use crate::http::on_terms::OnTerms;
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::terms::Terms;
use crate::http::write_keys::{self, OF_SETTINGS};

const PAGE: &str = "/console/keys";

/// Origins of a key that are told in its row; the others are behind a click.
const ORIGINS_IN_ROW: usize = 2;

#[derive(Template)]
#[template(path = "keys.html")]
struct Keys {
    frame: Frame,
    notice: Option<&'static str>,
    /// A key that was made just now: its name, and its text.
    made: Option<(String, String)>,
    keys: Numbered<Key>,
    typed: Typed,
    refusal: Refusal,
}

/// One key.
struct Key {
    name: String,
    /// How its text ends; `None` for one of the settings.
    hint: Option<String>,
    origins: Vec<String>,
    last_used: Option<When>,
    made: Option<When>,
    ending: Ending,
    /// Where it is revoked; `None` for one of the settings.
    revoke: Option<String>,
}

/// What somebody typed of a key that is wanted.
#[derive(Default)]
struct Typed {
    name: String,
    origins: String,
    last_day: String,
}

impl Key {
    fn of(key: WriteKeyRecord, sight: &Sight) -> Self {
        Self {
            revoke: Some(format!("{PAGE}/{}/revoke", key.id)),
            name: key.name,
            hint: Some(key.hint),
            origins: key.origins,
            last_used: key.last_used_at.map(|at| sight.ago(at)),
            made: Some(sight.date(key.created_at)),
            ending: Ending::of(key.expires_at, sight),
        }
    }

    fn of_settings(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            hint: None,
            origins: Vec::new(),
            last_used: None,
            made: None,
            ending: Ending::Never,
            revoke: None,
        }
    }

    fn first_origins(&self) -> &[String] {
        &self.origins[..self.origins.len().min(ORIGINS_IN_ROW)]
    }

    fn more_origins(&self) -> &[String] {
        &self.origins[self.first_origins().len()..]
    }
}

/// All keys, the newest of the store first, and the form that makes one.
pub async fn page(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    OnTerms(terms): OnTerms,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let (number, notice) = (numbered::asked(&mut parameters), notice::asked(&mut parameters));
    parameters.finish()?;
    let page = Keys { notice, ..keys(&service, &terms, &staff, sight, number).await? };
    Ok(Page(page).into_response())
}

async fn keys(
    service: &Service,
    terms: &Terms,
    staff: &Staff,
    sight: Sight,
    number: usize,
) -> Result<Keys, Problem> {
    let known = &service.access.write_keys;
    let stored = known.list().await?;
    let of_settings = terms.write_keys.names();
    let of_settings = of_settings.iter().map(|name| Key::of_settings(name));
    let stored = stored.into_iter().rev().map(|key| Key::of(key, &sight));
    Ok(Keys {
        keys: Numbered::of(of_settings.chain(stored), number),
        frame: Frame::new(service, staff, sight, Part::Keys, "Write keys"),
        notice: None,
        made: None,
        typed: Typed::default(),
        refusal: Refusal::default(),
    })
}

/// Makes a key and shows it this once, which is why the answer is the page itself: what
/// leads to a page with it would have it in its address, or keep it.
pub async fn make(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    OnTerms(terms): OnTerms,
    sight: Sight,
    Form(form): Form,
) -> Result<Response, Problem> {
    let (typed, wanted) = wanted(form, &sight);
    let made = match wanted {
        Ok(new) => write_keys::make(&service, Arc::clone(&terms), &staff.actor, new).await,
        Err(fault) => Err(fault),
    };
    match made {
        Ok((key, record)) => {
            let page = keys(&service, &terms, &staff, sight, 1).await?;
            let page = Keys { made: Some((record.name, key)), ..page };
            Ok(Page(page).with(StatusCode::CREATED))
        }
        Err(problem) => {
            let refusal = Refusal::of(problem)?;
            let status = refusal.status();
            let page = keys(&service, &terms, &staff, sight, 1).await?;
            Ok(Page(Keys { typed, refusal, ..page }).with(status))
        }
    }
}

fn wanted(mut form: Parameters, sight: &Sight) -> (Typed, Result<NewWriteKey, Problem>) {
    let name = form.text("name").unwrap_or_default();
    let origins = form.text("origins").unwrap_or_default();
    let (last_day, expires_at) = ending::typed(&mut form, "expiresAt", sight);
    let lines = origins.lines().map(str::trim).filter(|line| !line.is_empty());
    let new = NewWriteKey {
        name: name.trim().to_owned(),
        origins: lines.map(str::to_owned).collect(),
        expires_at,
    };
    (Typed { name, origins, last_day }, form.finish().map(|()| new))
}

/// Asks whether a key is to be revoked.
pub async fn ask(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    OnTerms(terms): OnTerms,
    sight: Sight,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    if id.starts_with(OF_SETTINGS) {
        return Ok(Redirect::to(PAGE).into_response());
    }
    let stored = service.access.write_keys.list().await?;
    let count = stored.len() + terms.write_keys.names().len();
    let key = stored.into_iter().find(|key| key.id.to_string() == id);
    let key = key.ok_or_else(Problem::unknown_id)?;
    let mut words = vec![format!(
        "Events that are sent with {} (it ends in {}) are refused from then on: at once here, \
         within five seconds by other instances. Whatever sends it has to have another key before \
         that. It cannot be taken back.",
        key.name, key.hint
    )];
    words.push(match key.last_used_at {
        Some(at) => format!("It was last used {}.", sight.ago(at).text),
        None => "It was never used.".to_owned(),
    });
    if count == 1 {
        words.push("It is the last one: without it anybody may post events.".to_owned());
    }
    Ok(Page(Question {
        head: format!("Revoke the write key {}?", key.name),
        frame: Frame::new(&service, &staff, sight, Part::Keys, "Revoke a write key"),
        words,
        action: format!("{PAGE}/{}/revoke", links::segment(&id)),
        fields: Vec::new(),
        yes: "Revoke it".to_owned(),
        no: "Keep it",
        back: PAGE.to_owned(),
    })
    .into_response())
}

/// Revokes a key.
pub async fn revoke(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    OnTerms(terms): OnTerms,
    PathText(id): PathText,
) -> Result<Redirect, Problem> {
    write_keys::end(&service, &terms, &staff.actor, &id).await?;
    Ok(notice::done(PAGE, "key-revoked"))
}
