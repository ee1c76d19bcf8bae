//! From the bytes of a request to the bytes that go to MongoDB, without a
//! network: reading, every rule, the ids, the payload as BSON and the document
//! of each event, for batches of 1, 10 and 100 events with payloads of about
//! 100 bytes.
//!
//! ```text
//! cargo bench
//! ```
//!
//! The throughput that it prints is in events: the time for a batch divided by
//! its events is what one event costs.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use trailkeep_event::id::{ArrivalClock, Arrivals};
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Accepted, Rules, Timestamp, TypeRule, wire};
use trailkeep_store::mongo::encode_document;

const BATCHES: [usize; 3] = [1, 10, 100];

fn body_to_bson(criterion: &mut Criterion) {
    let rules = rules();
    let now = Timestamp::parse_rfc3339("2025-12-15T10:30:02.000Z").unwrap();
    let mut group = criterion.benchmark_group("body_to_bson");
    for events in BATCHES {
        let body = body(events);
        let mut arrivals = ArrivalClock::new(0);
        group.throughput(Throughput::Elements(events as u64));
        group.bench_with_input(BenchmarkId::from_parameter(events), &body, |bencher, body| {
            bencher.iter(|| {
                let events = wire::read_json(black_box(body), &rules, now).unwrap();
                let numbers = Arrivals::from(arrivals.take(events.len(), now.as_millis() * 1_000));
                for (event, arrival) in events.into_iter().zip(numbers) {
                    black_box(encode_document(&Accepted { event, arrival }));
                }
            });
        });
    }
    group.finish();
}

/// A batch as a tracker sends it: an array, a few users, ids that the tracker
/// made, times a little apart.
fn body(events: usize) -> Vec<u8> {
    let mut body = String::from("[");
    for number in 0..events {
        let separator = if number == 0 { "" } else { "," };
        let user = number % 7;
        write!(
            body,
            r#"{separator}{{"userId":"user-{user:06}","type":"page_view","sessionId":"s-{user}-1765794600","#,
        )
        .unwrap();
        write!(
            body,
            r#""eventId":"019b21d0-{number:04x}-7d9e-8f4a-2b6c1d0e9f88","occurredAt":"2025-12-15T10:30:00.{number:03}Z","#,
        )
        .unwrap();
        write!(
            body,
            r#""payload":{{"path":"/pricing","referrer":"https://example.org/","width":1440,"scroll":0.75,"plan":{{"name":"pro"}}}}}}"#,
        )
        .unwrap();
    }
    body.push(']');
    body.into_bytes()
}

fn rules() -> Rules {
    let types = ["page_view", "search", "purchase", "button_click"].map(Box::from);
    Rules {
        types: TypeRule::OneOf(HashSet::from(types)),
        default_user: None,
        max_events: 1000,
        payload: PayloadLimits { max_bytes: 32 * 1024, max_depth: 32 },
        max_future_ms: 86_400_000,
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    targets = body_to_bson
}
criterion_main!(benches);
