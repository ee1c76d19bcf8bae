//! Load on a service, in a closed or in an open loop.

mod closed;
mod open;
mod phase;
mod plan;

use std::sync::Arc;
use std::thread::JoinHandle;

use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::tally::Tally;
use phase::Phase;
pub use plan::{Pace, Plan};

/// Load that is running. Dropping it ends it.
pub struct Load {
    phase: Arc<Phase>,
    threads: Vec<JoinHandle<Result<Tally, Trouble>>>,
}

impl Load {
    /// Starts sending; nothing counts yet.
    pub fn start(plan: &Plan) -> Result<Self, Trouble> {
        let mut load = Self { phase: Arc::new(Phase::warming_up()), threads: Vec::new() };
        match plan.pace {
            Pace::Closed => {
                let (plan, phase) = (plan.clone(), Arc::clone(&load.phase));
                load.spawn(move || closed::run(&plan, &phase))?;
            }
            Pace::Open(per_second) => {
                for connection in 0..plan.connections {
                    let phase = Arc::clone(&load.phase);
                    let sender = open::Sender::new(plan, per_second, connection, phase)?;
                    load.spawn(move || sender.run())?;
                }
            }
        }
        Ok(load)
    }

    fn spawn(
        &mut self,
        work: impl FnOnce() -> Result<Tally, Trouble> + Send + 'static,
    ) -> Result<(), Trouble> {
        let thread = std::thread::Builder::new()
            .name("load".to_owned())
            .spawn(work)
            .during("starting a thread")?;
        self.threads.push(thread);
        Ok(())
    }

    /// Counts requests from now on.
    pub fn count(&self) {
        self.phase.count();
    }

    /// Ends it.
    pub fn stop(mut self) -> Result<Tally, Trouble> {
        self.phase.end();
        let mut total = Tally::new()?;
        for thread in self.threads.drain(..) {
            let tally = thread.join().map_err(|_| Trouble("a sender panicked".to_owned()))??;
            total.add(&tally)?;
        }
        Ok(total)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.phase.end();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
