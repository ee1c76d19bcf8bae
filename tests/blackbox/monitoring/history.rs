//! GET /stats/history.

use std::time::Duration;

use serde_json::{Value, json};

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(the_seconds_tell_what_the_counters_counted);

async fn history(service: &Service) -> Value {
    service.get("/stats/history").await.expect(200).json()
}

fn column<'a>(steps: &'a Value, name: &str) -> &'a [Value] {
    steps.pointer(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn sum(steps: &Value, name: &str) -> u64 {
    column(steps, name).iter().filter_map(Value::as_u64).sum()
}

async fn the_seconds_tell_what_the_counters_counted(home: Home) {
    let service = Service::start(&home).await;
    service.post(&sample::events("u", "e", 0..30)).await.expect(202);
    service.wait_until_flushed().await;
    service.post(&sample::events("u", "e", 20..35)).await.expect(202);
    service.wait_until_flushed().await;
    service.post(&json!([])).await.expect(400);

    let seconds = eventually("the second of the refusal is over", SOON, || async {
        let seconds = history(&service).await["seconds"].take();
        (sum(&seconds, "/refused/invalid") == 1).then_some(seconds)
    })
    .await;

    // A second in which a busy machine let the process stand still has no numbers.
    let is_whole = column(&seconds, "/accepted").iter().all(|step| !step.is_null());
    if is_whole {
        assert_eq!(sum(&seconds, "/accepted"), 45, "{seconds}");
        assert_eq!(sum(&seconds, "/stored"), 35, "{seconds}");
        assert_eq!(sum(&seconds, "/duplicate"), 10, "{seconds}");
    }
    assert_eq!(seconds["step"], 1000);
    let length = column(&seconds, "/accepted").len();
    for name in ["/stored", "/duplicate", "/deadLettered", "/bufferSize", "/writeMs"] {
        assert_eq!(column(&seconds, name).len(), length, "{name}");
    }
    assert_eq!(column(&seconds, "/refused/invalid").len(), length);
    assert!(seconds["refused"]["bufferFull"].is_null(), "none was refused for that");
    let minutes = history(&service).await["minutes"].take();
    assert_eq!(minutes["step"], 60_000);
    assert!(minutes["from"].is_string());
}

#[tokio::test]
async fn a_process_that_stood_still_has_a_gap() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.signal("STOP");
    tokio::time::sleep(Duration::from_secs(4)).await;
    service.signal("CONT");
    let seconds = eventually("steps after the gap", SOON, || async {
        let seconds = history(&service).await["seconds"].take();
        let accepted = column(&seconds, "/accepted");
        let last_gap = accepted.iter().rposition(Value::is_null)?;
        (last_gap + 1 < accepted.len()).then_some(seconds)
    })
    .await;
    let gap = column(&seconds, "/bufferSize").iter().filter(|step| step.is_null()).count();
    assert!(gap >= 3, "{seconds}");
}
