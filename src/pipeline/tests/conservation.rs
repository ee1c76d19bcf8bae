//! Whatever the store does, nothing is lost, doubled or reordered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{Next, RULES, event, parts, start_with};
use crate::pipeline::{FlushRules, Parts, Pipeline};

/// One step of a run.
#[derive(Debug, Clone)]
enum Step {
    /// A batch: for each event its user and its number, which may repeat.
    Admit(Vec<(u8, u16)>),
    /// The next insert does this.
    Fault(Next),
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
    prop_oneof![
        4 => prop::collection::vec((0..6_u8, 0..2000_u16), 1..120).prop_map(Step::Admit),
        2 => fault.prop_map(Step::Fault),
        1 => (1..3000_u64).prop_map(Step::Wait),
    ]
}

async fn run_steps(steps: Vec<Step>) {
    // Small, so that users are spread over the lanes and move between them.
    let rules = FlushRules {
        max_events: 20,
        ..RULES
    };
    let run = start_with(Arc::new(Pipeline::new(Parts { rules, ..parts() })));
    let mut first_seen: HashMap<u8, Vec<String>> = HashMap::new();
    let mut accepted = 0;
    for step in steps {
        match step {
            Step::Admit(batch) => {
                let named = |&(user, id): &(u8, u16)| event(&user.to_string(), &id.to_string());
                if run
                    .pipeline
                    .admit(batch.iter().map(named).collect::<Vec<_>>())
                    .await
                    .is_ok()
                {
                    accepted += batch.len() as u64;
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
        }
    }
    run.emptied().await;

    let distinct: usize = first_seen.values().map(Vec::len).sum();
    let (counted, stored, duplicate, dead_lettered) = run.counts();
    assert_eq!(counted, accepted);
    assert_eq!(stored, distinct as u64, "stored once each");
    assert_eq!(stored + duplicate + dead_lettered, accepted, "conservation");
    let snapshot = run.pipeline.snapshot();
    assert_eq!(
        (snapshot.events, snapshot.bytes, snapshot.in_flight),
        (0, 0, 0)
    );

    assert_eq!(
        run.store.ids_by_numbered_user(),
        first_seen,
        "each user's events in the order of their arrival"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_reordered(steps in prop::collection::vec(step(), 1..40)) {
        super::on_a_paused_clock(run_steps(steps));
    }
}
