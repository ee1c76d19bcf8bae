//! A look at a user: who it is, and the newest events, which are on record from then on.

use trailkeep_store::{Id, JourneyRange, Order};

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
    let page_of = async |ids| {
        let range = JourneyRange::whole(ids, Order::Descending);
        service.journeys.page(&range, LIMIT).await
    };
    let own = page_of(vec![Id::whole(user_id)]);
    let (circle, own) = service.links.beside(user_id, own).await?;
    let page = match own {
        Some(page) => page?,
        None => page_of(circle.ids()).await?,
    };
    Ok((circle, page))
}
