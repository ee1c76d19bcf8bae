use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};

use proptest::prelude::*;

use super::state::{IDLE, Sum};
use super::*;

const LIMIT: usize = 1000;

/// A body that holds so much and waits for its next bytes.
async fn holder(budget: &Budget, bytes: usize, size: Size) -> Charge {
    let mut charge = budget.charge();
    charge.open();
    charge.hold(bytes, size).await.unwrap();
    charge
}

/// Whether a body was told to give way.
fn is_told(charge: &Charge) -> bool {
    let told = pin!(charge.told_to_give_way());
    told.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Bodies that give way as they are told to.
fn yielding(charges: Vec<Charge>) {
    for charge in charges {
        tokio::spawn(async move { charge.told_to_give_way().await });
    }
}

#[tokio::test]
async fn a_charge_is_given_back_when_it_is_dropped() {
    let budget = Budget::new(LIMIT);
    let mut charge = budget.charge();
    charge.hold(600, Size::Small).await.unwrap();
    assert_eq!(budget.used(), 600);
    charge.shrink_to(200);
    assert_eq!(budget.used(), 200);
    drop(charge);
    assert_eq!(budget.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn with_another_limit_what_is_held_stays_held_and_who_waits_has_the_new_room() {
    let budget = Budget::new(LIMIT);
    let mut held = budget.charge();
    held.hold(800, Size::Small).await.unwrap();
    budget.limit_to(500);
    let mut more = budget.charge();
    assert_eq!(more.hold(1, Size::Small).await, Err(NoRoom));
    held.shrink_to(499);
    more.hold(1, Size::Small).await.unwrap();
    assert_eq!((budget.used(), budget.most(Size::Large)), (500, 250));

    let mut waiting = budget.charge();
    let raised = async {
        tokio::task::yield_now().await;
        budget.limit_to(2 * LIMIT);
    };
    let (waited, ()) = tokio::join!(waiting.hold(LIMIT, Size::Small), raised);
    waited.unwrap();
}

#[tokio::test(start_paused = true)]
async fn large_bodies_have_half_and_small_ones_all() {
    let budget = Budget::new(LIMIT);
    let mut large = budget.charge();
    assert_eq!(large.hold(LIMIT / 2 + 1, Size::Large).await, Err(NoRoom));
    large.hold(LIMIT / 2, Size::Large).await.unwrap();
    let mut small = budget.charge();
    small.hold(LIMIT / 2, Size::Small).await.unwrap();
    drop(large);
    small.hold(LIMIT, Size::Small).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_body_that_becomes_large_counts_as_large_with_all_it_holds() {
    let budget = Budget::new(LIMIT);
    let mut growing = budget.charge();
    growing.hold(400, Size::Small).await.unwrap();
    let mut other = budget.charge();
    other.hold(200, Size::Large).await.unwrap();
    assert_eq!(growing.hold(401, Size::Large).await, Err(NoRoom));
    drop(other);
    growing.hold(401, Size::Large).await.unwrap();
    let mut third = budget.charge();
    assert_eq!(third.hold(100, Size::Large).await, Err(NoRoom));
    drop(growing);
    assert_eq!(budget.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_body_that_has_gone_longest_without_a_byte_gives_way() {
    let budget = Budget::new(LIMIT);
    let mut charges = Vec::new();
    for _ in 0..4 {
        charges.push(holder(&budget, LIMIT / 4, Size::Small).await);
        sleep(IDLE).await;
    }
    // The first to come is no longer the one that has waited longest.
    charges[0].progress(PROGRESS);
    sleep(IDLE).await;
    let mut next = budget.charge();
    assert!(!next.has_taken(LIMIT / 4, Size::Small));
    let told: Vec<bool> = charges.iter().map(is_told).collect();
    assert_eq!(told, [false, true, false, false], "one, and no more than it takes");

    charges.remove(1);
    next.hold(LIMIT / 4, Size::Small).await.unwrap();
    assert_eq!(budget.used(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_is_no_progress() {
    let budget = Budget::new(LIMIT);
    let mut slow = holder(&budget, LIMIT, Size::Small).await;
    for _ in 0..10 {
        sleep(IDLE / 5).await;
        slow.progress(1);
    }
    let mut next = budget.charge();
    assert!(!next.has_taken(1, Size::Small));
    assert!(is_told(&slow));
}

#[tokio::test(start_paused = true)]
async fn one_that_comes_on_and_one_that_is_complete_are_left_alone() {
    let budget = Budget::new(LIMIT);
    let mut quick = holder(&budget, LIMIT / 2, Size::Small).await;
    let mut whole = holder(&budget, LIMIT / 2, Size::Small).await;
    whole.complete();
    let mut next = budget.charge();
    let waiting = next.hold(1, Size::Small);
    let coming = async {
        loop {
            sleep(IDLE / 2).await;
            quick.progress(PROGRESS);
        }
    };
    tokio::select! {
        result = waiting => assert_eq!(result, Err(NoRoom)),
        () = coming => {}
    }
    assert!(!is_told(&quick));
}

#[tokio::test(start_paused = true)]
async fn idle_holders_keep_nobody_out() {
    let budget = Budget::new(LIMIT);
    let mut idle = Vec::new();
    for _ in 0..10 {
        idle.push(holder(&budget, LIMIT / 10, Size::Small).await);
    }
    yielding(idle);
    let began = Instant::now();
    let mut honest = budget.charge();
    honest.hold(LIMIT, Size::Small).await.unwrap();
    assert!(began.elapsed() < 2 * IDLE);
    assert_eq!(budget.used(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn bodies_that_all_wait_for_each_other_do_not_wait_for_good() {
    let budget = Budget::new(LIMIT);
    let mut halves = Vec::new();
    for _ in 0..4 {
        let mut half = holder(&budget, LIMIT / 4, Size::Small).await;
        halves.push(tokio::spawn(async move {
            let result = half.hold(LIMIT / 2, Size::Small).await;
            half.complete();
            result
        }));
    }
    let mut whole = 0;
    for half in halves {
        whole += usize::from(half.await.unwrap().is_ok());
    }
    assert!(whole >= 2, "{whole}");
    assert_eq!(budget.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn large_bodies_that_grow_as_they_are_decoded_do_so_one_after_the_other() {
    let budget = Budget::new(LIMIT);
    let mut bodies = Vec::new();
    for _ in 0..8 {
        let budget = budget.clone();
        bodies.push(tokio::spawn(async move {
            let mut charge = budget.charge();
            charge.hold(10, Size::Small).await?;
            for bytes in [100, 200, 400] {
                charge.hold_in_turn(bytes, Size::Large).await?;
                tokio::task::yield_now().await;
            }
            charge.becomes(20);
            Ok::<(), NoRoom>(())
        }));
    }
    for body in bodies {
        assert_eq!(body.await.unwrap(), Ok(()));
    }
    assert_eq!(budget.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn large_bodies_that_are_there_and_wait_for_their_turn_give_way_to_the_one_that_has_it() {
    let budget = Budget::new(LIMIT);
    let mut first = holder(&budget, LIMIT / 4, Size::Large).await;
    let mut second = holder(&budget, LIMIT / 4, Size::Large).await;
    let first = async move { first.hold_at_most(LIMIT, Size::Large).await };
    let second = async move { second.hold_at_most(LIMIT, Size::Large).await };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first, second), (Ok(()), Err(NoRoom)));
    assert_eq!(budget.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_while_it_waits_leaves_nothing_behind() {
    let budget = Budget::new(LIMIT);
    let mut first = budget.charge();
    first.hold(LIMIT, Size::Small).await.unwrap();
    let waiter = {
        let budget = budget.clone();
        tokio::spawn(async move {
            let mut charge = budget.charge();
            charge.open();
            charge.hold(LIMIT / 2, Size::Small).await.unwrap();
            std::future::pending::<()>().await;
        })
    };
    let patient = {
        let budget = budget.clone();
        tokio::spawn(async move {
            let mut charge = budget.charge();
            charge.hold(LIMIT, Size::Small).await
        })
    };
    sleep(LOOK / 2).await;
    waiter.abort();
    let _ = waiter.await;
    drop(first);
    assert_eq!(patient.await.unwrap(), Ok(()));
    assert_eq!(budget.used(), 0);
    let state = budget.0.lock();
    assert!(state.open.is_empty() && state.small.is_empty() && state.waiting_small.is_empty());
    assert_eq!(state.leaving, Sum::default());
}

#[derive(Debug, Clone)]
enum Step {
    Open,
    Hold(usize, usize, bool),
    Shrink(usize, usize),
    Progress(usize),
    Complete(usize),
    Drop(usize),
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Open),
        (any::<usize>(), 0..LIMIT, any::<bool>()).prop_map(|(n, b, l)| Step::Hold(n, b, l)),
        (any::<usize>(), 0..LIMIT).prop_map(|(n, b)| Step::Shrink(n, b)),
        any::<usize>().prop_map(Step::Progress),
        any::<usize>().prop_map(Step::Complete),
        any::<usize>().prop_map(Step::Drop),
        Just(Step::Wait),
    ]
}

async fn take(budget: &Budget, charges: &mut Vec<Charge>, step: Step) {
    let count = charges.len().max(1);
    let chosen = |number: usize| number % count;
    match step {
        Step::Open => {
            let mut charge = budget.charge();
            charge.open();
            charges.push(charge);
        }
        Step::Wait => sleep(IDLE).await,
        Step::Drop(number) if !charges.is_empty() => {
            charges.remove(chosen(number));
        }
        Step::Hold(number, bytes, is_large) => {
            let size = [Size::Small, Size::Large][usize::from(is_large)];
            if let Some(charge) = charges.get_mut(chosen(number)) {
                charge.has_taken(bytes, size);
            }
        }
        Step::Shrink(number, bytes) => {
            if let Some(charge) = charges.get_mut(chosen(number)) {
                charge.shrink_to(bytes);
            }
        }
        Step::Progress(number) => {
            if let Some(charge) = charges.get_mut(chosen(number)) {
                charge.progress(PROGRESS);
            }
        }
        Step::Complete(number) => {
            if let Some(charge) = charges.get_mut(chosen(number)) {
                charge.complete();
            }
        }
        Step::Drop(_) => {}
    }
}

/// The sums are those of the charges, and within the limits.
fn check(budget: &Budget, charges: &[Charge]) {
    let state = budget.0.lock();
    let mut sum = Sum::default();
    for charge in charges {
        sum.add(charge.held, charge.size);
    }
    assert_eq!(state.used, sum);
    assert!(sum.all <= LIMIT && sum.large <= LIMIT / 2, "{sum:?}");
    let mut leaving = Sum::default();
    for open in state.open.values().filter(|open| open.is_leaving) {
        leaving.add(open.held, open.size);
    }
    assert_eq!(state.leaving, leaving);
    for (number, open) in &state.open {
        let is_candidate = state.small.contains(&(open.since, *number))
            || state.large.contains(&(open.since, *number));
        assert!(!(open.is_leaving && is_candidate));
    }
    assert!(state.small.len() + state.large.len() <= state.open.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_used_is_the_sum_of_the_charges_and_never_more_than_the_limit(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let budget = Budget::new(LIMIT);
            let mut charges = Vec::new();
            for step in steps {
                take(&budget, &mut charges, step).await;
                check(&budget, &charges);
            }
            drop(charges);
            check(&budget, &[]);
        });
    }
}
