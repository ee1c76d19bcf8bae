//! This instance's part in erasures, with all that it works on; and erasures that are carried
//! out anew where no instance runs.

use std::sync::Arc;

use tokio::task::JoinHandle;
use trailkeep_event::time::SystemClock;

use super::ingestion::Ingestion;
use super::journal;
use super::stores::{Stores, retention};
use crate::config::Settings;
use crate::http::Service;
use crate::people::People;
use crate::privacy::erase::anew::Anew;
use crate::privacy::erase::eraser;
use crate::privacy::erase::part::Part;
use crate::privacy::erase::places::Places;
use crate::privacy::erase::rows::Rows;

/// Starts the task that does it.
pub fn start(
    settings: &Settings,
    stores: &Stores,
    ingestion: &Ingestion,
    service: &Service,
) -> JoinHandle<()> {
    let people = &ingestion.people;
    let (places, rows) = of_store(settings, stores, people);
    let part = Part {
        instance: ingestion.instance,
        store: Arc::clone(&stores.erasures),
        places,
        rows,
        access: Arc::clone(&stores.access),
        ingest: Arc::clone(&ingestion.ingest),
        journal: journal::folder_in(&settings.store.data_dir),
        people: Arc::clone(people),
        letters: Arc::clone(&service.dead_letters),
        processing: Arc::clone(&ingestion.processing),
        summaries: Arc::clone(&service.summaries),
        clock: Arc::new(SystemClock),
    };
    let watched = Arc::clone(&ingestion.watched);
    tokio::spawn(async move { eraser::run(part, &watched).await })
}

/// What erases users anew in a database that no instance works on.
pub fn anew(settings: &Settings, stores: &Stores) -> Anew {
    let people = Arc::new(People::new(Arc::clone(&stores.people)));
    let (places, rows) = of_store(settings, stores, &people);
    Anew {
        store: Arc::clone(&stores.erasures),
        places,
        rows,
        access: Arc::clone(&stores.access),
        clock: Arc::new(SystemClock),
    }
}

fn of_store(settings: &Settings, stores: &Stores, people: &Arc<People>) -> (Places, Rows) {
    let places = Places {
        store: Arc::clone(&stores.erasures),
        letters: Arc::clone(&stores.letters),
        people: Arc::clone(people),
        processing: Arc::clone(&stores.processing),
        retention: retention(settings),
    };
    let rows = Rows {
        rows: Arc::clone(&stores.people),
        store: Arc::clone(&stores.erasures),
        people: Arc::clone(people),
        events: Arc::clone(&stores.events),
    };
    (places, rows)
}
