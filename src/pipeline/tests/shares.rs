//! No account and no write key holds more than its share.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::{LIMITS, Next, Running, event, pipeline_with_shares, start_with};
use crate::event::{Accepted, Arrival, Event, StoreId};
use crate::pipeline::buffer::Limits;
use crate::pipeline::shares::{KeyNumber, OverShare, Shares, Tenant};
use crate::pipeline::statistics::{NAMED_ACCOUNTS, OTHER_ACCOUNTS, Statistics};
use crate::pipeline::{NotAdmitted, Pipeline, Posted};

const HALF_EACH: Shares = Shares {
    per_account: 50,
    per_key: 100,
};

const TEN: Limits = Limits {
    max_events: 10,
    ..LIMITS
};

const SHOP: KeyNumber = KeyNumber(0);
const APP: KeyNumber = KeyNumber(1);

fn of(account: &str, ids: std::ops::Range<usize>) -> Vec<Event> {
    ids.map(|id| Event {
        account_id: Some(account.into()),
        ..event("u", &format!("{account} {id}"))
    })
    .collect()
}

fn nobodys(ids: std::ops::Range<usize>) -> Vec<Event> {
    super::events("n", ids)
}

fn sent_with(key: KeyNumber, user: &str, ids: std::ops::Range<usize>) -> Posted {
    Posted {
        events: super::events(user, ids),
        key: Some(key),
        length: None,
    }
}

fn over(account: &str) -> Result<(), NotAdmitted> {
    Err(NotAdmitted::OverShare(OverShare {
        tenant: Tenant::Account(account.into()),
        is_for_good: false,
    }))
}

/// What is held is what there is, and nothing besides.
fn assert_held_is_counted(pipeline: &Pipeline) {
    let buffer = pipeline.buffer.lock();
    assert_eq!(*buffer.tenants(), buffer.recounted_tenants());
}

fn assert_nobody_holds_anything(pipeline: &Pipeline) {
    let buffer = pipeline.buffer.lock();
    assert!(buffer.tenants().is_empty(), "{:?}", buffer.tenants());
}

#[tokio::test(start_paused = true)]
async fn an_account_with_its_share_is_refused_until_its_events_are_stored_and_others_are_not() {
    let run = start_with(pipeline_with_shares(TEN, HALF_EACH));
    *run.store.always.lock() = Some(Next::Fail);
    let pipeline = &run.pipeline;
    assert_eq!(pipeline.admit(of("whale", 0..3)).await, Ok(()));
    assert_eq!(pipeline.admit(of("whale", 3..6)).await, over("whale"));
    assert_eq!(pipeline.admit(of("whale", 3..5)).await, Ok(()));
    assert_eq!(pipeline.admit(of("whale", 5..6)).await, over("whale"));
    // Known already, so it takes no room.
    assert_eq!(pipeline.admit(of("whale", 0..5)).await, Ok(()));

    assert_eq!(pipeline.admit(of("minnow", 0..2)).await, Ok(()));
    assert_eq!(pipeline.admit(nobodys(0..3)).await, Ok(()));
    assert_eq!(pipeline.snapshot().events, 10);
    assert_held_is_counted(pipeline);

    *run.store.always.lock() = None;
    run.emptied().await;
    assert_nobody_holds_anything(pipeline);
    assert_eq!(pipeline.admit(of("whale", 5..10)).await, Ok(()));
}

#[tokio::test]
async fn who_has_no_account_may_hold_all() {
    let pipeline = pipeline_with_shares(TEN, HALF_EACH);
    assert_eq!(pipeline.admit(nobodys(0..10)).await, Ok(()));
    assert_nobody_holds_anything(&pipeline);
}

#[tokio::test]
async fn one_account_over_its_share_has_the_whole_batch_refused_and_is_named() {
    let pipeline = pipeline_with_shares(TEN, HALF_EACH);
    pipeline.admit(of("whale", 0..4)).await.unwrap();
    let mut batch = of("minnow", 0..2);
    batch.extend(of("whale", 4..6));
    batch.extend(nobodys(0..1));
    assert_eq!(pipeline.admit(batch).await, over("whale"));
    assert_eq!(pipeline.snapshot().events, 4);
    assert_held_is_counted(&pipeline);
}

#[tokio::test]
async fn a_batch_larger_than_the_share_is_not_told_to_come_again() {
    let pipeline = pipeline_with_shares(TEN, HALF_EACH);
    let mut batch = nobodys(0..1);
    batch.extend(of("whale", 0..6));
    let refused = pipeline.admit(batch).await.unwrap_err();
    let NotAdmitted::OverShare(over) = refused else {
        panic!("{refused:?}");
    };
    assert!(over.is_for_good);
    assert_nobody_holds_anything(&pipeline);
}

#[tokio::test]
async fn a_share_is_one_of_the_bytes_too() {
    let size = of("whale", 0..1)[0].size();
    let limits = Limits {
        max_events: 1000,
        max_bytes: 100 * size,
    };
    let pipeline = pipeline_with_shares(limits, HALF_EACH);
    pipeline.admit(of("whale", 0..9)).await.unwrap();
    for id in 9..50 {
        let answer = pipeline.admit(of("whale", id..id + 1)).await;
        if answer != Ok(()) {
            assert_eq!(answer, over("whale"));
            assert!(id > 45, "{id} events are less than half of the room");
            return;
        }
    }
    pipeline.admit(of("whale", 90..95)).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_key_has_a_share_whoever_the_events_belong_to() {
    let shares = Shares {
        per_account: 100,
        per_key: 30,
    };
    let run = start_with(pipeline_with_shares(TEN, shares));
    *run.store.always.lock() = Some(Next::Fail);
    let pipeline = &run.pipeline;
    pipeline.admit(sent_with(SHOP, "u", 0..2)).await.unwrap();
    let refused = pipeline.admit(sent_with(SHOP, "v", 0..2)).await;
    let over = |is_for_good| {
        Err(NotAdmitted::OverShare(OverShare {
            tenant: Tenant::Key(SHOP),
            is_for_good,
        }))
    };
    assert_eq!(refused, over(false));
    assert_eq!(pipeline.admit(sent_with(SHOP, "v", 0..4)).await, over(true));
    pipeline.admit(sent_with(SHOP, "v", 0..1)).await.unwrap();
    // What is there already takes no room, whichever key it was sent with.
    pipeline.admit(sent_with(SHOP, "u", 0..2)).await.unwrap();
    pipeline.admit(sent_with(APP, "u", 0..4)).await.unwrap();
    assert_held_is_counted(pipeline);
    *run.store.always.lock() = None;
    run.emptied().await;
    assert_nobody_holds_anything(pipeline);
    pipeline.admit(sent_with(SHOP, "v", 1..4)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_is_held_no_more() {
    let run = start_with(pipeline_with_shares(TEN, HALF_EACH));
    for event in of("whale", 0..5) {
        run.store.refused.lock().push(event.id);
    }
    run.pipeline.admit(of("whale", 0..5)).await.unwrap();
    run.emptied().await;
    assert_nobody_holds_anything(&run.pipeline);
}

#[tokio::test]
async fn what_an_earlier_process_accepted_counts_for_its_account_also_over_its_share() {
    let pipeline = pipeline_with_shares(TEN, HALF_EACH);
    let restored = of("whale", 0..8).into_iter().zip(1..);
    pipeline.restore(
        restored
            .map(|(event, number)| Accepted {
                event,
                arrival: Arrival::from_i64(number),
            })
            .collect(),
    );
    assert_held_is_counted(&pipeline);
    assert_eq!(pipeline.admit(of("whale", 8..9)).await, over("whale"));
    pipeline.admit(of("minnow", 0..2)).await.unwrap();
}

#[tokio::test]
async fn a_batch_that_only_one_tenant_has_no_room_for_does_not_mark_the_service_as_full() {
    let pipeline = pipeline_with_shares(TEN, HALF_EACH);
    pipeline.health.store_answered();
    pipeline.health.store_prepared();
    pipeline.admit(of("whale", 0..5)).await.unwrap();
    pipeline.admit(nobodys(0..3)).await.unwrap();
    assert_eq!(pipeline.admit(of("whale", 5..8)).await, over("whale"));
    assert!(pipeline.health.readiness().is_ok());
}

/// The series of a counter by account, and what they count in all.
fn series_by_account(statistics: &Statistics) -> (BTreeSet<String>, f64) {
    let families = statistics.registry.gather();
    let family = families
        .iter()
        .find(|family| family.name().contains("by_account"))
        .unwrap();
    let of_family = family.get_metric().iter();
    (
        of_family
            .clone()
            .map(|metric| metric.get_label()[0].value().to_owned())
            .collect(),
        of_family
            .map(|metric| metric.get_counter().get_value())
            .sum(),
    )
}

#[test]
fn ten_thousand_refused_accounts_leave_a_bounded_number_of_series() {
    let statistics = Statistics::new().unwrap();
    statistics.over_share.account(OTHER_ACCOUNTS);
    for number in 0..10_000 {
        statistics.over_share.account(&format!("account {number}"));
        statistics.over_share.account("account 3");
    }
    let (accounts, refused) = series_by_account(&statistics);
    assert_eq!(accounts.len(), NAMED_ACCOUNTS + 1);
    assert!(accounts.contains("account 0") && accounts.contains("account 3"));
    assert!((refused - 20_001.0).abs() < 0.5, "{refused}");
}

/// One step of a run.
#[derive(Debug, Clone)]
enum Step {
    /// A batch, sent with a key: for each event its account and its number,
    /// which may repeat.
    Admit(Option<u8>, Vec<(Option<u8>, u8)>),
    /// The next insert does this.
    Fault(Next),
    /// From now on this event is refused for good.
    Refuse(Option<u8>, u8),
    /// Time passes.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop::sample::select(vec![
        Next::Fail,
        Next::WriteAndFail,
        Next::Hang,
        Next::WriteHalf,
    ]);
    let account = || prop::option::weighted(0.8, 0..4_u8);
    let batch = prop::collection::vec((account(), any::<u8>()), 1..40);
    prop_oneof![
        8 => (prop::option::of(0..3_u8), batch).prop_map(|(key, batch)| Step::Admit(key, batch)),
        2 => fault.prop_map(Step::Fault),
        1 => (account(), any::<u8>()).prop_map(|(account, id)| Step::Refuse(account, id)),
        1 => (1..3000_u64).prop_map(Step::Wait),
    ]
}

fn named(&(account, id): &(Option<u8>, u8)) -> Event {
    Event {
        account_id: account.map(|account| account.to_string().into()),
        ..event(&format!("u{}", id % 3), &format!("{account:?} {id}"))
    }
}

/// No account has more than 25 of the 100 events, and no key more than 70.
async fn run_steps(steps: Vec<Step>, is_stopped: bool) {
    let limits = Limits {
        max_events: 100,
        ..LIMITS
    };
    let shares = Shares {
        per_account: 25,
        per_key: 70,
    };
    let run = start_with(pipeline_with_shares(limits, shares));
    for step in steps {
        match step {
            Step::Admit(key, batch) => {
                let posted = Posted {
                    events: batch.iter().map(named).collect(),
                    key: key.map(|key| KeyNumber(key.into())),
                    length: Some(batch.len() as u64),
                };
                // Whether it is taken or refused.
                let _ = run.pipeline.admit(posted).await;
            }
            Step::Fault(fault) => run.store.script.lock().push_back(fault),
            Step::Refuse(account, id) => {
                let event: StoreId = named(&(account, id)).id;
                run.store.refused.lock().push(event);
            }
            Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
        }
        assert_held_is_counted(&run.pipeline);
        assert_within_shares(&run);
    }
    if is_stopped {
        *run.store.always.lock() = Some(Next::Hang);
        run.flusher.drain(Instant::now()).await;
    } else {
        run.emptied().await;
    }
    assert_nobody_holds_anything(&run.pipeline);
}

fn assert_within_shares(run: &Running) {
    for account in 0..4_u8 {
        let account = account.to_string();
        let users = ["u0", "u1", "u2"].iter();
        let buffered = users.flat_map(|user| run.pipeline.buffered(user));
        let held = buffered
            .filter(|accepted| accepted.event.account_id.as_deref() == Some(&account))
            .count();
        assert!(held <= 25, "{held} events of account {account}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_a_tenant_holds_is_always_the_sum_over_its_events_and_within_its_share(
        steps in prop::collection::vec(step(), 1..40),
        is_stopped in any::<bool>(),
    ) {
        super::on_a_paused_clock(run_steps(steps, is_stopped));
    }
}
