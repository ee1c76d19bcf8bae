//! Nothing is lost, nothing is stored twice, and the counters say so.

use std::sync::Arc;

use serde_json::Value;

use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(of_100_000_events_with_a_tenth_repeated_the_counts_are_exact);

const SENDERS: usize = 4;
const DISTINCT: usize = 90_000;
const REPEATED: usize = 10_000;

/// Event `number` of all, given to one of a hundred users.
fn numbered(number: usize) -> Value {
    sample::event(&format!("u-{}", number % 100), &format!("e-{number}"))
}

async fn of_100_000_events_with_a_tenth_repeated_the_counts_are_exact(home: Home) {
    let service = Arc::new(Service::start(&home).await);

    // Every ninth event is sent twice: soon, while the first one is buffered,
    // or much later, when it is long stored.
    let mut numbers = Vec::with_capacity(DISTINCT + REPEATED);
    for number in 0..DISTINCT {
        numbers.push(number);
        if number % 18 == 0 {
            numbers.push(number);
        }
    }
    numbers.extend((0..DISTINCT).filter(|number| number % 18 == 9));
    assert_eq!(numbers.len(), DISTINCT + REPEATED);

    let share = numbers.len() / SENDERS;
    let senders = numbers.chunks(share).map(|numbers| {
        let (service, numbers) = (service.clone(), numbers.to_vec());
        tokio::spawn(async move {
            for batch in numbers.chunks(500) {
                let events: Value = batch.iter().copied().map(numbered).collect();
                service.post_when_there_is_room(&events).await;
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.expect("a sender");
    }
    service.wait_until_flushed().await;

    assert_eq!(home.stored().await, 90_000);
    let events = service.stats().await["events"].take();
    assert_eq!(events["accepted"], DISTINCT + REPEATED);
    assert_eq!(events["stored"], DISTINCT);
    assert_eq!(events["duplicate"], REPEATED);
    assert_eq!(events["deadLettered"], 0);
}
