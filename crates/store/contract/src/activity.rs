//! Promises about how much ids did, by day.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;
use trailkeep_event::{Accepted, Arrival, Timestamp};
use trailkeep_store::Store;
use trailkeep_store::activity::{Activity, ActivityStore};

use crate::samples::{at, event, insert, store_all};

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

type Ids = Vec<(String, Option<Arrival>)>;

/// The number of what arrives at a moment.
fn arrival(millis: i64) -> Arrival {
    Arrival::first_at(at(millis))
}

/// An event that arrived so long after it happened.
fn late(user: &str, event_id: &str, millis: i64, by: i64) -> Accepted {
    event(user, event_id, millis, arrival(millis + by).as_i64())
}

fn day_of(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis().div_euclid(DAY_MS) * DAY_MS).unwrap()
}

fn whole(id: &str) -> (String, Option<Arrival>) {
    (id.to_owned(), None)
}

/// What has to be answered, counted one by one.
fn counted(events: &[Accepted], ids: &Ids, from: Timestamp, most: u64) -> Activity {
    let is_of = |accepted: &Accepted, (id, until): &(String, Option<Arrival>)| {
        *accepted.event.user_id == **id && until.is_none_or(|until| accepted.arrival < until)
    };
    let counts = |accepted: &&Accepted| {
        accepted.event.occurred_at >= from && ids.iter().any(|id| is_of(accepted, id))
    };
    let mut times: Vec<_> =
        events.iter().filter(counts).map(|accepted| accepted.event.occurred_at).collect();
    times.sort_unstable_by(|left, right| right.cmp(left));
    let is_whole = times.len() as u64 <= most;
    let mut days = BTreeMap::new();
    for time in times.into_iter().take(usize::try_from(most).unwrap()) {
        *days.entry(day_of(time)).or_insert(0) += 1;
    }
    Activity { days: days.into_iter().collect(), is_whole }
}

/// User, hour it happened in, and hours until it arrived.
type Drawn = (u8, i64, i64);

/// Which users, each with the hour before which its events arrived; from which hour;
/// how many at the most.
type Asked = (BTreeMap<u8, Option<i64>>, i64, u64);

pub async fn activity_is_what_counting_one_by_one_gives(
    store: Arc<dyn Store>,
    activity: Arc<dyn ActivityStore>,
) {
    const HOURS: std::ops::Range<i64> = 0..12 * 24;
    let drawn = (0_u8..4, HOURS, -24_i64..200);
    let until = prop::option::of(HOURS);
    let asked = (prop::collection::btree_map(0_u8..5, until, 0..5), HOURS, 0_u64..60);
    let strategy = (prop::collection::vec(drawn, 0..80), prop::collection::vec(asked, 8));
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let config = Config { failure_persistence: None, ..Config::with_cases(24) };
        let property = |(events, asked): (Vec<Drawn>, Vec<Asked>)| {
            let case: u64 = rand::random();
            let name = |user: u8| format!("{case}-{user}");
            let events: Vec<_> = (0..)
                .zip(events)
                .map(|(number, (user, hour, by))| {
                    late(&name(user), &format!("{number}"), hour * HOUR_MS + number, by * HOUR_MS)
                })
                .collect();
            runtime.block_on(async {
                // In parts, for what is written at one go is of one period.
                for some in events.chunks(7) {
                    insert(&*store, some).await;
                }
                for (users, from, most) in asked {
                    let until = |hour: i64| arrival(hour * HOUR_MS);
                    let ids: Ids =
                        users.iter().map(|(user, hour)| (name(*user), hour.map(until))).collect();
                    let from = at(from * HOUR_MS);
                    let answer = activity.activity(&ids, from, most).await.unwrap();
                    prop_assert_eq!(answer, counted(&events, &ids, from, most));
                }
                Ok(())
            })
        };
        TestRunner::new(config).run(&strategy, property).unwrap();
    })
    .await
    .unwrap();
}

pub async fn ids_that_did_nothing_have_no_days(
    store: Arc<dyn Store>,
    activity: Arc<dyn ActivityStore>,
) {
    store_all(&*store, &[late("ann", "e", 0, 0)]).await;
    let nothing = Activity { days: Vec::new(), is_whole: true };
    for ids in [vec![], vec![whole("nobody")], vec![whole(""), whole("$ne"), whole("Ann")]] {
        let answer = activity.activity(&ids, at(-DAY_MS), 10).await.unwrap();
        assert_eq!(answer, nothing, "{ids:?}");
    }
    let later = activity.activity(&[whole("ann")], at(1), 10).await.unwrap();
    assert_eq!(later, nothing);
}

/// To the number: what has it is not before it.
pub async fn a_link_ends_at_its_number(store: Arc<dyn Store>, activity: Arc<dyn ActivityStore>) {
    let last = arrival(5);
    let events = [
        event("device", "before", 0, last.as_i64() - 1),
        event("device", "at", 1, last.as_i64()),
        event("device", "after", 2, last.as_i64() + 1),
        event("ann", "own", 3, last.as_i64() + 2),
    ];
    store_all(&*store, &events).await;
    for (until, expected) in [(last.as_i64(), 2), (last.as_i64() + 1, 3), (last.as_i64() - 1, 1)] {
        let ids = vec![whole("ann"), ("device".to_owned(), Some(Arrival::from_i64(until)))];
        let answer = activity.activity(&ids, at(0), 10).await.unwrap();
        assert_eq!(answer.days, [(day_of(at(0)), expected)], "until {until}");
    }
}

/// Its newest events are, whichever of the ids they are of.
pub async fn of_more_than_are_counted_the_newest_are(
    store: Arc<dyn Store>,
    activity: Arc<dyn ActivityStore>,
) {
    let events: Vec<_> = (0..30)
        .map(|number| {
            let user = if number % 3 == 0 { "ann" } else { "device" };
            late(user, &number.to_string(), number * DAY_MS / 10, 0)
        })
        .collect();
    store_all(&*store, &events).await;
    let ids = vec![whole("ann"), whole("device")];
    for (most, is_whole) in [(1, false), (12, false), (29, false), (30, true), (u64::MAX, true)] {
        let answer = activity.activity(&ids, at(0), most).await.unwrap();
        assert_eq!(answer.is_whole, is_whole, "{most}");
        assert_eq!(answer, counted(&events, &ids, at(0), most.min(1000)), "{most}");
    }
}

/// Which part of an index has to be asked for differs between an id whose link ended
/// long ago and one that goes on.
pub async fn events_of_a_link_that_ended_long_ago_are_no_older_for_it(
    store: Arc<dyn Store>,
    activity: Arc<dyn ActivityStore>,
) {
    let mut events: Vec<_> = (0..10)
        .map(|day| {
            let user = ["ann", "device"][usize::from(day % 2 == 0)];
            late(user, &day.to_string(), day * DAY_MS, 0)
        })
        .collect();
    events.push(late("somebody else", "e", 100 * DAY_MS, 0));
    store_all(&*store, &events).await;
    let ids = vec![whole("ann"), ("device".to_owned(), Some(arrival(10 * DAY_MS)))];
    for most in 1..=10 {
        let answer = activity.activity(&ids, at(0), most).await.unwrap();
        assert_eq!(answer, counted(&events, &ids, at(0), most), "{most}");
    }
}
