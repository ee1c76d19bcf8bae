//! Somebody who reads old events all the while, and compares each page.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::task::JoinHandle;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::OldEvents;
use crate::reader::{NoPage, Reader};

/// Between two pages: the load is to have most of the machine.
const PAUSE: Duration = Duration::from_millis(5);
/// While the service is down.
const LONG_PAUSE: Duration = Duration::from_millis(20);
/// Of one journey, before another is drawn.
const MOST_PAGES: u32 = 20;

/// A reader at work.
pub struct Watch {
    task: JoinHandle<Watched>,
    stop: Stop,
}

/// Dropping it ends the reader, also where a round could not be carried out.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What was read.
#[derive(Debug, Default, Clone, Copy)]
pub struct Watched {
    pub pages: u64,
    pub wrong: u64,
    /// Answered 503.
    unavailable: u64,
    /// Nobody listened, or the connection ended: the service was down.
    unanswered: u64,
}

impl Watch {
    /// Begins to read.
    pub fn start(reader: &Reader, old: OldEvents, rng: &mut StdRng) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let read = read(reader.clone(), old, StdRng::from_rng(rng), Arc::clone(&stop));
        Self { task: tokio::spawn(read), stop: Stop(stop) }
    }

    /// Ends it, and says what was read.
    pub async fn stop(self) -> Result<Watched, Trouble> {
        drop(self.stop);
        let watched = self.task.await.during("a reader")?;
        if watched.pages == 0 {
            return Err(Trouble("no page of old events could be read".to_owned()));
        }
        Ok(watched)
    }
}

async fn read(reader: Reader, old: OldEvents, mut rng: StdRng, stop: Arc<AtomicBool>) -> Watched {
    let mut watched = Watched::default();
    while !stop.load(Ordering::Relaxed) {
        let mut walk = old.draw(&mut rng);
        for _ in 0..MOST_PAGES {
            let page = reader.page(&walk.query).await;
            let fault = match page {
                Ok(page) => {
                    watched.pages += 1;
                    walk.take(page).err()
                }
                Err(NoPage::Wrong(fault)) => Some(format!("{:?}: {fault}", walk.query)),
                Err(NoPage::NoAnswer) => {
                    watched.unanswered += 1;
                    tokio::time::sleep(LONG_PAUSE).await;
                    break;
                }
                Err(NoPage::Unavailable) => {
                    watched.unavailable += 1;
                    tokio::time::sleep(LONG_PAUSE).await;
                    break;
                }
            };
            if let Some(fault) = fault {
                eprintln!("{fault}");
                watched.wrong += 1;
                break;
            }
            if walk.is_over || stop.load(Ordering::Relaxed) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    watched
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pages, wrong, unavailable, unanswered } = self;
        write!(
            f,
            "{pages} pages of old events were read meanwhile, {wrong} of them wrong; \
             {unavailable} were answered 503, {unanswered} not at all"
        )
    }
}
