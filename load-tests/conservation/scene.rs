//! One service with its store, and what is done with both in a round.

mod processing;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use tempfile::TempDir;
use trailkeep_testkit::launch::{Launch, Service, libfaketime};
use trailkeep_testkit::port::free_port;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::arguments::Arguments;
use crate::calendar::of_half_a_round;
use crate::fault::{Fault, StoreKind};
use crate::load::{Demand, Load, http_client};
use crate::misread::Journeys;
use crate::network::Network;
use crate::old_events::OldEvents;
use crate::oracle::Oracle;
use crate::processors::disruptions::{Cause, Disruptions};
use crate::processors::example::Example;
use crate::reader::Reader;
use crate::settings::{faked_clock, of_processor, settings};
use crate::store::Store;
use crate::verdict::Verdict;

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
    pub network: Option<Network>,
    pub oracle: Arc<Oracle>,
    /// The processor that events are sent to, in rounds with one.
    processor: Option<Example>,
    pub disruptions: Disruptions,
    launch: Launch,
    service: Option<Service>,
    http: reqwest::Client,
    /// Of the service itself.
    url: String,
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
        let port = free_port()?;
        let network = match fault {
            Fault::CutConnection => Some(Network::between(port, &store).await?),
            _ => None,
        };
        let mut settings = settings(fault, port);
        let processor = match arguments.has_processor(fault) {
            true => Some(Example::of(fault, binary, home.path())?),
            false => None,
        };
        settings.extend(processor.iter().flat_map(|it| of_processor(fault, it.url())));
        let database_proxy = network.as_ref().and_then(Network::database);
        if let Some(uri) = store.uri_for_service(database_proxy) {
            settings.push(("MONGODB_URI".to_owned(), uri));
        }
        if let (Fault::ClockBack, Some(library)) = (fault, libfaketime()) {
            settings.extend(faked_clock(&library, &home.path().join(CLOCK)));
        }
        let mut scene = Self {
            fault,
            is_quick: arguments.quick,
            is_storing_awaited: !fault.is_damage() && !arguments.prove,
            store,
            old,
            demand: arguments.demand(fault),
            network,
            oracle: Arc::default(),
            processor,
            disruptions: Disruptions::default(),
            launch: Launch { binary: binary.to_owned(), folder: home.path().to_owned(), settings },
            service: None,
            http: http_client()?,
            url: format!("http://127.0.0.1:{port}"),
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
        scene.start().await?;
        scene.reader = Some(Reader::sign_up(&scene.http, &scene.url).await?);
        Ok(scene)
    }

    /// Starts the load of a round, on a service that runs.
    pub async fn begin(&mut self, name: &str, rng: &mut StdRng) -> Result<Load, Trouble> {
        if self.service.is_none() {
            self.start().await?;
        }
        self.round = format!("{name}-");
        let load = Load::start(name, &self.producers_url(), &self.oracle, self.demand, rng)?;
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
        self.take_service()?.stop().await?;

        let stored = self.store.read(self.folder()).await?;
        let calendar = self.store.calendar().await?;
        let check = |batches: &[_], hit: &_| Verdict::on(batches, hit, &stored, calendar.as_ref());
        let found = self.oracle.read(check);
        let processing = self.check_processing(&stored).await?;
        self.last_verdict = Verdict { misread: self.misread, processing, ..found };
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

    /// The last lines that the service wrote.
    pub fn log_tail(&self) -> String {
        self.launch.log_tail()
    }

    /// The check after the last round that was carried out.
    pub fn last_verdict(&self) -> Verdict {
        self.last_verdict
    }

    /// Leaves the folder behind for whoever looks into what went wrong.
    pub fn keep(mut self) -> Self {
        self.service = None;
        self.processor = None;
        self.home.disable_cleanup(true);
        eprintln!("what is left lies in {}", self.home.path().display());
        self
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// The running service, taken out to be ended.
    pub fn take_service(&mut self) -> Result<Service, Trouble> {
        self.service.take().ok_or_else(|| Trouble("the service does not run".to_owned()))
    }

    /// The running service.
    pub fn service(&self) -> Result<&Service, Trouble> {
        self.service.as_ref().ok_or_else(|| Trouble("the service does not run".to_owned()))
    }

    /// Starts the service and waits until it is ready.
    pub async fn start(&mut self) -> Result<(), Trouble> {
        let mut service = self.launch.start(None)?;
        service.wait_until_ready(&self.http, &self.url).await?;
        self.service = Some(service);
        self.disruptions.end(Cause::Service);
        Ok(())
    }

    /// Waits until the service is ready, if it runs.
    pub async fn wait_until_ready(&mut self) -> Result<(), Trouble> {
        if let Some(service) = &mut self.service {
            service.wait_until_ready(&self.http, &self.url).await?;
            self.disruptions.end(Cause::Service);
        }
        Ok(())
    }

    /// Starts the service, and lets it run before it is ready.
    pub fn launch(&mut self) -> Result<(), Trouble> {
        self.service = Some(self.launch.start(None)?);
        Ok(())
    }

    /// The same, with no file larger than so many bytes.
    pub fn launch_limited(&mut self, file_bytes: u64) -> Result<(), Trouble> {
        self.service = Some(self.launch.start(Some(file_bytes))?);
        Ok(())
    }

    /// Sets by how many seconds the service's clock is wrong. Has an effect
    /// only where the clock is faked.
    pub fn step_clock(&self, seconds: i64) -> Result<(), Trouble> {
        if self.fault != Fault::ClockBack {
            return Ok(());
        }
        // Renamed, because the file may be read at any moment.
        let (new, file) = (self.folder().join("clock.new"), self.folder().join(CLOCK));
        std::fs::write(&new, format!("{seconds:+}\n")).during("stepping the clock")?;
        std::fs::rename(new, file).during("stepping the clock")
    }

    fn producers_url(&self) -> String {
        match &self.network {
            Some(network) => format!("http://{}", network.producers()),
            None => self.url.clone(),
        }
    }

    /// The writers alone must get there; a stop, which comes next, would write
    /// as well.
    async fn wait_until_stored(&mut self) -> Result<(), Trouble> {
        self.wait_until_ready().await?;
        if !self.is_storing_awaited {
            return Ok(());
        }
        let deadline = Instant::now() + STORED_LIMIT;
        let goal = self.oracle.accepted() + self.old.map_or(0, |old| old.count);
        while self.store.count(self.folder()).await? < goal {
            if Instant::now() > deadline {
                // The check says what is missing.
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}
