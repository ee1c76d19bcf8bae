//! How a request of another collector's SDK gets in.
//!
//! It goes the way of `POST /events`, by the same limits, and is answered in other words. Who
//! may write is decided in two steps: by the head where it has a key, and else by the key in
//! the body, when that was read. An event that breaks a rule is left out, counted and told
//! among the refused.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use trailkeep_event::dialect::{self, Taken};
use trailkeep_event::wire::Refusal;
use trailkeep_event::{Event, dialect::Terms as ReadBy};

use crate::http::body::{Encoding, Held};
use crate::http::browser::Browser;
use crate::http::posting::{self, Refused, at_fault, not_admitted, unread};
use crate::http::problem::Problem;
use crate::http::refused::{self, Caller};
use crate::http::state::Service;
use crate::http::terms::Terms;
use crate::http::trace::OneOfMany;
use crate::http::writing::{self, ByHead, MayNot, Places};
use crate::ingest::Posted;
use crate::monitoring::statistics::RefusedBecause;

/// A wire form, as far as a request of it differs from those of others.
pub trait WireForm {
    /// The name under which its events are counted.
    const NAME: &'static str;
    /// Where the head may have a write key.
    const PLACES: Places;
    /// What is answered to events that are taken.
    const ANSWER: &'static str;

    /// Whether it is served.
    fn is_served(&self, terms: &Terms) -> bool;

    /// The JSON in other words, where the body has none: it may still be encoded. The error is
    /// why it is not taken.
    fn reworded(&self, _body: &[u8]) -> Result<Option<Vec<u8>>, Problem> {
        Ok(None)
    }

    /// Reads the events.
    fn read(&self, body: &[u8], terms: &Terms, read_by: ReadBy<'_>) -> Result<Taken, Refusal>;
}

/// Where the events of a request are.
pub enum Source {
    /// In its body.
    Body(Body),
    /// In its head, in these bytes.
    Head(Vec<u8>),
}

/// Takes the events of a request.
pub async fn deliver<W: WireForm>(
    wire: &W,
    service: &Service,
    terms: &Terms,
    head: Parts,
    source: Source,
) -> Response {
    if !wire.is_served(terms) {
        let problem = match source {
            Source::Body(body) => unread(terms, body, Problem::not_found()).await,
            Source::Head(_) => Problem::not_found(),
        };
        return problem.for_sdks();
    }
    let mut caller = Caller::of(&head, service);
    match accept(wire, service, terms, head, source, &mut caller).await {
        Ok(Accepted { left_out }) => {
            refused::note_left_out(service, W::NAME, &left_out, caller);
            ([(CONTENT_TYPE, "application/json")], W::ANSWER).into_response()
        }
        Err((reason, problem)) => {
            refused::note(service, reason, &problem, caller);
            let mut answer = problem.for_sdks();
            if reason.comes_in_floods() {
                answer.extensions_mut().insert(OneOfMany);
            }
            answer
        }
    }
}

/// What came of a request that was taken.
struct Accepted {
    left_out: dialect::LeftOut,
}

async fn accept<W: WireForm>(
    wire: &W,
    service: &Service,
    terms: &Terms,
    head: Parts,
    source: Source,
    caller: &mut Caller,
) -> Result<Accepted, Refused> {
    let by_head = match writing::by_head(service, terms, &head, W::PLACES) {
        Ok(by_head) => by_head,
        Err(refusal) => return Err(turned_away(terms, source, refusal.into()).await),
    };
    if let ByHead::May(Some(key)) = &by_head {
        caller.has_key(key);
    }
    let encoding = match Encoding::of(&head.headers) {
        Ok(Encoding::Identity) => Encoding::Unsaid,
        Ok(encoding) => encoding,
        Err(problem) => {
            let refused = (RefusedBecause::Unsupported, problem);
            return Err(turned_away(terms, source, refused).await);
        }
    };
    let browser = Browser::of(&head, service, terms);
    // It keeps the buffer that it came in.
    drop(head);
    // From the head on: a body that comes slowly has had its time.
    let patience = service.ingest.patience();
    if let Err(refusal) = service.ingest.turn(patience).await {
        return Err(turned_away(terms, source, not_admitted(service, &refusal)).await);
    }
    let body = read(wire, service, terms, source, encoding).await?;

    let read_by =
        ReadBy { rules: &terms.rules, sender: &browser.sender(), now: service.clock.now() };
    let Taken { mut events, key, left_out } =
        wire.read(&body.bytes, terms, read_by).map_err(at_fault)?;
    let key = match by_head {
        ByHead::May(key) => key,
        ByHead::NeedsKey { origin } => {
            let key = key.ok_or(MayNot::WithoutKey)?;
            let key = writing::by_key(service, terms, &key, origin.as_ref())?;
            caller.has_key(&key);
            Some(key)
        }
    };
    terms.minimise.apply(&mut events);
    if events.is_empty() {
        return Ok(Accepted { left_out });
    }
    // Each event, and its record in the journal. Held until they are handed on.
    let size: usize = events.iter().map(Event::size).sum();
    let held = body.turned_into(2 * size);
    let posted = Posted { events, key };
    let admitted = service.ingest.admit(posted, patience, None).await;
    admitted.map_err(|refusal| not_admitted(service, &refusal))?;
    drop(held);
    Ok(Accepted { left_out })
}

/// A refusal that is decided before the body is read.
async fn turned_away(terms: &Terms, source: Source, (reason, problem): Refused) -> Refused {
    match source {
        Source::Body(body) => (reason, unread(terms, body, problem).await),
        Source::Head(_) => (reason, problem),
    }
}

/// The JSON that was sent, and room for what comes of it.
async fn read<W: WireForm>(
    wire: &W,
    service: &Service,
    terms: &Terms,
    source: Source,
    encoding: Encoding,
) -> Result<Held, Refused> {
    let unreadable = |error| posting::unreadable(terms, error);
    let mut held = match source {
        Source::Body(body) => posting::read(service, terms, body, encoding).await?,
        Source::Head(bytes) => Held::of_head(bytes, &service.bodies).await.map_err(unreadable)?,
    };
    let reworded = wire.reworded(&held.bytes);
    if let Some(reworded) = reworded.map_err(|problem| (RefusedBecause::Unsupported, problem))? {
        held.reworded(reworded);
        held = held.decoded(terms.max_body_bytes).await.map_err(unreadable)?;
    }
    let most_bytes = dialect::most_bytes(&held.bytes, &terms.rules);
    posting::room_for(terms, &mut held, most_bytes).await?;
    Ok(held)
}
