//! What is refused before it is parsed, where events may be spilled.

use futures_util::FutureExt as _;

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

#[tokio::test(start_paused = true)]
async fn what_has_no_room_on_its_way_to_the_disk_alone_turns_nobody_away() {
    let run = Spilling::during_an_outage(PLENTY);
    run.accept("n", 0..LIMITS.max_events).await;
    let large = |number: usize| {
        let mut posted = batch(number..number + 1);
        posted.events[0].kind = "x".repeat(LIMITS.max_bytes - 1000).into();
        posted
    };
    let pipeline = &run.pipeline;
    let together = (0..12).map(|number| pipeline.admit(large(number)));
    let mut together = futures_util::future::join_all(together);
    assert!((&mut together).now_or_never().is_none(), "on their way");
    assert_eq!(run.pipeline.buffer.lock().shut_from(), None);
    let answers = together.await;
    assert!(answers.contains(&Err(NotAdmitted::Full)), "{answers:?}");
    assert!(!run.pipeline.turns_away(None));
}

#[tokio::test(start_paused = true)]
async fn a_spill_is_full_by_what_is_in_it_and_not_by_what_is_on_its_way() {
    let run = Spilling::during_an_outage(20_000);
    run.accept("n", 0..LIMITS.max_events).await;
    let mut kept = Vec::new();
    let no_room = loop {
        let next = kept.len() * 10;
        let batch = batch(next..next + 10);
        let mut buffer = run.pipeline.buffer.lock();
        match buffer.reserve(batch.events, batch.key, batch.length) {
            Ok(reserved) => kept.push(reserved),
            Err(no_room) => break no_room,
        }
    };
    assert!(kept.len() > 1, "{kept:?}");
    assert_eq!(no_room, NoRoom::Busy);
    assert_eq!(
        run.pipeline.admit(batch(1000..1010)).await,
        Err(NotAdmitted::Full)
    );
    assert_eq!(run.health.readiness(), Ok(()), "they may take less");
    assert!(!run.pipeline.turns_away(Some(LENGTH)));

    for Reserved { room, .. } in kept {
        run.pipeline.buffer.lock().release(room, &[]);
    }
    assert_eq!(run.pipeline.admit(batch(1000..1010)).await, Ok(()));
}
