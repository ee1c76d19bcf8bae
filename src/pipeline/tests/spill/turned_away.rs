//! What is refused before it is parsed, where events may be spilled.

use super::*;
use crate::pipeline::Posted;
use crate::pipeline::buffer::{NoRoom, Reserved};

/// Bytes of a body.
const LENGTH: u64 = 1500;

fn batch(ids: std::ops::Range<usize>) -> Posted {
    Posted {
        events: events("u", ids),
        key: None,
        length: Some(LENGTH),
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_turns_nobody_away_and_a_full_spill_does_until_it_has_room() {
    let run = Spilling::during_an_outage(20_000);
    run.accept("n", 0..LIMITS.max_events).await;
    assert!(!run.pipeline.turns_away(None), "there is the spill");

    let mut next = 0;
    while run.pipeline.admit(batch(next..next + 10)).await == Ok(()) {
        next += 10;
    }
    assert!(next > 0);
    assert!(run.pipeline.turns_away(Some(LENGTH)));
    assert!(!run.pipeline.turns_away(Some(LENGTH - 1)));

    run.store_is_back();
    run.emptied().await;
    assert!(!run.pipeline.turns_away(None));
    assert_eq!(run.pipeline.admit(batch(next..next + 10)).await, Ok(()));
    run.emptied().await;
    run.assert_conserved();
}

/// Has room kept for batches, as if they were on their way to the disk, until
/// there is none for a further one.
fn keep_all_room(run: &Spilling, batch_at: impl Fn(usize) -> Posted) -> Vec<Reserved> {
    let mut kept = Vec::new();
    loop {
        let batch = batch_at(kept.len() * 10);
        let mut buffer = run.pipeline.buffer.lock();
        match buffer.reserve(batch.events, batch.key, batch.length) {
            Ok(reserved) => kept.push(reserved),
            Err(no_room) => {
                assert_eq!(no_room, NoRoom::Busy);
                return kept;
            }
        }
    }
}

fn release(run: &Spilling, kept: Vec<Reserved>) {
    for Reserved { room, .. } in kept {
        run.pipeline.buffer.lock().release(room, &[]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_no_room_on_its_way_to_the_disk_alone_turns_nobody_away() {
    let run = Spilling::during_an_outage(PLENTY);
    run.accept("n", 0..LIMITS.max_events).await;
    let large = |number: usize| {
        let mut posted = batch(number..number + 1);
        posted.events[0].kind = "x".repeat(LIMITS.max_bytes - 1000).into();
        posted
    };
    let kept = keep_all_room(&run, large);
    assert!(kept.len() > 1, "{}", kept.len());
    assert_eq!(run.pipeline.buffer.lock().shut_from(), None);
    assert_eq!(
        run.pipeline.admit(large(1000)).await,
        Err(NotAdmitted::Full)
    );
    assert!(!run.pipeline.turns_away(Some(LENGTH)));
    assert_eq!(run.health.readiness(), Ok(()));

    release(&run, kept);
    assert_eq!(run.pipeline.admit(large(1000)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_spill_is_full_by_what_is_in_it_and_not_by_what_is_on_its_way() {
    let run = Spilling::during_an_outage(20_000);
    run.accept("n", 0..LIMITS.max_events).await;
    let kept = keep_all_room(&run, |first| batch(first..first + 10));
    assert!(kept.len() > 1, "{}", kept.len());
    let refused = run.pipeline.admit(batch(1000..1010)).await;
    assert_eq!(refused, Err(NotAdmitted::Full));
    assert!(!run.pipeline.turns_away(Some(LENGTH)));
    assert_eq!(run.health.readiness(), Ok(()), "they may take less");

    release(&run, kept);
    assert_eq!(run.pipeline.admit(batch(1000..1010)).await, Ok(()));
}
