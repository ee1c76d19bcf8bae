//! Whatever the store and the power do, spilled or not, nothing is lost,
//! doubled or reordered.

use std::collections::HashMap;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::pipeline::Posted;
use crate::pipeline::shares::KeyNumber;

/// One step of a run.
#[derive(Debug, Clone)]
enum Step {
    /// Batches that are admitted together: for each event its user and its
    /// number, which may repeat.
    Admit(Vec<Vec<(u8, u16)>>),
    /// The next insert does this.
    Fault(Next),
    /// Whether the store takes anything.
    Outage(bool),
    /// No segment can be made for a while.
    FullDisk(usize),
    /// The disk cannot be read back for a while.
    FailReads(usize),
    /// Time passes.
    Wait(u64),
    /// The power goes, and the service starts again, with so much that may be
    /// spilled.
    PowerCut(u64, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop::sample::select(vec![
        Next::Fail,
        Next::WriteAndFail,
        Next::Hang,
        Next::WriteHalf,
    ]);
    let batch = prop::collection::vec((0..5_u8, 0..3000_u16), 1..30);
    let limit = prop::sample::select(vec![0, 30_000, PLENTY]);
    prop_oneof![
        10 => prop::collection::vec(batch, 1..8).prop_map(Step::Admit),
        2 => fault.prop_map(Step::Fault),
        2 => any::<bool>().prop_map(Step::Outage),
        1 => (0..3_usize).prop_map(Step::FullDisk),
        1 => (0..3_usize).prop_map(Step::FailReads),
        2 => (1..3000_u64).prop_map(Step::Wait),
        2 => (any::<u64>(), limit).prop_map(|(seed, limit)| Step::PowerCut(seed, limit)),
    ]
}

/// Two users are one account's, and two are nobody's.
fn of_an_account(&(user, id): &(u8, u16)) -> Event {
    Event {
        account_id: (user < 3).then(|| format!("account {}", user / 2).into()),
        ..event(&user.to_string(), &id.to_string())
    }
}

async fn run_steps(steps: Vec<Step>) {
    let store = Arc::new(FakeStore::default());
    let mut run = Spilling::start(MemoryDisk::default(), store, PLENTY);
    let mut first_seen: HashMap<u8, Vec<String>> = HashMap::new();
    for step in steps {
        match step {
            Step::Admit(batches) => {
                // Polled in turn, and so numbered in order, and written together.
                let pipeline = &run.pipeline;
                let admissions = batches.iter().map(|batch| {
                    pipeline.admit(Posted {
                        events: batch.iter().map(of_an_account).collect(),
                        key: batch.first().map(|&(user, _)| KeyNumber(user.into())),
                        length: Some(batch.len() as u64),
                    })
                });
                let answers = futures_util::future::join_all(admissions).await;
                let accepted = batches.into_iter().zip(answers);
                for (user, id) in accepted
                    .filter(|(_, answer)| answer.is_ok())
                    .flat_map(|(batch, _)| batch)
                {
                    let ids = first_seen.entry(user).or_default();
                    if !ids.contains(&id.to_string()) {
                        ids.push(id.to_string());
                    }
                }
            }
            Step::Fault(fault) => run.store.script.lock().push_back(fault),
            Step::Outage(is_away) => *run.store.always.lock() = is_away.then_some(Next::Fail),
            Step::FullDisk(count) => run.disk.fail(|faults| faults.creates = count),
            Step::FailReads(count) => run.disk.fail(|faults| faults.reads = count),
            Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            Step::PowerCut(seed, limit) => {
                let disk = run.disk.after_power_cut(&mut StdRng::seed_from_u64(seed));
                let store = Arc::clone(&run.store);
                drop(run);
                run = Spilling::start(disk, store, limit);
            }
        }
    }
    run.store_is_back();
    run.emptied().await;
    run.assert_conserved();
    run.assert_nobody_holds_anything();
    assert!(!run.pipeline.turns_away(None), "an empty buffer is open");

    assert_eq!(
        run.store.ids_by_numbered_user(),
        first_seen,
        "each user's events once, in the order of their arrival"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_reordered(steps in prop::collection::vec(step(), 1..40)) {
        crate::pipeline::tests::on_a_paused_clock(run_steps(steps));
    }
}
