//! What a backup has of its last events and not of what follows from them.
//!
//! A backup is one moment, and an event is stored a moment before what it says of people is
//! kept and before processors are told of it. A service that is killed there does both again
//! out of its journal, which is in no backup. So both are done here for the events that were
//! written last; done again, it changes nothing.

use std::sync::Arc;

use trailkeep_event::{Accepted, Event, Payload, StoreId};
use trailkeep_store::embedded::Newest;
use trailkeep_store::{StoreError, StoredEvent};

use super::error::RestoreFailed;
use crate::app::Stores;
use crate::config::Settings;
use crate::ingest::feeder::{Fed, ROOM_KIB};
use crate::ingest::feeding::feed_directly;
use crate::people::People;

/// How many events may be stored and not fed: what waits for the feed, and the writes in
/// flight. Twice that, for after a crash those come again that were stored before it.
pub(super) fn most(settings: &Settings) -> usize {
    2 * ROOM_KIB + settings.write.in_flight * settings.write.max_events
}

/// Keeps what these events say of people, and tells processors of those without an outcome.
pub(super) async fn catch_up(stores: &Stores, mut newest: Newest) -> Result<(), RestoreFailed> {
    let people = People::new(Arc::clone(&stores.people));
    let processors = stores.processing.processors().await?;
    let names: Vec<&str> = processors.iter().map(|processor| &*processor.name).collect();
    let mut unfed = Vec::new();
    while let Some(events) = newest.more()? {
        unfed.extend(without_outcome(stores, &names, &events).await?);
        people.keep_again(events).await?;
    }
    unfed.sort_by_key(|fed| fed.accepted.arrival);
    Ok(feed_directly(&*stores.processing, &*stores.events, unfed).await?)
}

/// Those of which a processor has no outcome.
async fn without_outcome(
    stores: &Stores,
    names: &[&str],
    events: &[StoredEvent],
) -> Result<Vec<Fed>, StoreError> {
    let ids: Vec<StoreId> = events.iter().map(|event| event.id).collect();
    let mut is_done = vec![true; events.len()];
    for name in names {
        let states = stores.processing.states(name, &ids).await?;
        for (id, is_done) in ids.iter().zip(&mut is_done) {
            *is_done &= states.contains_key(id);
        }
    }
    let unfed = events.iter().zip(is_done).filter(|(_, is_done)| !is_done);
    Ok(unfed.map(|(event, _)| fed(event)).collect())
}

/// No feed has payloads, and many of them would take much memory.
fn fed(stored: &StoredEvent) -> Fed {
    let event = Event {
        id: stored.id,
        user_id: stored.user_id.clone(),
        event_id: stored.event_id.clone(),
        kind: stored.kind.clone(),
        anonymous_id: None,
        session_id: None,
        account_id: None,
        payload: Payload::empty(),
        occurred_at: stored.occurred_at,
        received_at: stored.received_at,
    };
    let arrival = stored.arrival;
    Fed { accepted: Arc::new(Accepted { event, arrival }), stored_as: Some(arrival) }
}
