//! What is asked for of a journey, and what is read for it.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use trailkeep_store::{Id, JourneyRange, Order, Position, StoreError, StoredEvent};

use super::format::Format;
use super::processing;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::state::Service;
use crate::journeys::cursor::{self, Way};
use crate::journeys::linked::Circle;
use crate::journeys::{Page, export};

/// Events on a page, at most.
pub const MAX_LIMIT: usize = 1000;
/// Says that accepted events of the user may be missing.
const INCOMPLETE: HeaderName = HeaderName::from_static("x-trailkeep-incomplete");

/// What a request for a journey asks for.
pub struct JourneyRequest {
    /// Whose journey it is.
    pub user_id: String,
    /// Of whom the user is known to be another id.
    pub linked_to: Option<String>,
    /// Its ids are the user's own until [`link`](Self::link) has added others.
    pub range: JourneyRange,
    /// Events, at most.
    pub limit: Option<usize>,
    start: Start,
    is_linked: bool,
    with_processing: bool,
}

/// Which page is wanted.
enum Start {
    /// The first one of the range.
    Onwards,
    /// The one that ends before this.
    Back(Position),
    /// The one around this event.
    Around(String),
}

/// A page, and what became of its events where that is asked for.
pub struct Told {
    /// The page.
    pub page: Page,
    /// Of each event, what became of it; empty where that is not asked for.
    pub processing: Vec<String>,
}

/// Tells it of an export once, by its first page: what comes to lie beyond the
/// head later was accepted after the export began.
pub fn tell_incomplete(page: &Page, response: &mut Response) {
    if page.may_be_incomplete {
        let yes = HeaderValue::from_static("true");
        response.headers_mut().insert(INCOMPLETE, yes);
    }
}

impl Told {
    /// Appends the event at this place.
    pub fn write_json(&self, index: usize, event: &StoredEvent, out: &mut Vec<u8>) {
        export::write_json(event, out);
        if let Some(processing) = self.processing.get(index) {
            out.pop();
            out.extend_from_slice(b",\"processing\":");
            out.extend_from_slice(processing.as_bytes());
            out.push(b'}');
        }
    }
}

impl JourneyRequest {
    /// Adds the ids that are linked to the user.
    pub async fn link(&mut self, service: &Service) -> Result<(), StoreError> {
        let circle = service.links.of(&self.user_id).await?;
        self.take(&circle);
        Ok(())
    }

    fn take(&mut self, circle: &Circle) {
        self.linked_to = circle.linked_to().map(Into::into);
        if self.is_linked {
            self.range.ids = circle.ids();
        }
    }

    /// Adds the ids that are linked to the user, and reads the page that is wanted.
    pub async fn linked_page(&mut self, service: &Service, limit: usize) -> Result<Told, Problem> {
        let own = self.wanted_page(service, limit);
        let (circle, own) = service.links.beside(&self.user_id, own).await?;
        self.take(&circle);
        match own {
            Some(told) => told,
            None => self.wanted_page(service, limit).await,
        }
    }

    /// The page that is wanted, of at most so many events.
    async fn wanted_page(&self, service: &Service, limit: usize) -> Result<Told, Problem> {
        match &self.start {
            Start::Onwards => Ok(self.read_page(service, limit).await?),
            Start::Back(before) => {
                let page = service.journeys.page_before(&self.range, *before, limit).await?;
                // What was there has gone since, and the journey begins here.
                if page.events.is_empty() {
                    return Ok(self.read_page(service, limit).await?);
                }
                // Cut before it is turned: what is nearest has to be on it.
                let mut told = self.tell(service, page).await?;
                told.page.turn();
                told.processing.reverse();
                Ok(told)
            }
            Start::Around(event_id) => {
                let page = service.journeys.page_around(&self.range, event_id, limit).await?;
                let page = page.ok_or_else(Problem::unknown_event)?;
                Ok(self.tell(service, page).await?)
            }
        }
    }

    /// The first page of the range, or of what is still to come of it.
    pub async fn read_page(&self, service: &Service, limit: usize) -> Result<Told, StoreError> {
        let page = service.journeys.page(&self.range, limit).await?;
        self.tell(service, page).await
    }

    async fn tell(&self, service: &Service, mut page: Page) -> Result<Told, StoreError> {
        let processing = match self.with_processing {
            true => processing::of_page(service, &mut page).await?,
            false => Vec::new(),
        };
        Ok(Told { page, processing })
    }

    /// Reads the parameters; all faults at once.
    pub fn read(user_id: String, query: Option<&str>, format: Format) -> Result<Self, Problem> {
        let mut parameters = Parameters::parse(query);
        parameters.check_id("userId", &user_id);
        let order = order_of(&mut parameters);
        let (after, start) = start_of(&mut parameters, order, format);
        let range = JourneyRange {
            ids: vec![Id::whole(&*user_id)],
            from: parameters.time("from"),
            to: parameters.time("to"),
            after,
            order,
            types: parameters.all("type"),
            session_id: parameters.text("sessionId"),
        };
        for kind in &range.types {
            parameters.check_id("type", kind);
        }
        if let Some(session_id) = &range.session_id {
            parameters.check_id("sessionId", session_id);
        }
        if let (Some(from), Some(to)) = (range.from, range.to)
            && from > to
        {
            parameters.fault("from", "must not be later than \"to\"");
        }
        let limit = parameters.number("limit", 1..=MAX_LIMIT);
        let is_linked = parameters.flag("linked").unwrap_or(true);
        let with_processing = parameters.flag("processing").unwrap_or(false);
        if with_processing && format == Format::Csv {
            parameters.fault("processing", "has no place in the CSV form; ask for NDJSON");
        }
        parameters.finish()?;
        let linked_to = None;
        Ok(Self { user_id, linked_to, range, limit, start, is_linked, with_processing })
    }
}

fn order_of(parameters: &mut Parameters) -> Order {
    match parameters.text("order").as_deref() {
        None | Some("desc") => Order::Descending,
        Some("asc") => Order::Ascending,
        Some(_) => {
            parameters.fault("order", "must be desc or asc");
            Order::Descending
        }
    }
}

/// Where the range goes on from, and which page of it is wanted.
fn start_of(
    parameters: &mut Parameters,
    order: Order,
    format: Format,
) -> (Option<Position>, Start) {
    let is_page = format == Format::Json;
    let cursor = parameters.text("cursor");
    if let Some(event_id) = parameters.text("around") {
        parameters.check_id("around", &event_id);
        if cursor.is_some() {
            parameters.fault("around", "has no place beside \"cursor\"");
        }
        if !is_page {
            parameters.fault("around", "has no place in an export; ask for JSON");
        }
        return (None, Start::Around(event_id));
    }
    match cursor.map(|text| cursor::decode(&text, order)) {
        None => (None, Start::Onwards),
        Some(Ok((position, Way::Onwards))) => (Some(position), Start::Onwards),
        Some(Ok((position, Way::Back))) => {
            if !is_page {
                parameters.fault("cursor", "leads back, and an export only goes on");
            }
            (None, Start::Back(position))
        }
        Some(Err(fault)) => {
            parameters.fault("cursor", fault.to_string());
            (None, Start::Onwards)
        }
    }
}
