//! Promises about the events of business accounts, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;
use trailkeep_event::Accepted;
use trailkeep_store::Store;
use trailkeep_store::summaries::{
    AccountStore, Bucket, MAX_TYPES, MAX_TYPES_IN_SERIES, QueryError, Summary, SummaryRange,
    UserEvents,
};

use crate::samples::{at, event, insert, store_all};

const LIMIT: Duration = Duration::from_secs(20);

/// So far from [`at`]`(0)` do the events lie at the most, in both directions.
const SPAN: i64 = 40;

fn of_account(account: &str, user: &str, event_id: &str, millis: i64) -> Accepted {
    let mut accepted = event(user, event_id, millis, 1);
    accepted.event.account_id = Some(account.into());
    accepted
}

fn range(account: &str, from: i64, to: i64, top: usize) -> SummaryRange {
    SummaryRange { account_id: account.to_owned(), from: at(from), to: at(to), top, bucket: None }
}

fn whole(account: &str) -> SummaryRange {
    range(account, -SPAN, SPAN, 10)
}

fn named(users: &[(&str, u64)]) -> Vec<UserEvents> {
    let users = users.iter();
    users
        .map(|(user_id, events)| UserEvents { user_id: (*user_id).to_owned(), events: *events })
        .collect()
}

/// What a summary has to be, counted one by one.
fn counted(events: &[Accepted], range: &SummaryRange) -> Summary {
    let mut totals = BTreeMap::new();
    let mut users = BTreeMap::new();
    let mut series: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    let mut total = 0;
    for Accepted { event, .. } in events {
        let is_of_account = event.account_id.as_deref() == Some(range.account_id.as_str());
        if !is_of_account || event.occurred_at < range.from || event.occurred_at > range.to {
            continue;
        }
        total += 1;
        *totals.entry(event.kind.to_string()).or_insert(0) += 1;
        *users.entry(event.user_id.to_string()).or_insert(0) += 1;
        if let Some(bucket) = range.bucket {
            let in_bucket = series.entry(bucket.start_of(event.occurred_at)).or_default();
            *in_bucket.entry(event.kind.to_string()).or_insert(0) += 1;
        }
    }
    let unique_users = users.len() as u64;
    let mut top_users: Vec<_> =
        users.into_iter().map(|(user_id, events)| UserEvents { user_id, events }).collect();
    // Stable: users of the same number stay in the order of their ids.
    top_users.sort_by_key(|user| std::cmp::Reverse(user.events));
    top_users.truncate(range.top);
    Summary { total, totals, series, top_users, unique_users }
}

/// Account (or none), user, type and time of an event.
type Drawn = (Option<u8>, u8, u8, i64);

/// Account, both ends of the time in any order, users and series wanted.
type Asked = (u8, i64, i64, usize, Option<Bucket>);

/// What a step of the times is, and where they lie.
type Calendar = (i64, i64);

/// Within some milliseconds, or within two days; now, or around 1970.
fn calendar() -> impl Strategy<Value = Calendar> {
    let around_1970 = -at(0).as_millis() - 1;
    (prop::sample::select(vec![1, 20 * 60_000]), prop::sample::select(vec![0, around_1970]))
}

/// A series added up.
fn together(summary: &Summary) -> BTreeMap<String, u64> {
    let mut totals = BTreeMap::new();
    for (kind, events) in summary.series.values().flatten() {
        *totals.entry(kind.clone()).or_insert(0) += events;
    }
    totals
}

fn accepted(case: u64, number: usize, drawn: &Drawn, millis: i64) -> Accepted {
    const USERS: [&str; 6] = ["u", "U", "ü", "u ", "ユ", "\u{10ffff}"];
    let (account, user, kind, _) = *drawn;
    // Each case has accounts of its own, so that one store serves all.
    let event_id = format!("{case}-{number}");
    let mut accepted = event(USERS[usize::from(user)], &event_id, millis, 1);
    accepted.event.account_id = account.map(|account| format!("{case}-{account}").into());
    accepted.event.kind = format!("type {kind}").into();
    accepted
}

pub async fn summaries_are_what_counting_one_by_one_gives(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    let near = -SPAN..=SPAN;
    let drawn = (prop::option::of(0_u8..3), 0_u8..6, 0_u8..4, near.clone());
    let bucket = prop::sample::select(vec![None, Some(Bucket::Hour), Some(Bucket::Day)]);
    let asked = (0_u8..3, near.clone(), near, 1_usize..8, bucket);
    let events = prop::collection::vec(drawn, 0..80);
    let strategy = (events, prop::collection::vec(asked, 8), calendar());
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut runner =
            TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(24) });
        let property = |(events, asked, (step, shift)): (Vec<Drawn>, Vec<Asked>, Calendar)| {
            let case: u64 = rand::random();
            let millis = |steps: i64| shift + steps * step;
            let events: Vec<_> = events
                .iter()
                .enumerate()
                .map(|(number, drawn)| accepted(case, number, drawn, millis(drawn.3)))
                .collect();
            runtime.block_on(async {
                insert(&*store, &events).await;
                for (account, one, other, top, bucket) in asked {
                    let account = format!("{case}-{account}");
                    let (from, to) = (millis(one.min(other)), millis(one.max(other)));
                    let range = SummaryRange { bucket, ..range(&account, from, to, top) };
                    let summary = accounts.summary(&range, LIMIT).await.unwrap();
                    if bucket.is_some() {
                        prop_assert_eq!(together(&summary), summary.totals.clone());
                    }
                    prop_assert_eq!(summary, counted(&events, &range));
                }
                Ok(())
            })
        };
        runner.run(&strategy, property).unwrap();
    })
    .await
    .unwrap();
}

pub async fn an_account_without_events_has_zeros(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    store_all(&*store, &[event("ann", "e", 0, 1)]).await;
    for account in ["nobody", ""] {
        let summary = accounts.summary(&whole(account), LIMIT).await.unwrap();
        assert_eq!(summary, Summary::default());
    }
}

pub async fn bounds_of_a_summary_are_inclusive(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    let events: Vec<_> =
        (-2..=2).map(|millis| of_account("a", "ann", &millis.to_string(), millis)).collect();
    store_all(&*store, &events).await;
    for (from, to, total) in [(-2, 2, 5), (-1, 1, 3), (0, 0, 1), (3, 9, 0), (1, 9, 2)] {
        let range = range("a", from, to, 1);
        let summary = accounts.summary(&range, LIMIT).await.unwrap();
        assert_eq!(summary.total, total, "{from} to {to}");
    }
}

pub async fn users_of_the_same_number_are_in_the_order_of_their_ids(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    let users = ["b", "ä", "a", "B", "aa", "z", "z"];
    let events: Vec<_> = users
        .iter()
        .enumerate()
        .map(|(number, user)| of_account("a", user, &number.to_string(), 0))
        .collect();
    store_all(&*store, &events).await;
    let summary = accounts.summary(&range("a", 0, 0, 4), LIMIT).await.unwrap();
    let expected = named(&[("z", 2), ("B", 1), ("a", 1), ("aa", 1)]);
    assert_eq!(summary.top_users, expected);
    assert_eq!(summary.unique_users, 6);
}

pub async fn an_event_counts_once_however_often_it_is_sent(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    for _ in 0..3 {
        insert(&*store, &[of_account("a", "ann", "e", 0)]).await;
    }
    let summary = accounts.summary(&whole("a"), LIMIT).await.unwrap();
    assert_eq!(summary.total, 1);
}

pub async fn ids_that_look_like_queries_are_ids(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    let ids = ["$accountId", "$$ROOT", "{\"$gt\":\"\"}", "' OR 1=1 --", "%"];
    let events: Vec<_> = ids.map(|id| of_account(id, id, id, 0)).to_vec();
    store_all(&*store, &events).await;
    for id in ids {
        let summary = accounts.summary(&whole(id), LIMIT).await.unwrap();
        assert_eq!(summary.top_users, named(&[(id, 1)]));
        let from = accounts.accounts_from(id, 1, LIMIT).await.unwrap();
        assert_eq!(from, [id]);
    }
}

pub async fn many_types_are_cut_to_the_most_frequent_and_the_total_is_whole(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    let frequent = "~ the last by name";
    let mut events: Vec<_> = (0..MAX_TYPES + 12)
        .map(|number| {
            let mut accepted = of_account("a", "ann", &number.to_string(), 0);
            accepted.event.kind = format!("type {number:05}").into();
            accepted
        })
        .collect();
    for accepted in &mut events[..2] {
        accepted.event.kind = frequent.into();
    }
    store_all(&*store, &events).await;
    let summary = accounts.summary(&whole("a"), LIMIT).await.unwrap();
    assert_eq!(summary.total, events.len() as u64);
    assert_eq!(summary.totals.len(), MAX_TYPES);
    assert_eq!(summary.totals[frequent], 2);
    let rare = format!("type {:05}", MAX_TYPES + 11);
    assert!(!summary.totals.contains_key(&rare), "the last of the rare ones");
    assert!(summary.series.is_empty());

    let with_series = SummaryRange { bucket: Some(Bucket::Hour), ..whole("a") };
    let summary = accounts.summary(&with_series, LIMIT).await.unwrap();
    assert_eq!(summary.total, events.len() as u64);
    assert_eq!(summary.totals.len(), MAX_TYPES_IN_SERIES);
    assert_eq!(summary.totals[frequent], 2);
    assert_eq!(together(&summary), summary.totals);
}

pub async fn a_count_that_takes_too_long_is_ended(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    let events: Vec<_> =
        (0..30_000).map(|number| of_account("a", &format!("u{number}"), "e", 0)).collect();
    for batch in events.chunks(5_000) {
        store_all(&*store, batch).await;
    }
    let limit = Duration::from_millis(1);
    let told = accounts.summary(&whole("a"), limit).await;
    assert!(matches!(told, Err(QueryError::OutOfTime(told)) if told == limit), "{told:?}");
    let summary = accounts.summary(&whole("a"), LIMIT).await.unwrap();
    assert_eq!(summary.total, 30_000);
}

pub async fn accounts_are_walked_in_order_each_once(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    let ids = BTreeSet::from(["", "A", "a", "a ", "aa", "b", "ä", "ユ", "\u{10ffff}"]);
    let ids: Vec<&str> = ids.into_iter().filter(|id| !id.is_empty()).collect();
    for (number, id) in (0..).zip(&ids) {
        let events: Vec<_> = (0..5)
            .map(|millis| of_account(id, "ann", &format!("{number}-{millis}"), millis))
            .collect();
        store_all(&*store, &events).await;
    }
    store_all(&*store, &[event("ann", "without", 0, 1)]).await;

    let ends = accounts.account_ends(LIMIT).await.unwrap().unwrap();
    assert_eq!(ends, (ids[0].to_owned(), "\u{10ffff}".to_owned()));
    for (place, start) in ids.iter().enumerate() {
        let found = accounts.accounts_from(start, 3, LIMIT).await.unwrap();
        let end = ids.len().min(place + 3);
        assert_eq!(found, ids[place..end], "from {start:?}");
    }
    let all = accounts.accounts_from("", 100, LIMIT).await.unwrap();
    assert_eq!(all, ids);
    let between = accounts.accounts_from("a\u{1}", 1, LIMIT).await.unwrap();
    assert_eq!(between, ["a "]);
}

pub async fn without_accounts_there_are_no_ends(
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
) {
    store_all(&*store, &[event("ann", "e", 0, 1)]).await;
    assert_eq!(accounts.account_ends(LIMIT).await.unwrap(), None);
    let none = accounts.accounts_from("", 10, LIMIT).await.unwrap();
    assert_eq!(none, [""; 0]);
}
