//! Connecting a site: a key for its pages, what to add to them, and the first event seen
//! as it arrives. Where one was refused, why.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::administrator::Administrator;
use super::frame::{Frame, Part};
use super::live::{self, Came};
use super::page::Page;
use super::refusal::faults_of;
use super::refused::sender;
use super::sight::{Sight, When};
use crate::access::write_keys::{NewWriteKey, Rule};
use crate::http::Service;
use crate::http::guard::{Admin, Staff};
use crate::http::input::Form;
use crate::http::on_terms::OnTerms;
use crate::http::own_address::OwnAddress;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::terms::Terms;
use crate::http::tracker::Build;
use crate::http::write_keys;
use crate::monitoring::refusals::Group;

/// What stands in a snippet where no key is at hand.
const SOME_KEY: &str = "YOUR_WRITE_KEY";

#[derive(Template)]
#[template(path = "connect.html")]
struct Connect {
    frame: Frame,
    /// Where trackers find the service: `https://trail.example.com`.
    origin: String,
    /// The tracker for pages: `https://trail.example.com/t.js`.
    script: String,
    /// The same build for good, and what browsers check it by.
    pinned: String,
    integrity: String,
    /// What stands in the snippets; `None` where events need no key.
    key: Option<String>,
    /// The name of the key that was made just now.
    made: Option<String>,
    names: Vec<String>,
    refusal: Option<String>,
    faults: Vec<(String, String)>,
    name: String,
    origins: String,
    from: String,
    since: String,
}

/// What came, and what was refused meanwhile.
#[derive(Template)]
#[template(path = "connect/rows.html")]
struct Arrived {
    came: Came,
    refused: Vec<Refused>,
    /// From when on the next one is told of.
    since: String,
}

/// A request that was refused.
struct Refused {
    at: When,
    what: String,
    client: String,
    faults: Vec<(String, String)>,
}

/// The page.
pub async fn page(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    OnTerms(terms): OnTerms,
    sight: Sight,
    address: OwnAddress,
) -> Result<Response, Problem> {
    let page = connect(&service, &terms, &staff, sight, &address).await?;
    Ok(Page(page).into_response())
}

/// Makes a key. It is shown on the page that answers, and never again.
pub async fn make(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    OnTerms(terms): OnTerms,
    sight: Sight,
    address: OwnAddress,
    Form(mut form): Form,
) -> Result<Response, Problem> {
    let (name, origins) = (form.text("name").unwrap_or_default(), form.text("origins"));
    form.finish()?;
    let origins = origins.unwrap_or_default();
    let new = NewWriteKey {
        name: name.trim().to_owned(),
        origins: origins.split_whitespace().map(str::to_owned).collect(),
        expires_at: None,
    };
    let made = write_keys::make(&service, Arc::clone(&terms), &staff.actor, new).await;
    let page = connect(&service, &terms, &staff, sight, &address).await?;
    match made {
        Ok((key, record)) => {
            let page = Connect { key: Some(key), made: Some(record.name), ..page };
            Ok(Page(page).with(StatusCode::CREATED))
        }
        Err(refused) if refused.status().is_client_error() => {
            let faults = faults_of(&refused);
            let refusal = Some(refused.detail().to_owned());
            let page = Connect { refusal, faults, name, origins, ..page };
            Ok(Page(page).with(refused.status()))
        }
        Err(refused) => Err(refused),
    }
}

/// What arrives next, or is refused.
pub async fn rows(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    Admin(_): Admin,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let (from, since) = (parameters.text("from"), parameters.time("since"));
    parameters.finish()?;
    let now = service.clock.now();
    let since = since.unwrap_or(now);
    let came = live::next(&service, &terms, &sight, from.as_deref()).await?;
    let refused = service.refusals.newest_first();
    let refused = refused.iter().filter(|group| group.last > since);
    let refused: Vec<Refused> = refused.map(|group| told(group, &sight)).collect();
    // What came while this waited is told by the next one at the latest.
    let since = now.max(since).to_string();
    Ok(Page(Arrived { came, refused, since }).into_response())
}

async fn connect(
    service: &Service,
    terms: &Terms,
    staff: &Staff,
    sight: Sight,
    address: &OwnAddress,
) -> Result<Connect, Problem> {
    let keys = &service.access.write_keys;
    let names = terms.write_keys.names().iter().map(ToString::to_string).collect::<Vec<_>>();
    let stored = keys.list().await?;
    let names = names.into_iter().chain(stored.into_iter().map(|key| key.name)).collect();
    let needs_key = keys.rule(&terms.write_keys) != Rule::Open;
    let origin = address.to_string();
    let (path, build) = (&service.options.tracker_path, Build::present());
    Ok(Connect {
        script: format!("{origin}{path}"),
        pinned: format!("{origin}{}", build.path(path)),
        integrity: build.integrity(),
        origin,
        key: needs_key.then(|| SOME_KEY.to_owned()),
        made: None,
        names,
        refusal: None,
        faults: Vec::new(),
        name: "website".to_owned(),
        origins: String::new(),
        from: service.live.of_instance(None).id().to_string(),
        since: service.clock.now().to_string(),
        frame: Frame::new(service, staff, sight, Part::Connect, "Connect your site"),
    })
}

fn told(group: &Group, sight: &Sight) -> Refused {
    let sender = sender(&group.sender);
    let agent = group.example.agent.as_deref().unwrap_or_default();
    Refused {
        at: sight.clock(group.last),
        what: group.kind.replace('-', " "),
        client: format!("{sender} {agent}").trim().to_owned(),
        faults: group.example.faults.clone(),
    }
}
