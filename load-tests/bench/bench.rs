//! What every section works with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bson::doc;
use bson::raw::RawDocumentBuf;
use tokio::time::sleep;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::arguments::Arguments;
use crate::batch::{Batch, People, USERS};
use crate::connection::Connection;
use crate::database::Database;
use crate::instance::{Home, Instance, Starter};
use crate::load::{Pace, Plan};
use crate::progress::Progress;
use crate::window::{Watched, Window};

/// A run.
pub struct Bench {
    pub arguments: Arguments,
    pub starter: Starter,
    pub progress: Progress,
}

/// A `mongod` of a section's own, made ready by a service that has ended since.
pub struct Site {
    pub database: Arc<Database>,
    /// Opens `/stats` and journeys of every service on this database.
    pub token: String,
    /// An event as the service stored it.
    pub document: RawDocumentBuf,
}

/// Load of events, without where it goes.
#[derive(Clone, Copy)]
pub struct Shape {
    pub batch: usize,
    pub people: People,
    /// Whether each of them had an event before the load begins. Somebody new is noted, which
    /// takes several times what an event does, and in a short window many would be new.
    pub are_known: bool,
    pub pace: Pace,
}

/// Cores that other programs, and other machines on the same host, may take
/// from a window that counts.
const QUIET_CORES: f64 = 0.05;
/// How long a service may take for the events of a section.
const LIMIT: Duration = Duration::from_secs(300);
/// Events of one request by which users are made known.
const INTRODUCED: usize = 100;
/// After so many disturbed windows the machine is taken as it is.
const TRIES: u32 = 4;

impl Shape {
    /// As fast as it goes.
    pub fn saturating(batch: usize) -> Self {
        Self { batch, people: People::of(USERS), are_known: false, pace: Pace::Closed }
    }

    /// The same of users who had an event before.
    pub fn of_known(self) -> Self {
        Self { are_known: true, ..self }
    }

    /// So many events a second, whatever the answers do.
    #[allow(clippy::cast_precision_loss)]
    pub fn offering(events_per_second: f64, batch: usize) -> Self {
        Self { pace: Pace::Open(events_per_second / batch as f64), ..Self::saturating(batch) }
    }
}

impl Bench {
    /// Starts a `mongod` and makes it ready. The accounts that the services
    /// under test know are made here, because hashing a password takes more
    /// memory than all that is measured.
    pub async fn site(&self) -> Result<Site, Trouble> {
        let database = Arc::new(Database::start(&self.arguments).await?);
        let instance = self.starter.start(Home::Mongodb(&database), &[]).await?;
        let token = instance.make_token().await?;
        let mut sample = Batch::to("/events?wait=stored", 1, People::of(1), self.arguments.seed);
        let mut connection = Connection::open(instance.address()).during("connecting")?;
        let status = connection.exchange(sample.next()).during("a first event")?;
        if status != 200 {
            let body = String::from_utf8_lossy(connection.body()).into_owned();
            return Err(Trouble(format!("a first event was answered {status}: {body}")));
        }
        let document = database.events().find_one(doc! {}).await;
        let document = document
            .during("reading the first event")?
            .ok_or_else(|| Trouble("the first event is not in the database".to_owned()))?;
        instance.stop().await?;
        Ok(Site { database, token, document })
    }

    /// Measures a new service on a new collection under load, undisturbed.
    pub async fn measure(
        &self,
        site: &Site,
        settings: &[(&str, &str)],
        shape: Shape,
    ) -> Result<Window, Trouble> {
        let once = async || {
            site.database.drop_events().await?;
            self.measure_once(site, settings, shape, None).await
        };
        self.undisturbed(once, |window| window).await
    }

    /// The same beside a process that belongs to what is measured, such as a processor.
    pub async fn measure_beside(
        &self,
        site: &Site,
        settings: &[(&str, &str)],
        shape: Shape,
        beside: u32,
    ) -> Result<Window, Trouble> {
        let once = async || {
            site.database.drop_events().await?;
            self.measure_once(site, settings, shape, Some(beside)).await
        };
        self.undisturbed(once, |window| window).await
    }

    /// Measures a new service under load, which adds to what the collection has,
    /// undisturbed.
    pub async fn measure_on_top(
        &self,
        site: &Site,
        settings: &[(&str, &str)],
        shape: Shape,
    ) -> Result<Window, Trouble> {
        let once = async || self.measure_once(site, settings, shape, None).await;
        self.undisturbed(once, |window| window).await
    }

    async fn measure_once(
        &self,
        site: &Site,
        settings: &[(&str, &str)],
        shape: Shape,
        beside: Option<u32>,
    ) -> Result<Window, Trouble> {
        let home = Home::Mongodb(&site.database);
        let instance = self.starter.start(home, settings).await?;
        if shape.are_known {
            self.introduce(&instance, shape.people)?;
            if beside.is_some() {
                let processed = async || instance.processed(&site.token).await;
                until(shape.people.users.into(), processed).await?;
            }
        }
        let instances = [&instance];
        let watched = Watched { beside, ..self.watched(site, &instances) };
        let window = watched.under(&self.plan(&instances, shape)).await?;
        instance.stop().await?;
        Ok(window)
    }

    /// Has each of these users known to a service: an event of each is stored.
    pub fn introduce(&self, instance: &Instance, people: People) -> Result<(), Trouble> {
        let mut connection = Connection::open(instance.address()).during("connecting")?;
        let seed = self.arguments.seed + 1;
        let mut batch = Batch::to("/events?wait=stored", INTRODUCED, people, seed);
        for first in (0..people.users).step_by(INTRODUCED) {
            let status = connection.exchange(batch.next_of(first)).during("making users known")?;
            if status != 200 {
                return Err(Trouble(format!("events of new users were answered {status}")));
            }
        }
        Ok(())
    }

    /// Measures again, up to [`TRIES`] times in all, while somebody else takes
    /// part of the cores. What was least disturbed counts.
    pub async fn undisturbed<T>(
        &self,
        measure: impl AsyncFn() -> Result<T, Trouble>,
        window_of: impl Fn(&T) -> &Window,
    ) -> Result<T, Trouble> {
        let disturbed = |measured: &T| window_of(measured).others_cores();
        let mut best = measure().await?;
        for _ in 1..TRIES {
            if disturbed(&best) <= QUIET_CORES {
                break;
            }
            self.progress
                .say(&format!("others took {:.2} cores; measuring that again", disturbed(&best)));
            let again = measure().await?;
            if disturbed(&again) < disturbed(&best) {
                best = again;
            }
        }
        Ok(best)
    }

    /// Measures running services under load.
    pub async fn load(
        &self,
        site: &Site,
        instances: &[&Instance],
        shape: Shape,
    ) -> Result<Window, Trouble> {
        self.watched(site, instances).under(&self.plan(instances, shape)).await
    }

    fn watched<'a>(&self, site: &'a Site, instances: &'a [&'a Instance]) -> Watched<'a> {
        Watched {
            instances,
            token: &site.token,
            database: &site.database,
            beside: None,
            warm_up: self.arguments.warm_up(),
            window: self.arguments.window(),
        }
    }

    /// What is sent to running services.
    pub fn plan(&self, instances: &[&Instance], shape: Shape) -> Plan {
        Plan {
            targets: instances.iter().map(|instance| instance.address()).collect(),
            connections: self.arguments.connections,
            batch: shape.batch,
            people: shape.people,
            pace: shape.pace,
            seed: self.arguments.seed,
        }
    }
}

/// Waits until so many events are counted.
pub async fn until(
    events: u64,
    count: impl AsyncFn() -> Result<u64, Trouble>,
) -> Result<(), Trouble> {
    let begun = Instant::now();
    while count().await? < events {
        if begun.elapsed() > LIMIT {
            return Err(Trouble(format!("{events} events take longer than {LIMIT:?}")));
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
