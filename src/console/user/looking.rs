//! A look at a user: who it is, and the newest events, which are on record from then on.

use trailkeep_store::{JourneyRange, Order};

use crate::access::audit::{Actor, action};
use crate::http::Service;
use crate::http::problem::Problem;
use crate::journeys;
use crate::journeys::linked::Circle;

/// Events on a page.
pub const LIMIT: usize = 100;

/// Whose ids are the user's, and the newest events of all of them.
pub async fn look(
    service: &Service,
    reader: &Actor,
    user_id: &str,
) -> Result<(Circle, journeys::Page), Problem> {
    service.access.audit.note(reader, action::READ_JOURNEY, Some(user_id));
    let circle = service.links.of(user_id).await?;
    let range = JourneyRange::whole(circle.ids(), Order::Descending);
    let page = service.journeys.page(&range, LIMIT).await?;
    Ok((circle, page))
}
