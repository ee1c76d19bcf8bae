//! Promises about what became of events.

use std::collections::HashMap;
use std::sync::Arc;

use trailkeep_event::StoreId;
use trailkeep_store::Outcome;
use trailkeep_store::processing::{
    Processed, ProcessedEvent, ProcessedState as State, ProcessingStore,
};

use super::samples::{
    NAME, add, arrival, ends_of_the_calendar, event_id, outcome, sixteen_at_once,
};
use crate::samples::{at, payload};

async fn keep(store: &dyn ProcessingStore, outcomes: &[Processed]) {
    let kept = store.record(NAME, outcomes).await.unwrap();
    assert_eq!(kept, vec![Outcome::Stored; outcomes.len()]);
}

async fn whole(store: &dyn ProcessingStore, number: i64) -> Option<Processed> {
    store.outcomes(NAME, &[event_id(number)]).await.unwrap().remove(&event_id(number))
}

/// The outcome with another answer, to tell it from the sample.
fn other(outcome: Processed) -> Processed {
    Processed { processed_at: at(99), http_status: None, error: Some("other".into()), ..outcome }
}

pub async fn an_outcome_is_read_back_unchanged(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    let [first, last] = ends_of_the_calendar();
    let results = [
        "{}",
        r#"{"status":"success","message":"Event processed successfully"}"#,
        r#"{"$oid":"x","a.b":{"":[1,1.0,-0.5,9007199254740993,1e300,null,true]},"t":"ä\n\"\u0001"}"#,
        r#"{"$set":{"$date":1},"_id":7,"state":"pending","a":[[],{},[{}]],"n":-9223372036854775808}"#,
    ];
    let mut outcomes: Vec<_> = results
        .into_iter()
        .zip(1..)
        .map(|(json, number)| Processed {
            result: Some(payload(json)),
            ..outcome(number, 0, State::Processed)
        })
        .collect();
    outcomes.push(Processed {
        event: None,
        http_status: None,
        error: Some("gone".into()),
        ..outcome(10, 0, State::Skipped)
    });
    let ends = |occurred_at, received_at| ProcessedEvent {
        event_id: "e \"\0".into(),
        user_id: "ann ä".into(),
        kind: "$type.a".into(),
        occurred_at,
        received_at,
    };
    outcomes.push(Processed {
        run: u32::MAX,
        event: Some(ends(first, last)),
        arrival: arrival(i64::MAX),
        processed_at: last,
        duration_ms: u32::MAX,
        waited_ms: i64::MAX as u64,
        attempts: u32::MAX,
        http_status: Some(u16::MAX),
        error: Some("ä\n\"\0".into()),
        ..outcome(11, 0, State::Failed)
    });
    outcomes.push(Processed {
        event: Some(ends(last, first)),
        arrival: arrival(i64::MIN),
        processed_at: first,
        duration_ms: 0,
        waited_ms: 0,
        attempts: 0,
        http_status: Some(0),
        ..outcome(12, 1, State::Pending)
    });
    keep(&*store, &outcomes).await;
    let ids: Vec<_> = outcomes.iter().map(|outcome| outcome.id).collect();
    let found = store.outcomes(NAME, &ids).await.unwrap();
    let expected: HashMap<_, _> =
        outcomes.iter().map(|outcome| (outcome.id, outcome.clone())).collect();
    assert_eq!(found, expected);
    let states = store.states(NAME, &ids).await.unwrap();
    let expected = outcomes.iter().map(|outcome| (outcome.id, (outcome.run, outcome.state)));
    assert_eq!(states, expected.collect::<HashMap<_, _>>());
}

pub async fn an_outcome_is_kept_once_and_the_first_stays(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    for (number, state) in (1..).zip([State::Processed, State::Failed, State::Skipped]) {
        let first = outcome(number, 0, state);
        keep(&*store, std::slice::from_ref(&first)).await;
        let again = [
            first.clone(),
            other(first.clone()),
            other(outcome(number, 0, State::Processed)),
            other(outcome(number, 0, State::Pending)),
            outcome(number + 10, 0, state),
        ];
        let kept = store.record(NAME, &again).await.unwrap();
        use Outcome::{Duplicate, Stored};
        assert_eq!(kept, [Duplicate, Duplicate, Duplicate, Duplicate, Stored]);
        assert_eq!(whole(&*store, number).await, Some(first));
    }
    // Two of the same at once.
    let same = [outcome(20, 0, State::Processed), other(outcome(20, 0, State::Failed))];
    let kept = store.record(NAME, &same).await.unwrap();
    assert_eq!(kept, [Outcome::Stored, Outcome::Duplicate]);
    let kept = sixteen_at_once(&store, |store, number| async move {
        let own = Processed { attempts: number.into(), ..outcome(30, 0, State::Processed) };
        store.record(NAME, &[own]).await.unwrap()
    })
    .await;
    let kept: Vec<u32> =
        (0..).zip(kept).filter(|(_, o)| o[0] == Outcome::Stored).map(|(n, _)| n).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(whole(&*store, 30).await.unwrap().attempts, kept[0]);
    assert_eq!(store.record(NAME, &[]).await.unwrap(), []);
}

pub async fn a_pending_outcome_is_replaced_by_one_of_its_run(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    for (number, run) in [(1, 0), (2, 1), (3, 7)] {
        let pending =
            Processed { error: Some("asked for".into()), ..outcome(number, run, State::Pending) };
        keep(&*store, std::slice::from_ref(&pending)).await;
        assert_eq!(whole(&*store, number).await, Some(pending));

        let done = Processed {
            result: Some(payload(r#"{"$a":1}"#)),
            ..outcome(number, run, State::Processed)
        };
        keep(&*store, std::slice::from_ref(&done)).await;
        assert_eq!(whole(&*store, number).await, Some(done.clone()));
        let kept = store.record(NAME, &[other(done.clone())]).await.unwrap();
        assert_eq!(kept, [Outcome::Duplicate]);
        assert_eq!(whole(&*store, number).await, Some(done));
    }
    // Of those that come at once one is kept.
    keep(&*store, &[outcome(4, 1, State::Pending)]).await;
    let kept = sixteen_at_once(&store, |store, number| async move {
        let own = Processed { attempts: number.into(), ..outcome(4, 1, State::Processed) };
        store.record(NAME, &[own]).await.unwrap()
    })
    .await;
    assert_eq!(kept.iter().filter(|kept| kept[0] == Outcome::Stored).count(), 1, "{kept:?}");
}

/// Each pair of states, with a number of its own, and two runs of which the first is
/// lower.
fn pairs_of_runs() -> impl Iterator<Item = (i64, [(u32, State); 2])> {
    let pairs = State::ALL.into_iter().flat_map(|low| State::ALL.map(|high| (low, high)));
    let runs = [(0, 1), (1, 2), (0, u32::MAX)];
    let all = pairs
        .flat_map(move |(low, high)| runs.map(|(lower, higher)| [(lower, low), (higher, high)]));
    (1..).zip(all)
}

pub async fn an_outcome_takes_the_place_of_any_of_a_lower_run(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    for (number, [low, high]) in pairs_of_runs() {
        let [low, high] = [low, high].map(|(run, state)| outcome(number, run, state));
        let high = Processed { result: Some(payload(r#"{"$a":1}"#)), ..other(high) };
        keep(&*store, std::slice::from_ref(&low)).await;
        keep(&*store, std::slice::from_ref(&high)).await;
        assert_eq!(whole(&*store, number).await, Some(high.clone()));
        // Nothing is left of what was there.
        let highest = Processed { run: high.run.saturating_add(1), ..low };
        if highest.run > high.run {
            keep(&*store, std::slice::from_ref(&highest)).await;
            assert_eq!(whole(&*store, number).await, Some(highest));
        }
    }
}

pub async fn what_comes_late_of_a_lower_run_changes_nothing(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    for (number, [low, high]) in pairs_of_runs() {
        let [low, high] = [low, high].map(|(run, state)| outcome(number, run, state));
        keep(&*store, std::slice::from_ref(&high)).await;
        let kept = store.record(NAME, &[other(low)]).await.unwrap();
        assert_eq!(kept, [Outcome::Duplicate]);
        assert_eq!(whole(&*store, number).await, Some(high));
    }
}

pub async fn of_runs_that_come_at_once_the_highest_stays(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    for number in 1..=20 {
        let kept = sixteen_at_once(&store, move |store, run| async move {
            let own = outcome(number, run.into(), State::ALL[usize::from(run) % 4]);
            store.record(NAME, &[own]).await.unwrap()
        })
        .await;
        assert_eq!(kept[15], [Outcome::Stored]);
        let highest = outcome(number, 15, State::ALL[3]);
        assert_eq!(whole(&*store, number).await, Some(highest));
    }
}

pub async fn states_are_those_of_the_events_asked_for(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    add(&*store, "other").await;
    let outcomes: Vec<_> = (0..600).map(|number| outcome(number, 0, State::Processed)).collect();
    keep(&*store, &outcomes).await;
    store.record("other", &[outcome(1_000, 0, State::Failed)]).await.unwrap();
    let ids: Vec<StoreId> = (300..800).chain([1_000]).map(event_id).collect();
    let states = store.states(NAME, &ids).await.unwrap();
    let expected: HashMap<_, _> =
        (300..600).map(|number| (event_id(number), (0, State::Processed))).collect();
    assert_eq!(states, expected);
    assert!(store.states(NAME, &[]).await.unwrap().is_empty());
    assert!(store.outcomes(NAME, &[]).await.unwrap().is_empty());
    let of_the_other = store.states("other", &ids).await.unwrap();
    assert_eq!(of_the_other, HashMap::from([(event_id(1_000), (0, State::Failed))]));
}

pub async fn what_failed_is_counted(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    add(&*store, "other").await;
    assert_eq!(store.failed(NAME).await.unwrap(), 0);
    let outcomes: Vec<_> =
        (0..40).map(|number| outcome(number, 0, State::ALL[number as usize % 4])).collect();
    keep(&*store, &outcomes).await;
    assert_eq!(store.failed(NAME).await.unwrap(), 10);
    assert_eq!(store.failed("other").await.unwrap(), 0);
    // One that was pending fails too.
    keep(&*store, &[outcome(3, 0, State::Failed)]).await;
    assert_eq!(store.failed(NAME).await.unwrap(), 11);
    // One that is asked for again, or dropped, counts no more; what fails again does.
    keep(&*store, &[outcome(1, 1, State::Pending), outcome(5, 1, State::Skipped)]).await;
    assert_eq!(store.failed(NAME).await.unwrap(), 9);
    keep(&*store, &[outcome(1, 1, State::Failed)]).await;
    assert_eq!(store.failed(NAME).await.unwrap(), 10);
}

pub async fn what_failed_is_listed_newest_first_in_pages(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    add(&*store, "other").await;
    let failed = async |after, limit| store.failed_outcomes(NAME, after, limit).await.unwrap();
    assert_eq!(failed(None, 10).await, []);
    // Most share their time with others; some are alone.
    let time = |number: i64| if number < 200 { at(number / 40) } else { at(number) };
    let outcomes: Vec<_> = (0..220)
        .map(|number| Processed {
            processed_at: time(number),
            ..outcome(number, 0, if number % 3 == 0 { State::Failed } else { State::Processed })
        })
        .collect();
    keep(&*store, &outcomes).await;
    store.record("other", &[outcome(1_000, 0, State::Failed)]).await.unwrap();
    let place = |outcome: &Processed| (outcome.processed_at, outcome.id);
    let mut expected: Vec<_> =
        outcomes.into_iter().filter(|outcome| outcome.state == State::Failed).collect();
    expected.sort_by_key(|outcome| std::cmp::Reverse(place(outcome)));

    for limit in [1, 2, 7, 13, 14, expected.len(), 1_000] {
        let mut found = Vec::new();
        loop {
            let page = failed(found.last().map(place), limit).await;
            assert!(page.len() <= limit, "{} of {limit}", page.len());
            let is_last = page.len() < limit;
            found.extend(page);
            assert!(found.len() <= expected.len(), "{limit} at a time");
            if is_last {
                break;
            }
        }
        assert_eq!(found, expected, "in pages of {limit}");
    }
    assert_eq!(failed(None, 0).await, []);
    let [first, last] = ends_of_the_calendar();
    let ends = [0, u8::MAX].map(|byte| StoreId::from_bytes([byte; 16]));
    assert_eq!(failed(Some((last, ends[1])), 2).await, expected[..2]);
    assert_eq!(failed(Some((first, ends[0])), 2).await, []);
    // A place needs no outcome.
    let group = expected.partition_point(|outcome| outcome.processed_at > at(2));
    assert_eq!(failed(Some((at(2), ends[1])), 3).await, expected[group..group + 3]);
    let behind = expected.partition_point(|outcome| outcome.processed_at >= at(2));
    assert_eq!(failed(Some((at(2), ends[0])), 3).await, expected[behind..behind + 3]);
}

pub async fn many_large_outcomes_are_kept_at_once(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    // Several times as large as BSON, and together more than one command takes.
    let json = format!("{{\"n\":[{}]}}", vec!["7"; 8_000].join(","));
    let outcomes: Vec<_> = (0..200)
        .map(|number| Processed {
            result: Some(payload(&json)),
            ..outcome(number, (number % 2) as u32, State::Processed)
        })
        .collect();
    keep(&*store, &outcomes).await;
    let kept = store.record(NAME, &outcomes).await.unwrap();
    assert_eq!(kept, vec![Outcome::Duplicate; outcomes.len()]);
    let ids: Vec<_> = outcomes.iter().map(|outcome| outcome.id).collect();
    let found = store.outcomes(NAME, &ids).await.unwrap();
    assert!(outcomes.iter().all(|outcome| found.get(&outcome.id) == Some(outcome)), "changed");
}
