//! Events that this instance has just stored, so that they need not be read again to be
//! sent.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use trailkeep_event::{Accepted, Arrival, StoreId};
use trailkeep_store::StoredEvent;

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

    /// An event that is stored under this number, where it is here.
    pub fn get(&self, id: StoreId, arrival: Arrival) -> Option<Arc<StoredEvent>> {
        let accepted = self.0.lock().events.get(&id).map(Arc::clone)?;
        (accepted.arrival == arrival).then(|| Arc::new(StoredEvent::from(&*accepted)))
    }
}
