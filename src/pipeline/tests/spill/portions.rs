//! Where events may be spilled, a share is one of the spill.

use super::*;
use crate::pipeline::Posted;
use crate::pipeline::shares::{KeyNumber, Tenant};

const MAX_SPILLED: u64 = 200_000;

/// Batches of ten, until one is refused; answers how many events were taken.
async fn fill(run: &Spilling, name: &str, sent: impl Fn(Vec<Event>) -> Posted) -> (usize, Tenant) {
    for first in (0..).step_by(10) {
        match run
            .pipeline
            .admit(sent(events(name, first..first + 10)))
            .await
        {
            Ok(()) => {}
            Err(NotAdmitted::OverShare(over)) => {
                assert!(!over.is_for_good);
                return (first, over.tenant);
            }
            Err(other) => panic!("{other} after {first} events"),
        }
    }
    unreachable!()
}

fn of_account(account: &str, mut events: Vec<Event>) -> Posted {
    for event in &mut events {
        event.account_id = Some(account.into());
    }
    events.into()
}

#[tokio::test(start_paused = true)]
async fn an_account_may_have_its_share_of_the_spill_and_leaves_the_rest_to_others() {
    let run = Spilling::during_an_outage(MAX_SPILLED);
    let whale = |events| of_account("whale", events);
    let (taken, refused) = fill(&run, "w", whale).await;
    assert_eq!(refused, Tenant::Account("whale".into()));
    assert!(taken > 60, "all of the buffer, and more: {taken}");
    let spilled = run.pipeline.snapshot().spilled_bytes;
    // All but what the batch that was refused would have taken in memory.
    let share = MAX_SPILLED * 60 / 100;
    assert!(
        (share - 4000..=share).contains(&spilled),
        "{spilled} of {share}"
    );
    assert!(run.health.readiness().is_ok());

    run.accept("n", 0..50).await;
    run.pipeline
        .admit(of_account("minnow", events("m", 0..50)))
        .await
        .unwrap();

    run.store_is_back();
    run.emptied().await;
    run.assert_nobody_holds_anything();
    run.pipeline
        .admit(whale(events("w", taken..taken + 10)))
        .await
        .unwrap();
    run.emptied().await;
    run.assert_conserved();
}

#[tokio::test(start_paused = true)]
async fn a_key_may_have_its_share_of_the_spill() {
    let run = Spilling::during_an_outage(MAX_SPILLED);
    let with = |key| {
        move |events| Posted {
            events,
            key: Some(KeyNumber(key)),
            length: None,
        }
    };
    let (taken, refused) = fill(&run, "w", with(1)).await;
    assert_eq!(refused, Tenant::Key(KeyNumber(1)));
    let spilled = run.pipeline.snapshot().spilled_bytes;
    let share = MAX_SPILLED * 70 / 100;
    assert!(
        (share - 4000..=share).contains(&spilled),
        "{spilled} of {share}"
    );
    run.pipeline
        .admit(with(0)(events("m", 0..50)))
        .await
        .unwrap();
    run.store_is_back();
    run.emptied().await;
    run.assert_nobody_holds_anything();
    let again = events("w", taken..taken + 10);
    run.pipeline.admit(with(1)(again)).await.unwrap();
    run.emptied().await;
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_spilled_counts_for_nobody() {
    let run = Spilling::during_an_outage(MAX_SPILLED);
    let whale = |events| of_account("whale", events);
    let (first, _) = fill(&run, "w", whale).await;
    let run = run.restart(10 * MAX_SPILLED);
    let (second, _) = fill(&run, "x", whale).await;
    assert!(second > 5 * first, "{second} after {first}");
    run.store_is_back();
    run.emptied().await;
    run.assert_nobody_holds_anything();
    run.assert_conserved();
}
