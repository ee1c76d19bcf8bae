//! Which events were processed, by their `webhook-id`.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OnceCell;

/// Ids that are remembered; the oldest are forgotten first.
const MOST: usize = 100_000;

/// Set once the event is processed. Who finds the event under way waits for that, and
/// takes it up himself where it fails.
pub type Done = Arc<OnceCell<()>>;

/// The ids that came last.
#[derive(Default)]
pub struct Memory(Mutex<Ids>);

#[derive(Default)]
struct Ids {
    known: HashMap<Arc<str>, Done>,
    /// In the order in which they came first.
    order: VecDeque<Arc<str>>,
}

impl Memory {
    /// What is known of an event.
    pub fn of(&self, id: &str) -> Done {
        let mut ids = self.0.lock();
        if let Some(done) = ids.known.get(id) {
            return Arc::clone(done);
        }
        if ids.order.len() == MOST
            && let Some(oldest) = ids.order.pop_front()
        {
            ids.known.remove(&oldest);
        }
        let (id, done) = (Arc::<str>::from(id), Done::default());
        ids.order.push_back(Arc::clone(&id));
        ids.known.insert(id, Arc::clone(&done));
        done
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_last_ids_are_remembered_and_no_more() {
        let memory = Memory::default();
        let known = |number: usize| memory.of(&number.to_string());
        for number in 0..MOST {
            known(number).set(()).unwrap();
        }
        assert!(known(0).initialized());
        // The first one goes.
        assert!(!known(MOST).initialized());
        assert!(known(1).initialized());
        assert!(!known(0).initialized());
        assert!(!known(1).initialized());
        assert_eq!(memory.0.lock().known.len(), MOST);
        assert_eq!(memory.0.lock().order.len(), MOST);
    }
}
