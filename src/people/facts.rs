//! What one event says of people. Pure.

use std::sync::Arc;

use trailkeep_event::{Accepted, Event, KnownAs, Timestamp};
use trailkeep_store::people::{Person, SessionUser, by_id};

/// The type of the events that say what a user is.
const IDENTIFY: &str = "identify";

/// When the id was seen: a tracker whose clock is fast has seen nobody tomorrow.
pub fn seen_at(event: &Event) -> Timestamp {
    event.occurred_at.min(event.received_at)
}

/// Whether the event says that its user is a user, and not somebody's anonymous id: it has
/// another anonymous id beside it, or it is an `identify` of the user's own id.
#[inline]
pub fn is_users(event: &Event) -> bool {
    match event.known_as() {
        KnownAs::Both { .. } => true,
        KnownAs::User => has_traits(event),
        KnownAs::Visitor => false,
    }
}

/// Whether it says what the user is.
pub fn has_traits(event: &Event) -> bool {
    &*event.kind == IDENTIFY
}

/// What it says of its user.
pub fn of_user(accepted: &Accepted) -> Person {
    let Accepted { event, arrival } = accepted;
    let mut said = Person::new(&event.user_id).seen_at(seen_at(event));
    if event.known_as() != KnownAs::Visitor {
        said = said.named();
    }
    if is_users(event) {
        said = said.as_user(*arrival);
    }
    if has_traits(event) {
        said = said.identified(&event.payload, *arrival);
    }
    said
}

/// What several events say, a row an id.
pub fn of_all(events: &[Arc<Accepted>]) -> Vec<Person> {
    let said: Vec<Person> = events.iter().flat_map(|accepted| said_by(accepted)).collect();
    by_id(&said).into_values().collect()
}

/// What an event says of ids.
pub fn said_by(accepted: &Accepted) -> impl Iterator<Item = Person> {
    std::iter::once(of_user(accepted)).chain(of_anonymous(accepted))
}

/// What it says of the anonymous id beside its user.
pub fn of_anonymous(accepted: &Accepted) -> Option<Person> {
    let Accepted { event, arrival } = accepted;
    let KnownAs::Both { anonymous_id } = event.known_as() else { return None };
    let said = Person::new(anonymous_id).seen_at(seen_at(event));
    Some(said.claimed_by(&event.user_id, *arrival))
}

/// Whose its session is.
pub fn of_session(accepted: &Accepted) -> Option<SessionUser> {
    let Accepted { event, arrival } = accepted;
    let session_id = event.session_id.clone()?;
    Some(SessionUser { session_id, since: *arrival, user_id: event.user_id.clone() })
}
