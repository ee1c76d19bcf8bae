//! Processors: users' events, sent in order, at least once, with one outcome each.

mod accepted;
pub mod asks;
mod backfill;
mod check;
mod crashes;
pub mod double;
mod failures;
mod hold;
mod http;
mod instances;
mod limits;
mod log;
mod order;
mod outages;
mod pause;
mod refused;
mod replay;
mod requests;
mod shell;
mod stops;
pub mod stored;
mod told;
mod trust;
mod wanted;

use serde_json::Value;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

/// Pauses are short, so that tests are.
const SHORT_PAUSES: [(&str, &str); 2] =
    [("PROCESSORS_DEFAULT_BACKOFF_MIN_MS", "10"), ("PROCESSORS_DEFAULT_BACKOFF_MAX_MS", "50")];

/// Starts a service that sends events to this address.
async fn start(home: &Home, url: &str, settings: &[(&str, &str)]) -> Service {
    let url = [("PROCESSOR_URL", url)];
    Service::start_with(home, &[&url[..], &SHORT_PAUSES, settings].concat()).await
}

/// Posts events of several users in turns, some at a time, and returns once they are
/// accepted.
async fn post_in_turns(service: &Service, users: usize, events: usize, at_once: usize) {
    for first in (0..events).step_by(at_once) {
        for user in 0..users {
            let numbers = first..(first + at_once).min(events);
            service.post(&sample::events(&name(user), "e", numbers)).await.expect(202);
        }
    }
}

fn name(user: usize) -> String {
    format!("user-{user}")
}

/// How the default processor is doing.
async fn seen(service: &Service) -> Value {
    service.get("/processors/default").await.expect(200).json()
}

/// A number that the metrics have of the default processor.
async fn metric(service: &Service, name: &str, labels: &str) -> u64 {
    let metrics = service.get("/metrics").await.expect(200).text();
    let name = format!("{name}{{processor=\"default\"{labels}}} ");
    let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
    value.map_or(0, |value| value.parse().expect("a number"))
}

/// Events of its feed in memory.
async fn pending_in_memory(service: &Service) -> u64 {
    metric(service, "trailkeep_processor_pending_events", "").await
}

/// Waits until the default processor is in this state.
async fn wait_until(service: &Service, state: &str) -> Value {
    let what = format!("the processor is {state}");
    eventually(&what, 3 * SOON, || async {
        let seen = seen(service).await;
        let is_so = match state {
            "standing-by" => seen["deliversHere"] == false,
            // Of an instance that stands by it is what another one told.
            state => seen["deliversHere"] == true && seen["state"] == state,
        };
        is_so.then_some(seen)
    })
    .await
}
