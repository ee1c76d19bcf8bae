//! Who is who: searches among very many people, and a journey by how many ids are
//! linked to its user.

mod crowd;

use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};
use trailkeep_testkit::trouble::Trouble;

use crate::bench::{Bench, Site};
use crate::findings::{Findings, Row, Table};
use crate::instance::{Home, Instance};
use crate::numbers::{Samples, milliseconds};
use crate::processes::Memory;
use crate::reading::{PAGE, Reads, over_http};

/// Besides one in each round.
pub const STEPS: u64 = 2;
/// How long what was posted may take to be stored.
const LIMIT: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(100);
/// Ids that are linked to a user. So that each id has as many events: 120 / (19 + 1).
const LINKS: [u32; 3] = [0, 3, 19];
/// What a search may take, in milliseconds.
const P99_MS: f64 = 10.0;

/// What a person types, for one person or another.
type Typed = (&'static str, fn(u32) -> String);

const SEARCHES: [Typed; 10] = [
    ("a whole id", |person| format!("user-{person}")),
    ("the beginning of an id", |person| format!("user-{}", person % 1_000)),
    ("one letter", |person| "abcdefgz"[(person % 8) as usize..][..1].to_owned()),
    ("the beginning of an e-mail address", |person| {
        let (first, last) = crowd::name(person);
        format!("{first}.{last}")[..9.min(first.len() + last.len())].to_owned()
    }),
    ("a whole e-mail address", crowd::email),
    ("a first name", |person| crowd::name(person).0.to_owned()),
    ("a last name", |person| crowd::name(person).1),
    ("both names", |person| {
        let (first, last) = crowd::name(person);
        format!("{first} {last}")
    }),
    ("a session", |person| format!("sess-{person}")),
    ("what nobody is called", |person| format!("zzzz{person}")),
];

/// What was measured among so many people.
pub(super) struct Measured {
    people: u32,
    pub searches: Vec<(&'static str, Reads)>,
    pub journeys: [Journeys; 3],
    /// The most that the service ever took, in bytes.
    pub peak: u64,
}

/// Posts the events, and asks.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    Ok(findings(&measure(bench, bench.arguments.events()).await?))
}

/// The same with so many events.
pub(super) async fn measure(bench: &Bench, events: u64) -> Result<Measured, Trouble> {
    let site = bench.site().await?;
    let people = u32::try_from(events).unwrap_or(u32::MAX) / crowd::EVENTS_EACH;
    let users = if bench.arguments.quick { 100 } else { 1_000 };
    let instance = bench.starter.start(Home::Mongodb(&site.database), &[]).await?;
    bench.progress.step(format!("people, posting the events of {people}"));
    fill(&site, &instance, people, users).await?;

    let reads = if bench.arguments.quick { 100 } else { 400 };
    let mut rng = ChaCha8Rng::seed_from_u64(bench.arguments.seed);
    bench.progress.step("people, searching".to_owned());
    let mut searches = Vec::new();
    for (name, typed) in SEARCHES {
        let mut ask = |reads: usize| -> Result<Reads, Trouble> {
            let paths = (0..reads).map(|_| search(&typed(rng.random_range(0..people))));
            let requests: Vec<_> = paths.map(|path| request(&path, &site.token)).collect();
            over_http(&instance, &site.database, requests)
        };
        ask(20)?;
        searches.push((name, ask(reads)?));
    }
    let mut journeys = LINKS.map(|links| Journeys { links, ..Journeys::default() });
    for round in 0..=bench.arguments.rounds() {
        if round > 0 {
            bench.progress.step(format!("people, journeys, round {round}"));
        }
        for kind in &mut journeys {
            let paths = (0..reads).map(|_| {
                let user = crowd::linked_user(kind.links, rng.random_range(0..users));
                format!("/users/{user}/journey?limit={PAGE}")
            });
            let requests: Vec<_> = paths.map(|path| request(&path, &site.token)).collect();
            let reads = over_http(&instance, &site.database, requests)?;
            // The first round is a warm-up.
            if round > 0 {
                kind.add(&reads);
            }
        }
    }
    let peak = Memory::of(instance.pid())?.peak;
    instance.stop().await?;
    Ok(Measured { people, searches, journeys, peak })
}

/// Journeys of users who have so many links.
#[derive(Default)]
pub(super) struct Journeys {
    links: u32,
    p50: Samples,
    /// Of the service and of `mongod` together.
    pub cpu_us: Samples,
    rounds: Vec<Value>,
}

impl Journeys {
    fn add(&mut self, reads: &Reads) {
        self.p50.push(milliseconds(&reads.latency, 0.5));
        self.cpu_us.push(reads.cpu_us + reads.mongod_us);
        self.rounds.push(reads.to_json());
    }
}

/// Posts, and waits until all of it is stored and written out.
async fn fill(site: &Site, instance: &Instance, people: u32, users: u32) -> Result<(), Trouble> {
    let address = instance.address();
    let posted = tokio::task::block_in_place(|| {
        let linked = LINKS.map(|links| crowd::post_linked(address, links, users));
        linked
            .into_iter()
            .sum::<Result<u64, _>>()
            .and_then(|linked| Ok(linked + crowd::post_people(address, people)?))
    })?;
    let began = Instant::now();
    while instance.stored(&site.token).await? < posted {
        if began.elapsed() > LIMIT {
            return Err(Trouble(format!("{posted} events were not stored in {LIMIT:?}")));
        }
        sleep(PAUSE).await;
    }
    site.database.settle().await?;
    site.database.rest().await
}

fn search(text: &str) -> String {
    let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    format!("/search?q={text}")
}

fn request(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}

fn findings(measured: &Measured) -> Findings {
    let Measured { people, searches, journeys, .. } = measured;
    let mut rows = Vec::new();
    let columns = ["search for", "p50, ms", "p99, ms", "service, us", "mongod, us"];
    let mut searched = Table::new(&format!("Searches among {people} people"), &columns);
    let mut figures = Map::new();
    for (name, reads) in searches {
        let (p50, p99) = (milliseconds(&reads.latency, 0.5), milliseconds(&reads.latency, 0.99));
        searched.add(*name, &[p50, p99, reads.cpu_us, reads.mongod_us]);
        figures.insert((*name).to_owned(), reads.to_json());
        rows.push(Row::at_most(format!("search for {name}: p99"), p99, P99_MS, "ms"));
    }
    let columns = ["linked ids", "p50, ms", "CPU of service and mongod, us", "of none"];
    let mut read = Table::new("Journeys by the ids that are linked", &columns);
    for kind in journeys {
        let of_none = kind.cpu_us.median() / journeys[0].cpu_us.median();
        read.add(kind.links.to_string(), &[kind.p50.median(), kind.cpu_us.median(), of_none]);
        figures.insert(format!("{} links", kind.links), json!(kind.rounds));
    }
    Findings { rows, figures: figures.into(), tables: vec![searched, read], ..Findings::default() }
}
