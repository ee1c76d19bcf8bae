//! The receipt of an erasure, which shows how far it is until it is final.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use trailkeep_store::erasures::{Erasure, Place};

use crate::console::administrator::Administrator;
use crate::console::frame::{Frame, Part};
use crate::console::numbers::thousands;
use crate::console::page::Page;
use crate::console::sight::{Sight, When};
use crate::http::Service;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::privacy::erase::Receipt;

#[derive(Template)]
#[template(path = "privacy/receipt.html")]
struct Shown {
    frame: Frame,
    id: String,
    asked: When,
    verified: Option<When>,
    ids: usize,
    places: Vec<(&'static str, String)>,
    instances: Vec<Instance>,
}

/// Who takes part.
struct Instance {
    id: String,
    state: &'static str,
    seen: Option<When>,
}

/// The page. While the erasure runs, it looks again every two seconds.
pub async fn page(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let receipt = service.erasing.receipt(id).await?.ok_or_else(Problem::unknown_id)?;
    let title = "Receipt of an erasure";
    let frame = Frame::new(&service, &staff, sight, Part::Privacy, title);
    Ok(Page(Shown::new(frame, &receipt)).into_response())
}

impl Shown {
    fn new(frame: Frame, receipt: &Receipt) -> Self {
        let Receipt { erasure, instances } = receipt;
        let sight = &frame.sight;
        let places = Place::ALL.into_iter().filter_map(|place| {
            let deleted = erasure.deleted.get(&place)?;
            Some((words(place), thousands(*deleted)))
        });
        let places = places.collect();
        let is_done = erasure.verified_at.is_some();
        let instances = instances.iter().filter_map(|instance| {
            let state = match erasure.parts.contains_key(&instance.id) {
                true => "done",
                false if erasure.missing.contains(&instance.id) => "missing",
                false if is_done => return None,
                false => "waiting",
            };
            let seen = Some(sight.ago(instance.seen));
            Some(Instance { id: instance.id.to_string(), state, seen })
        });
        Self {
            id: erasure.id.to_string(),
            asked: sight.ago(erasure.requested_at),
            verified: erasure.verified_at.map(|at| sight.ago(at)),
            ids: erasure.ids.len(),
            places,
            instances: instances.collect(),
            frame,
        }
    }
}

/// Events that are gone, stored or not.
pub fn events_of(erasure: &Erasure) -> u64 {
    let of = |place| erasure.deleted.get(&place).copied().unwrap_or_default();
    of(Place::Events) + of(Place::Backlog) + of(Place::DeadLetters)
}

fn words(place: Place) -> &'static str {
    match place {
        Place::Events => "Stored events",
        Place::Backlog => "Events that waited to be stored",
        Place::Outcomes => "What processors made of events",
        Place::DeadLetters => "Events that were set aside",
        Place::Feed => "Events that waited for a processor",
        Place::People => "Ids: when they were seen, traits, links",
        Place::Sessions => "Visits",
        Place::AuditTrail => "Entries of the audit trail, which stay without the id",
    }
}
