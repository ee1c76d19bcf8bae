//! One service with its store, and what is done with both in a round. In some scenes two
//! instances of the service share the store.

mod instance;
mod pair;
mod processing;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;
use trailkeep_testkit::launch::{Service, libfaketime};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::arguments::Arguments;
use crate::calendar::of_half_a_round;
use crate::fault::{Fault, StoreKind};
use crate::links;
use crate::load::{Demand, Doors, Load, USERS_OF_EACH, http_client, user_of};
use crate::misread::Journeys;
use crate::network::{Ends, Network};
use crate::old_events::OldEvents;
use crate::oracle::{Answer, Batch, Oracle};
use crate::processors::disruptions::{Cause, Disruptions};
use crate::processors::example::Example;
use crate::processors::person::Person;
use crate::reader::Reader;
use crate::settings::{faked_clock, of_processor};
use crate::store::Store;
use crate::verdict::Verdict;
use instance::Instance;

/// How long all that was accepted may take to be in the store when nothing is
/// wrong any more.
const STORED_LIMIT: Duration = Duration::from_secs(60);
/// The file of the offset by which the service's clock is wrong.
const CLOCK: &str = "clock";

/// A service with its store, what was sent to it, and what breaks there.
pub struct Scene {
    pub fault: Fault,
    pub is_quick: bool,
    /// Whether all that is accepted is stored soon: not where writes are held
    /// back, nor where a loss is expected.
    is_storing_awaited: bool,
    pub store: Store,
    /// What an older version left.
    pub old: Option<OldEvents>,
    demand: Demand,
    pub network: Network,
    pub oracle: Arc<Oracle>,
    /// The processor that events are sent to, in rounds with one.
    processor: Option<Example>,
    pub disruptions: Disruptions,
    /// For whom users wait who are held.
    person: Person,
    /// One, or two. The first is the one that is meant where nobody says which.
    instances: Vec<Instance>,
    /// Where producers find them.
    pub doors: Arc<Doors>,
    http: reqwest::Client,
    reader: Option<Reader>,
    /// The beginning of the names of a round's users.
    round: String,
    /// In all rounds so far.
    misread: u64,
    last_verdict: Verdict,
    home: TempDir,
}

impl Scene {
    /// Starts a store and a service with new folders.
    pub async fn set(
        arguments: &Arguments,
        binary: &Path,
        fault: Fault,
        kind: StoreKind,
    ) -> Result<Self, Trouble> {
        let home = tempfile::Builder::new()
            .prefix("trailkeep-conservation-")
            .tempdir()
            .during("a temporary folder")?;
        let store = Store::start(kind).await;
        let now = chrono::Utc::now().timestamp_millis();
        let old = (fault == Fault::OldIndex).then(|| OldEvents::until(now, arguments.old_events()));
        match old {
            Some(old) => store.put_old(old).await?,
            None => store.put_calendar(of_half_a_round(now)).await?,
        }
        let processor = match arguments.has_processor(fault) {
            true => Some(Example::of(fault, binary, home.path())?),
            false => None,
        };
        let folders = match fault.is_of_pair() {
            true => vec![home.path().join("first"), home.path().join("second")],
            false => vec![home.path().to_owned()],
        };
        let instances = folders.into_iter().map(|folder| Instance::new(fault, binary, folder));
        let mut instances: Vec<Instance> = instances.collect::<Result<_, _>>()?;
        let ends = Ends {
            service: instances[0].port(),
            store: &store,
            processor: processor.as_ref().map(Example::port),
        };
        let network = Network::of(fault, &ends).await?;
        for (number, instance) in instances.iter_mut().enumerate() {
            if let Some(processor) = &processor {
                let proxy = network.processor();
                let url = proxy.map_or_else(|| processor.url(), |proxy| format!("http://{proxy}"));
                instance.set(of_processor(fault, url));
            }
            let proxy = network.database().filter(|_| number == 0);
            let uri = store.uri_for_service(proxy);
            instance.set(uri.map(|uri| ("MONGODB_URI".to_owned(), uri)));
            if let (true, Some(library)) = (fault.fakes_clock(), libfaketime()) {
                instance.set(faked_clock(&library, &home.path().join(CLOCK)));
            }
        }
        let doors = match network.producers() {
            Some(proxy) => Doors::at([format!("http://{proxy}")]),
            None => Doors::at(instances.iter().map(Instance::url)),
        };
        let mut scene = Self {
            fault,
            is_quick: arguments.quick,
            is_storing_awaited: !fault.is_damage() && (!arguments.prove || fault.is_of_pair()),
            store,
            old,
            demand: arguments.demand(fault),
            network,
            oracle: Arc::default(),
            processor,
            disruptions: Disruptions::default(),
            person: Person::default(),
            instances,
            doors: Arc::new(doors),
            http: http_client()?,
            reader: None,
            round: String::new(),
            misread: 0,
            last_verdict: Verdict::default(),
            home,
        };
        scene.step_clock(0)?;
        if let Some(processor) = &mut scene.processor {
            processor.start().await?;
        }
        scene.start_all().await?;
        let first = &scene.instances[0];
        let reader = Reader::sign_up(&scene.http, &first.url(), first.folder()).await?;
        scene.reader = Some(reader);
        Ok(scene)
    }

    /// Starts the load of a round, on a service that runs.
    pub async fn begin(&mut self, name: &str, rng: &mut StdRng) -> Result<Load, Trouble> {
        self.start_all().await?;
        self.round = format!("{name}-");
        let load = Load::start(name, &self.doors, &self.oracle, self.demand, rng)?;
        load.wait_for_more(100).await?;
        Ok(load)
    }

    /// Ends the load, waits for all to be stored, reads the journeys of this round as
    /// a reader does, stops the service, and checks all that was sent in this scene so
    /// far.
    pub async fn check(&mut self, load: Load) -> Result<Verdict, Trouble> {
        load.stop().await?;
        self.wait_until_stored().await?;
        self.misread += self.read_journeys().await?;
        self.wait_until_processed().await?;
        self.stop_all().await?;

        let stored = self.store.read(self.folder()).await?;
        let calendar = self.store.calendar().await?;
        let check = |batches: &[_], hit: &_| Verdict::on(batches, hit, &stored, calendar.as_ref());
        let found = self.oracle.read(check);
        if self.fault == Fault::Retention && found.hit_and_gone == 0 {
            return Err(Trouble("nothing has expired".to_owned()));
        }
        let processing = self.check_processing(&stored).await?;
        let links = self.store.read_links(self.folder()).await?;
        let unlinked = self.oracle.read(|batches, hit| links::unlinked(batches, hit, &links));
        self.last_verdict = Verdict { misread: self.misread, unlinked, processing, ..found };
        if let Some(old) = self.old {
            let (there, filed) = self.store.count_old().await?;
            self.last_verdict.lost += old.count.saturating_sub(there);
            self.last_verdict.doubled += there.saturating_sub(old.count);
            // They are from before the first start.
            self.last_verdict.misfiled += filed;
        }
        Ok(self.last_verdict)
    }

    /// Reads what was sent in this round through the service, and old events.
    async fn read_journeys(&self) -> Result<u64, Trouble> {
        let journeys = |batches: &[_], hit: &_| Journeys::of(&self.round, batches, hit);
        let mut misread = self.oracle.read(journeys).read(self.reader()?).await?;
        if let Some(old) = self.old {
            let (pages, wrong) = old.read(self.reader()?).await?;
            eprintln!("{pages} pages of old events were read in the end, {wrong} of them wrong");
            misread += wrong;
        }
        Ok(misread)
    }

    /// Counts wrong pages that were read in this round.
    pub fn count_misread(&mut self, pages: u64) {
        self.misread += pages;
    }

    /// Somebody who reads journeys.
    pub fn reader(&self) -> Result<&Reader, Trouble> {
        self.reader.as_ref().ok_or_else(|| Trouble("nobody has signed up".to_owned()))
    }

    /// One of those who send in this round.
    pub fn a_user(&self, rng: &mut StdRng) -> String {
        let producer = rng.random_range(0..self.demand.producers);
        user_of(self.round.trim_end_matches('-'), producer, rng.random_range(0..USERS_OF_EACH))
    }

    /// The last lines that the service wrote.
    pub fn log_tail(&self) -> String {
        self.instances.iter().map(Instance::log_tail).collect::<Vec<_>>().join("\n---\n")
    }

    /// The check after the last round that was carried out.
    pub fn last_verdict(&self) -> Verdict {
        self.last_verdict
    }

    /// Leaves the folder behind for whoever looks into what went wrong.
    pub fn keep(mut self) -> Self {
        self.instances.iter_mut().for_each(Instance::end);
        self.processor = None;
        self.home.disable_cleanup(true);
        eprintln!("what is left lies in {}", self.home.path().display());
        self
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.instances[0].folder()
    }

    /// The running service, taken out to be ended.
    pub fn take_service(&mut self) -> Result<Service, Trouble> {
        self.instances[0].take_service()
    }

    /// The running service.
    pub fn service(&self) -> Result<&Service, Trouble> {
        self.instances[0].service()
    }

    /// Starts the service and waits until it is ready.
    pub async fn start(&mut self) -> Result<(), Trouble> {
        self.instances[0].start(&self.http).await?;
        self.disruptions.end(Cause::Service);
        Ok(())
    }

    /// Starts what does not run, and waits until it is ready.
    async fn start_all(&mut self) -> Result<(), Trouble> {
        for instance in self.instances.iter_mut().filter(|instance| !instance.is_running()) {
            instance.start(&self.http).await?;
        }
        self.disruptions.end(Cause::Service);
        Ok(())
    }

    /// Stops all instances.
    async fn stop_all(&mut self) -> Result<(), Trouble> {
        for instance in &mut self.instances {
            instance.take_service()?.stop().await?;
        }
        Ok(())
    }

    /// Waits until the service is ready, if it runs.
    pub async fn wait_until_ready(&mut self) -> Result<(), Trouble> {
        for instance in self.instances.iter_mut().filter(|instance| instance.is_running()) {
            instance.wait_until_ready(&self.http).await?;
            self.disruptions.end(Cause::Service);
        }
        Ok(())
    }

    /// Starts the service, and lets it run before it is ready.
    pub fn launch(&mut self) -> Result<(), Trouble> {
        self.instances[0].launch(None)
    }

    /// The same, with no file larger than so many bytes.
    pub fn launch_limited(&mut self, file_bytes: u64) -> Result<(), Trouble> {
        self.instances[0].launch(Some(file_bytes))
    }

    /// Sets by how many seconds the service's clock is wrong. Has an effect
    /// only where the clock is faked.
    pub fn step_clock(&self, seconds: i64) -> Result<(), Trouble> {
        if !self.fault.fakes_clock() {
            return Ok(());
        }
        // Renamed, because the file may be read at any moment.
        let (new, file) = (self.home.path().join("clock.new"), self.home.path().join(CLOCK));
        std::fs::write(&new, format!("{seconds:+}\n")).during("stepping the clock")?;
        std::fs::rename(new, file).during("stepping the clock")
    }

    /// The writers alone must get there; a stop, which comes next, would write
    /// as well.
    async fn wait_until_stored(&mut self) -> Result<(), Trouble> {
        self.wait_until_ready().await?;
        if !self.is_storing_awaited {
            return Ok(());
        }
        let deadline = Instant::now() + STORED_LIMIT;
        let goal = self.oracle.read(certain) + self.old.map_or(0, |old| old.count);
        while !self.is_stored(goal).await? {
            if Instant::now() > deadline {
                // The check says what is missing.
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn is_stored(&self, goal: u64) -> Result<bool, Trouble> {
        if self.store.count(self.folder()).await? < goal {
            return Ok(false);
        }
        if !self.fault.is_of_pair() {
            return Ok(true);
        }
        // Some of these may be others, which nobody has answered; and who reads at one
        // instance does not see what the other one has still to store.
        let stored = self.store.read(self.folder()).await?;
        let check = |batches: &[_], hit: &_| Verdict::on(batches, hit, &stored, None);
        Ok(self.oracle.read(check).lost == 0)
    }
}

/// How many events have to be there.
fn certain(batches: &[Batch], hit: &HashSet<usize>) -> u64 {
    let batches = batches.iter().enumerate();
    let certain = batches.filter(|(_, batch)| batch.answer == Answer::Accepted);
    let certain = certain.filter(|(place, _)| !hit.contains(place));
    certain.map(|(_, batch)| batch.events.len() as u64).sum()
}
