#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod instance;
mod store;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use trailkeep_event::time::Clock;
use trailkeep_event::{Accepted, Arrival, Event, Payload, StoreId, Timestamp};
use trailkeep_store::StoredEvent;

use super::user::UserStream;
use super::{Gap, Live, NoPlace, PACE, Parts, Said, What};
use crate::journeys::linked::Links;
use crate::journeys::tests::walks;
use crate::monitoring::statistics::Statistics;
use crate::people::tests::memory_people::MemoryPeople;
use store::MemoryStore;

struct Standing;

fn moment(number: i64) -> Timestamp {
    Timestamp::from_millis_clamped(1_765_794_600_000 + number)
}

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        moment(0)
    }
}

/// The events that come, by their numbers: each happens later than the one before.
fn accepted(user: &str, number: i64) -> Arc<Accepted> {
    let event = Event {
        id: StoreId::derive(user, &number.to_string()),
        user_id: user.into(),
        event_id: number.to_string().into(),
        kind: "visit".into(),
        anonymous_id: None,
        session_id: None,
        account_id: None,
        payload: Payload::empty(),
        occurred_at: moment(number),
        received_at: moment(0),
    };
    Arc::new(Accepted { event, arrival: Arrival::from_i64(number) })
}

/// A service without writers: the test stores what it wants.
struct World {
    live: Arc<Live>,
    store: Arc<MemoryStore>,
    people: Arc<MemoryPeople>,
    next: i64,
}

impl World {
    fn new() -> Self {
        let (ingest, _, _) = walks::ingest(1);
        let store = Arc::new(MemoryStore::default());
        let people = Arc::new(MemoryPeople::default());
        let live = Live::new(Parts {
            links: Links::new(Arc::clone(&people) as _, Arc::clone(&ingest)),
            ingest,
            store: Arc::clone(&store) as _,
            clock: Arc::new(Standing),
            statistics: Arc::new(Statistics::new().unwrap()),
            stop: CancellationToken::new(),
        });
        Self { live, store, people, next: 1 }
    }

    /// So many events more of a user, which this instance accepts.
    fn accept(&mut self, user: &str, count: i64) -> Vec<Arc<Accepted>> {
        let batch = self.number(user, count);
        self.live.ingest.recent().push(&batch);
        batch
    }

    fn number(&mut self, user: &str, count: i64) -> Vec<Arc<Accepted>> {
        let numbers = self.next..self.next + count;
        self.next = numbers.end;
        numbers.map(|number| accepted(user, number)).collect()
    }
}

fn number(event: &StoredEvent) -> i64 {
    event.event_id.parse().unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    /// This instance accepts so many of a user.
    Accept(&'static str, i64),
    /// It is sent one of the last again.
    SentAgain(usize),
    /// It stores what it has accepted.
    Store,
    /// Another instance stores so many of a user.
    Elsewhere(&'static str, i64),
    /// The stream is read for so many milliseconds.
    Read(u64),
    /// The stream breaks, and another goes on where it was.
    Break,
    /// The database answers no more, or answers again.
    Away(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let user = || proptest::sample::select(vec!["ann", "ann", "ben"]);
    let count = || prop_oneof![8 => 1..6_i64, 1 => 15..40_i64, 1 => 250..300_i64];
    prop_oneof![
        4 => (user(), count()).prop_map(|(user, count)| Step::Accept(user, count)),
        1 => (0..10_usize).prop_map(Step::SentAgain),
        2 => Just(Step::Store),
        2 => (user(), count()).prop_map(|(user, count)| Step::Elsewhere(user, count)),
        4 => (0..3000_u64).prop_map(Step::Read),
        1 => Just(Step::Break),
        1 => any::<bool>().prop_map(Step::Away),
    ]
}

/// A reader who reads the journey again at each gap.
struct Watching {
    stream: UserStream,
    last_id: String,
    /// What this stream has shown.
    shown: HashSet<i64>,
    /// What the reader knows.
    known: HashSet<i64>,
    /// The last of those that this instance accepted, in the order in which they come.
    last_here: i64,
}

impl Watching {
    async fn read(&mut self, millis: u64, journey: &HashSet<i64>, here: &HashSet<i64>) {
        let reading = async {
            loop {
                for Said { id, what } in self.stream.next().await {
                    self.last_id = id.to_string();
                    match what {
                        What::Event(event) => self.shows(&event, here),
                        What::Gap(_) => self.known.extend(journey),
                        What::Skipped(_) => panic!("a user's stream skips nothing"),
                    }
                }
            }
        };
        let _: Result<(), _> = timeout(Duration::from_millis(millis), reading).await;
    }

    fn shows(&mut self, event: &StoredEvent, here: &HashSet<i64>) {
        let number = number(event);
        assert_eq!(&*event.user_id, "ann");
        assert!(self.shown.insert(number), "{number} is shown twice");
        let is_new = self.known.insert(number);
        // What was sent again may come again behind a break.
        if is_new && here.contains(&number) {
            assert!(number > self.last_here, "{number} comes after {}", self.last_here);
            self.last_here = number;
        }
    }
}

/// What the journey of ann has, and which of it this instance accepted.
#[derive(Default)]
struct Journey {
    all: HashSet<i64>,
    here: HashSet<i64>,
    last: Vec<Arc<Accepted>>,
    waiting: Vec<Arc<Accepted>>,
}

impl Journey {
    fn has(&mut self, events: &[Arc<Accepted>], is_here: bool) {
        let of_ann = events.iter().filter(|accepted| &*accepted.event.user_id == "ann");
        for number in of_ann.map(|accepted| accepted.arrival.as_i64()) {
            self.all.insert(number);
            if is_here {
                self.here.insert(number);
            }
        }
    }
}

async fn play(steps: Vec<Step>) {
    let mut world = World::new();
    let mut journey = Journey::default();
    let before = world.number("ann", 30);
    world.store.store(&before);
    journey.has(&before, false);
    let stream = world.live.of_user("ann", None).await.unwrap();
    let last_id = stream.id().to_string();
    let known = journey.all.clone();
    let mut watching = Watching { stream, last_id, shown: HashSet::new(), known, last_here: 0 };
    for step in steps {
        match step {
            Step::Accept(user, count) => {
                let batch = world.accept(user, count);
                journey.has(&batch, true);
                journey.waiting.extend(batch.iter().cloned());
                journey.last = batch;
            }
            Step::SentAgain(which) => {
                if let Some(accepted) = journey.last.get(which) {
                    world.live.ingest.recent().push(std::slice::from_ref(accepted));
                }
            }
            Step::Store => world.store.store(&std::mem::take(&mut journey.waiting)),
            Step::Elsewhere(user, count) => {
                let batch = world.number(user, count);
                world.store.store(&batch);
                journey.has(&batch, false);
            }
            Step::Read(millis) => watching.read(millis, &journey.all, &journey.here).await,
            Step::Break => {
                let Ok(stream) = world.live.of_user("ann", Some(&watching.last_id)).await else {
                    continue;
                };
                watching.stream = stream;
                watching.shown.clear();
                watching.last_here = 0;
            }
            Step::Away(is_away) => world.store.set_away(is_away),
        }
    }
    world.store.set_away(false);
    world.store.store(&std::mem::take(&mut journey.waiting));
    watching.read(10_000, &journey.all, &journey.here).await;
    let mut untold: Vec<&i64> = journey.all.difference(&watching.known).collect();
    untold.sort_unstable();
    assert!(untold.is_empty(), "untold: {untold:?}");
}

fn on_a_paused_clock(run: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(run);
}

proptest! {
    #[test]
    fn never_a_hole_untold_whatever_comes_between(
        steps in proptest::collection::vec(step(), 0..40),
    ) {
        on_a_paused_clock(play(steps));
    }
}

/// The names of what is said, and the numbers of events.
fn told(said: &[Said]) -> Vec<String> {
    let tell = |said: &Said| match &said.what {
        What::Event(event) => event.event_id.to_string(),
        What::Gap(gap) => gap.name().to_owned(),
        What::Skipped(count) => format!("{count} more"),
    };
    said.iter().map(tell).collect()
}

#[tokio::test(start_paused = true)]
async fn an_id_that_was_linked_elsewhere_is_told_at_the_next_heartbeat() {
    let mut world = World::new();
    let mut stream = world.live.of_user("ann", None).await.unwrap();
    let device = accepted("dev", 1);
    let mut both = (*accepted("ann", 2)).clone();
    both.event.anonymous_id = Some("dev".into());
    world.next = 3;
    let people = crate::people::People::new(Arc::clone(&world.people) as _);
    people.keep(&[Arc::new(both)]).await.unwrap();
    world.live.ingest.recent().push(&[device]);
    let nothing = timeout(Duration::from_secs(1), stream.next()).await;
    assert!(nothing.is_err(), "not known to be ann's: {nothing:?}");
    stream.beat();
    let said = stream.next().await;
    assert!(matches!(said[..], [Said { what: What::Gap(Gap::Linked), .. }]), "{said:?}");
    world.accept("dev", 1);
    assert_eq!(told(&stream.next().await), ["3"]);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_does_not_answer_holds_no_event_up() {
    let mut world = World::new();
    let mut stream = world.live.of_user("ann", None).await.unwrap();
    world.store.hang();
    tokio::time::advance(Duration::from_secs(3)).await;
    for number in 1..20 {
        world.accept("ann", 1);
        let said = timeout(2 * PACE, stream.next()).await.expect("at once");
        assert_eq!(told(&said), [number.to_string()]);
    }
}

#[test]
fn places_are_given_back() {
    let world = World::new();
    let (one, two) = (world.live.place(2).unwrap(), world.live.place(2).unwrap());
    assert_eq!(world.live.place(2).err(), Some(NoPlace::Taken { max_streams: 2 }));
    assert_eq!(world.live.open(), 2);
    drop(one);
    assert_eq!(world.live.open(), 1);
    drop((world.live.place(2).unwrap(), two));
    assert_eq!(world.live.open(), 0);
}

#[test]
fn streams_that_are_open_stay_so_where_there_may_be_fewer_from_now_on() {
    let world = World::new();
    let (one, two) = (world.live.place(3).unwrap(), world.live.place(3).unwrap());
    assert_eq!(world.live.place(1).err(), Some(NoPlace::Taken { max_streams: 1 }));
    assert_eq!(world.live.place(0).err(), Some(NoPlace::SwitchedOff));
    assert_eq!(world.live.open(), 2);
    drop((one, two));
    drop(world.live.place(1).unwrap());
}
