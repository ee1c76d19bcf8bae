//! Events that this instance has just stored, so that they need not be read again to be
//! sent.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use trailkeep_event::{Accepted, Arrival, StoreId};
use trailkeep_store::StoredEvent;

use crate::ingest::erased::Erased;
use crate::ingest::feeder::Fed;

/// Bytes that are kept at the most, for all processors. The oldest go first.
pub const MAX_BYTES: usize = 16 << 20;

#[derive(Default)]
struct Kept {
    events: HashMap<StoreId, Arc<Accepted>>,
    order: VecDeque<(StoreId, usize)>,
    bytes: usize,
}

/// The newest events.
#[derive(Default)]
pub struct Bodies(Mutex<Kept>);

impl Bodies {
    /// Keeps events that are stored as they are here: of a duplicate another one may be.
    pub fn keep(&self, events: &[Fed]) {
        let mut kept = self.0.lock();
        for fed in events {
            let accepted = &fed.accepted;
            if fed.stored_as != Some(accepted.arrival) {
                continue;
            }
            let (id, bytes) = (accepted.event.id, accepted.event.size());
            if kept.events.insert(id, Arc::clone(accepted)).is_none() {
                kept.order.push_back((id, bytes));
                kept.bytes += bytes;
            }
        }
        while kept.bytes > MAX_BYTES
            && let Some((id, bytes)) = kept.order.pop_front()
        {
            kept.events.remove(&id);
            kept.bytes -= bytes;
        }
    }

    /// Drops what is erased.
    pub fn forget(&self, erased: &Erased) {
        let mut kept = self.0.lock();
        let Kept { events, order, bytes } = &mut *kept;
        events.retain(|_, accepted| !erased.covers(&accepted.event.user_id, accepted.arrival));
        order.retain(|(id, size)| {
            let is_here = events.contains_key(id);
            *bytes -= if is_here { 0 } else { *size };
            is_here
        });
    }

    /// An event that is stored under this number, where it is here.
    pub fn get(&self, id: StoreId, arrival: Arrival) -> Option<Arc<StoredEvent>> {
        let accepted = self.0.lock().events.get(&id).map(Arc::clone)?;
        (accepted.arrival == arrival).then(|| Arc::new(StoredEvent::from(&*accepted)))
    }
}

#[cfg(test)]
mod tests {
    use trailkeep_event::{Event, Payload, Timestamp};

    use super::*;

    fn fed(number: i64, bytes: usize, stored_as: Option<i64>) -> Fed {
        let at = Timestamp::now();
        let event_id = format!("e-{number}");
        let event = Event {
            id: StoreId::derive("ann", &event_id),
            user_id: "x".repeat(bytes).into(),
            event_id: event_id.into(),
            kind: "search".into(),
            anonymous_id: None,
            session_id: None,
            account_id: None,
            payload: Payload::empty(),
            occurred_at: at,
            received_at: at,
        };
        let accepted = Arc::new(Accepted { event, arrival: Arrival::from_i64(number) });
        Fed { accepted, stored_as: stored_as.map(Arrival::from_i64) }
    }

    fn has(bodies: &Bodies, fed: &Fed, arrival: i64) -> bool {
        let event = bodies.get(fed.accepted.event.id, Arrival::from_i64(arrival));
        event.is_some_and(|event| event.event_id == fed.accepted.event.event_id)
    }

    #[test]
    fn an_event_is_found_under_the_number_that_it_is_stored_under() {
        let bodies = Bodies::default();
        let event = fed(7, 1, Some(7));
        bodies.keep(std::slice::from_ref(&event));
        assert!(has(&bodies, &event, 7));
        assert!(!has(&bodies, &event, 8), "another one of that name");
        assert!(!has(&bodies, &fed(8, 1, Some(8)), 8));
    }

    /// What was stored first may have another payload.
    #[test]
    fn a_duplicate_is_not_kept() {
        let bodies = Bodies::default();
        let events = [fed(1, 1, Some(0)), fed(2, 1, None)];
        bodies.keep(&events);
        for (event, arrival) in [(&events[0], 0), (&events[0], 1), (&events[1], 2)] {
            assert!(!has(&bodies, event, arrival));
        }
    }

    #[test]
    fn the_oldest_go_where_there_is_no_room() {
        const BYTES: usize = 1 << 20;
        let bodies = Bodies::default();
        let events: Vec<_> = (0..40).map(|number| fed(number, BYTES, Some(number))).collect();
        events.chunks(3).for_each(|some| bodies.keep(some));
        // Kept again, it takes no more room.
        bodies.keep(&events[39..]);
        let kept: Vec<_> =
            (0..40).zip(&events).filter(|(number, event)| has(&bodies, event, *number)).collect();
        assert_eq!(kept.len(), MAX_BYTES / BYTES - 1, "each has some bytes besides");
        assert_eq!(kept[0].0, 40 - 15);
        assert!(bodies.0.lock().bytes <= MAX_BYTES);
        assert_eq!(bodies.0.lock().order.len(), kept.len());
    }
}
