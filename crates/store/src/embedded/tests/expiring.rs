use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::embedded::retention::Sweep;
use crate::embedded::retention::step::{STEP_ROWS, Step};
use crate::embedded::{folder::DATABASE, schema};

/// A clock that stands until it is moved.
pub(super) struct Hands(AtomicI64);

impl Hands {
    pub(super) fn at(millis: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(millis)))
    }

    pub(super) fn move_to(&self, millis: i64) {
        self.0.store(millis, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

pub(super) const DAY: i64 = 86_400_000;
const ONE_DAY: Duration = Duration::from_millis(DAY as u64);

pub(super) fn open_for_a_day(folder: &Path, clock: &Arc<Hands>) -> EmbeddedStore {
    let settings = EmbeddedSettings { retention: Retention::of_all(Some(ONE_DAY)), ..settings() };
    EmbeddedStore::open_with_clock(folder, &settings, Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}

#[tokio::test]
async fn events_go_when_their_time_is_over_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Hands::at(NOON);
    let store = open_for_a_day(folder.path(), &clock);
    store.insert(&events("u", 0..3_000)).await.unwrap();

    clock.move_to(NOON + DAY);
    store.prepare().await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(count(&store, "u").await, 3_000);

    clock.move_to(NOON + DAY + 2_000);
    store.prepare().await.unwrap();
    until("2,000 events are deleted", || async { count(&store, "u").await == 1_000 }).await;

    let left = store.journey(&whole("u"), 1).await.unwrap().events;
    assert_eq!(&*left[0].event_id, "e2000");
    // An identity that has expired is free again.
    let again = store.insert(&events("u", 0..1)).await.unwrap();
    assert_eq!(again, [Outcome::Stored]);
}

/// All was received at noon, ten days ago; other types have a day.
#[tokio::test]
async fn a_type_goes_when_its_own_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Hands::at(NOON + 10 * DAY);
    let of = |events: Vec<Arc<Accepted>>, kind: &str| -> Vec<_> {
        let typed = |event: Arc<Accepted>| {
            let mut event = (*event).clone();
            event.event.kind = kind.into();
            Arc::new(event)
        };
        events.into_iter().map(typed).collect()
    };
    let store = open(folder.path());
    // More than a step, and more types than a step looks at.
    store.insert(&of(events("view", 0..1_300), "view")).await.unwrap();
    store.insert(&of(events("order", 0..700), "order")).await.unwrap();
    for number in 0..600 {
        let others = of(events("others", number..number + 1), &format!("t{number}"));
        store.insert(&others).await.unwrap();
    }
    store.close().await;

    let open_by_type = async |types: &[(&str, Option<u32>)]| {
        let types = types.iter().map(|(kind, days)| ((*kind).into(), days.map(|d| ONE_DAY * d)));
        let retention = Retention::of_all(Some(ONE_DAY)).with_types(types);
        let settings = EmbeddedSettings { retention, ..settings() };
        let clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let store = EmbeddedStore::open_with_clock(folder.path(), &settings, clock).unwrap();
        store.prepare().await.unwrap();
        store
    };
    let store = open_by_type(&[("order", None), ("view", Some(20))]).await;
    until("others are gone", || async { count(&store, "others").await == 0 }).await;
    assert_eq!(count(&store, "view").await, 1_300);
    assert_eq!(count(&store, "order").await, 700);
    store.close().await;

    let store = open_by_type(&[("order", Some(30)), ("view", Some(5))]).await;
    until("views are gone", || async { count(&store, "view").await == 0 }).await;
    assert_eq!(count(&store, "order").await, 700);
    store.close().await;

    // Where types do not differ any more, nothing is left of the index.
    let store = open_by_type(&[]).await;
    until("orders are gone", || async { count(&store, "order").await == 0 }).await;
    let names = store.readers.read(schema::index_names).await.unwrap();
    let is_left = |name: &String| by_type::is_ours(&format!("events.{name}"));
    assert!(!names.iter().any(is_left), "{names:?}");
}

#[tokio::test]
async fn nothing_is_deleted_before_the_store_is_prepared_or_without_a_retention() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Hands::at(NOON + 10 * DAY);
    let store = open_for_a_day(folder.path(), &clock);
    store.insert(&events("u", 0..10)).await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(count(&store, "u").await, 10);
    store.close().await;

    let store = open(folder.path());
    store.prepare().await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(count(&store, "u").await, 10);
}

#[tokio::test]
async fn a_step_is_small_and_leaves_later_rows_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&events("u", 0..2_000)).await.unwrap();
    store.close().await;

    let file = schema::open_writer(&folder.path().join(DATABASE)).unwrap();
    let (kept, mut sweep) = (Retention::of_all(Some(ONE_DAY)), Sweep::default());
    let now = Timestamp::from_millis(NOON + DAY + 1_200).unwrap();
    let steps: Vec<_> = (0..4).map(|_| sweep.step(&file, &kept, now).unwrap()).collect();
    let full = || Step::Deleted(STEP_ROWS);
    assert_eq!(steps, [full(), full(), Step::Deleted(200), Step::Last]);
}

#[tokio::test]
async fn a_flush_waits_for_one_step_at_the_most() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Hands::at(NOON);
    let store = open_for_a_day(folder.path(), &clock);
    store.insert(&events("old", 0..5_000)).await.unwrap();
    // Far enough for the old ones, not for the one that is to come.
    clock.move_to(NOON + DAY + 10_000);

    let release = hold_up(&store);
    store.prepare().await.unwrap();
    let batch = events("new", 20_000..20_001);
    let (inserted, left, ()) =
        tokio::join!(store.insert(&batch), rows(&store), async { drop(release) });
    assert_eq!(inserted.unwrap(), [Outcome::Stored]);
    // One step after `prepare` was served, one after the insert.
    assert_eq!(left, 5_001 - 2 * STEP_ROWS as i64);

    until("the sweep is done", || async { count(&store, "old").await == 0 }).await;
    assert_eq!(count(&store, "new").await, 1);
}

/// How many rows there are when the writer comes to this.
async fn rows(store: &EmbeddedStore) -> i64 {
    let (answer, rows) = oneshot::channel();
    store.writer.run(|connection| {
        let count = connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0));
        let _ = answer.send(count.unwrap());
    });
    rows.await.unwrap()
}
