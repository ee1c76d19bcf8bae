//! Whatever the store does, nothing is lost, doubled or reordered; nor when the
//! process is killed in between.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// One step of a run.
#[derive(Debug, Clone)]
enum Step {
    /// A batch: for each event its user and its number, which may repeat.
    Admit(Vec<(u8, u16)>),
    /// The next insert does this.
    Fault(Next),
    /// Time passes.
    Wait(u64),
    /// The process is killed, and another one begins.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![
        3 => prop::sample::select(vec![Next::Fail, Next::WriteAndFail, Next::WriteHalf]),
        3 => any::<u64>().prop_map(Next::SkipSome),
    ];
    prop_oneof![
        4 => prop::collection::vec((0..6_u8, 0..2000_u16), 1..120).prop_map(Step::Admit),
        2 => fault.prop_map(Step::Fault),
        1 => (1..3000_u64).prop_map(Step::Wait),
        1 => Just(Step::Kill),
    ]
}

async fn run_steps(steps: Vec<Step>, setup: Setup) {
    let mut setup = setup;
    let mut run = setup.start();
    let mut first_seen: HashMap<u8, Vec<String>> = HashMap::new();
    // The store may show an event before one that it could not write; what leaves
    // the queue may not, which the queue's own property holds.
    let is_skipped = |step: &Step| matches!(step, Step::Fault(Next::SkipSome(_)));
    let is_in_order = !steps.iter().any(is_skipped);
    for step in steps {
        match step {
            Step::Admit(batch) => {
                let named = |&(user, id): &(u8, u16)| event(&user.to_string(), &id.to_string());
                if run.admit(batch.iter().map(named).collect()).await.is_ok() {
                    for (user, id) in batch {
                        let ids = first_seen.entry(user).or_default();
                        if !ids.contains(&id.to_string()) {
                            ids.push(id.to_string());
                        }
                    }
                }
            }
            Step::Fault(fault) => run.store.script.lock().push_back(fault),
            Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            Step::Kill => {
                // What the process still does is done to a disk that nobody reads.
                setup.disk = setup.disk.copy();
                drop(run);
                run = setup.start();
            }
        }
    }
    run.emptied().await;
    let distinct: usize = first_seen.values().map(Vec::len).sum();
    let of = &run.ingest.statistics;
    assert_eq!(of.unreadable.get(), 0);
    assert_eq!(run.store.stored.lock().len(), distinct, "stored once each");
    assert_eq!(
        of.accepted.get() + of.restored.get(),
        of.stored.get() + of.duplicate.get() + of.dead_lettered.get(),
        "conservation"
    );
    let backlog = run.ingest.backlog.lock();
    assert!(backlog.is_held_by_nobody());
    assert_eq!(backlog.low().totals.weight, of.accepted.get().max(backlog.low().totals.weight));
    drop(backlog);
    let mut stored = run.store.ids_by_numbered_user();
    if !is_in_order {
        for ids in stored.values_mut().chain(first_seen.values_mut()) {
            ids.sort_unstable();
        }
    }
    assert_eq!(stored, first_seen, "each user's events, in the order of their arrival");
}

/// Small, so that writes are filled, and users' events are in several.
fn small() -> Setup {
    let rules = WriteRules { max_events: 20, ..RULES };
    Setup { rules, shares: Shares { per_account: 90, per_key: 90 }, ..Setup::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_reordered(steps in prop::collection::vec(step(), 1..40)) {
        on_a_paused_clock(run_steps(steps, small()));
    }

    #[test]
    fn nor_when_most_of_it_is_beyond_the_head(steps in prop::collection::vec(step(), 1..40)) {
        let limit = Amount { events: 100_000, bytes: 1 << 30 };
        on_a_paused_clock(run_steps(steps, Setup { limit, ..small() }));
    }
}
