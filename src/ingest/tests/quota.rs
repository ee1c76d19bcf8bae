//! No account and no write key holds more than its share of the head.

use std::collections::BTreeSet;

use prometheus::proto::MetricFamily;

use super::*;
use crate::ingest::Posted;
use crate::ingest::quota::{OverShare, Tenant};
use crate::monitoring::statistics::{NAMED_ACCOUNTS, NAMED_KEYS, OTHERS};

const HALF_EACH: Shares = Shares { per_account: 50, per_key: 100 };

fn ten(shares: Shares) -> Setup {
    Setup { shares, ..Setup::with_limit(10) }
}

fn of(account: &str, ids: std::ops::Range<usize>) -> Vec<Event> {
    ids.map(|id| Event {
        account_id: Some(account.into()),
        ..event("u", &format!("{account} {id}"))
    })
    .collect()
}

fn nobodys(ids: std::ops::Range<usize>) -> Vec<Event> {
    events("n", ids)
}

fn over(account: &str) -> Result<(), NotAdmitted> {
    Err(NotAdmitted::OverShare(OverShare {
        tenant: Tenant::Account(account.into()),
        is_for_good: false,
    }))
}

fn assert_nobody_holds_anything(ingest: &Ingest) {
    assert!(ingest.backlog.lock().is_held_by_nobody());
}

#[tokio::test(start_paused = true)]
async fn an_account_with_its_share_is_refused_until_its_events_are_stored_and_others_are_not() {
    let run = ten(HALF_EACH).start();
    *run.store.always.lock() = Some(Next::Fail);
    assert_eq!(run.admit(of("whale", 0..3)).await, Ok(()));
    assert_eq!(run.admit(of("whale", 3..6)).await, over("whale"));
    assert_eq!(run.admit(of("whale", 3..5)).await, Ok(()));
    assert_eq!(run.admit(of("whale", 5..6)).await, over("whale"));

    assert_eq!(run.admit(of("minnow", 0..2)).await, Ok(()));
    assert_eq!(run.admit(nobodys(0..3)).await, Ok(()));
    assert_eq!(run.ingest.held().events, 10);

    *run.store.always.lock() = None;
    run.emptied().await;
    assert_nobody_holds_anything(&run.ingest);
    assert_eq!(run.admit(of("whale", 5..10)).await, Ok(()));
}

#[tokio::test]
async fn who_has_no_account_may_hold_all() {
    let (ingest, _) = ten(HALF_EACH).open();
    assert_eq!(admit(&ingest, nobodys(0..10)).await, Ok(()));
    assert_nobody_holds_anything(&ingest);
}

#[tokio::test]
async fn one_account_over_its_share_has_the_whole_batch_refused_and_is_named() {
    let (ingest, _) = ten(HALF_EACH).open();
    admit(&ingest, of("whale", 0..4)).await.unwrap();
    let batch = [of("minnow", 0..2), of("whale", 4..6), nobodys(0..1)].concat();
    assert_eq!(admit(&ingest, batch).await, over("whale"));
    assert_eq!(ingest.held().events, 4);
    assert_eq!(ingest.room.free().events, 6, "and its room is given back");
    assert_eq!(admit(&ingest, of("minnow", 0..5)).await, Ok(()));
}

#[tokio::test]
async fn a_batch_larger_than_the_share_is_not_told_to_come_again() {
    let (ingest, _) = ten(HALF_EACH).open();
    let batch = [nobodys(0..1), of("whale", 0..6)].concat();
    let refused = admit(&ingest, batch).await.unwrap_err();
    let NotAdmitted::OverShare(over) = refused else {
        panic!("{refused:?}");
    };
    assert!(over.is_for_good);
    assert_nobody_holds_anything(&ingest);
}

#[tokio::test(start_paused = true)]
async fn a_key_has_a_share_whoever_the_events_belong_to_also_after_a_restart() {
    let shares = Shares { per_account: 100, per_key: 30 };
    let setup = ten(shares);
    let posted =
        |key: &str, user: &str, ids| Posted { events: events(user, ids), key: Some(key.into()) };
    let over = |is_for_good| {
        Err(NotAdmitted::OverShare(OverShare { tenant: Tenant::Key("shop".into()), is_for_good }))
    };
    let now = Patience::NONE;
    let (ingest, _) = setup.open();
    ingest.admit(posted("shop", "u", 0..2), now, None).await.unwrap();
    let refused = ingest.admit(posted("shop", "v", 0..2), now, None).await;
    assert_eq!(refused, over(false));
    let refused = ingest.admit(posted("shop", "v", 0..4), now, None).await;
    assert_eq!(refused, over(true));
    ingest.admit(posted("shop", "v", 0..1), now, None).await.unwrap();
    ingest.admit(posted("app", "u", 0..3), now, None).await.unwrap();
    ingest.close_journal();
    drop(ingest);

    *setup.store.always.lock() = Some(Next::Fail);
    let run = setup.start();
    while run.ingest.backlog.lock().is_beyond() {
        tokio::task::yield_now().await;
    }
    let refused = run.ingest.admit(posted("shop", "v", 1..2), now, None).await;
    assert_eq!(refused, over(false), "the journal says whose they are");
    *setup.store.always.lock() = None;
    run.emptied().await;
    assert_nobody_holds_anything(&run.ingest);
    run.ingest.admit(posted("shop", "v", 1..4), now, None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_is_held_no_more() {
    let run = ten(HALF_EACH).start();
    let batch = of("whale", 0..5);
    run.store.refused.lock().extend(batch.iter().map(|event| event.id));
    run.admit(batch).await.unwrap();
    run.emptied().await;
    assert_nobody_holds_anything(&run.ingest);
}

#[tokio::test(start_paused = true)]
async fn where_the_limit_is_raised_a_full_head_refuses_nobody() {
    let limit = Amount { events: 20_000, ..LIMIT };
    let setup = Setup { limit, shares: HALF_EACH, ..Setup::default() };
    *setup.store.always.lock() = Some(Next::Fail);
    let run = setup.start();
    for batch in 0..10 {
        let ids = batch * 1000..(batch + 1) * 1000;
        run.admit(of("whale", ids)).await.unwrap();
    }
    assert_eq!(run.ingest.snapshot().beyond, 5000);
    let (_, is_incomplete) = run.ingest.of_user("u");
    assert!(is_incomplete, "a journey that is read meanwhile says so");
    *setup.store.always.lock() = None;
    run.emptied().await;
    assert_nobody_holds_anything(&run.ingest);
}

#[test]
fn who_is_refused_has_a_bounded_number_of_series() {
    let statistics = Statistics::new().unwrap();
    for number in 0..1000 {
        statistics.over_share.account(&format!("account {number}"));
        statistics.over_share.key(&format!("key-{number}"));
    }
    let families = statistics.registry.gather();
    for (name, named) in [("by_account", NAMED_ACCOUNTS), ("by_key", NAMED_KEYS)] {
        let is_it = |family: &&MetricFamily| family.name().contains(&format!("over_share_{name}"));
        let labels = families.iter().find(is_it).unwrap().get_metric().iter();
        let labels: BTreeSet<_> = labels.map(|metric| metric.get_label()[0].value()).collect();
        assert_eq!(labels.len(), named + 1);
        assert!(labels.contains(OTHERS));
    }
}
