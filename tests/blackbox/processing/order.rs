//! Each user's events one after the other, users side by side.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::double::{Double, Switch, status, taken};
use super::log::{assert_in_order, first_requests, repeated, sent_of};
use super::stored::{Stored, ids_in};
use super::{name, post_in_turns, seen, start};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::processor::ExampleProcessor;
use crate::sample;

on_both_stores!(
    events_are_processed_once_and_in_each_users_order,
    one_users_slow_event_keeps_no_other_user_waiting,
    an_event_that_fails_is_sent_again_before_the_next_of_its_user,
);

async fn events_are_processed_once_and_in_each_users_order(home: Home) {
    const USERS: usize = 8;
    const EVENTS: usize = 25;
    let processor = ExampleProcessor::start(&["--delay-ms", "0..5"]).await;
    let service = start(&home, processor.url(), &[]).await;

    post_in_turns(&service, USERS, EVENTS, 5).await;

    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", USERS * EVENTS).await;
    let log = processor.log();
    assert_in_order(&log);
    assert_eq!(repeated(&log), [].into());
    let expected = sample::ids("e", 0..EVENTS);
    for user in 0..USERS {
        assert_eq!(sent_of(&log, &name(user)), expected);
        assert_eq!(ids_in(&outcomes, &name(user), "processed"), expected);
    }
    assert_eq!(outcomes.len(), USERS * EVENTS);
    let said = json!({ "status": "success", "message": "Event processed successfully" });
    for outcome in &outcomes {
        assert_eq!((outcome.attempts, outcome.http_status), (1, Some(200)), "{outcome:?}");
        assert_eq!((outcome.result.as_ref(), outcome.error.as_ref()), (Some(&said), None));
    }
    stored.wait_until_done().await;
    let seen = seen(&service).await;
    let numbers = ["processed", "failed", "skipped", "inFlight", "parkedUsers"];
    let numbers = numbers.map(|name| seen[name].as_u64().expect("a number"));
    assert_eq!(numbers, [200, 0, 0, 0, 0], "{seen}");
    assert_eq!((&seen["state"], &seen["deadLetters"]), (&json!("running"), &json!(0)));
    assert!(seen.get("problem").is_none(), "{seen}");
    let metrics = service.get("/metrics").await.expect(200).text();
    for line in [
        r#"trailkeep_processor_outcomes_total{processor="default",state="processed"} 200"#,
        r#"trailkeep_processor_attempts_total{processor="default",result="taken"} 200"#,
        r#"trailkeep_processor_running{processor="default"} 1"#,
        r#"trailkeep_processor_wait_seconds_count{processor="default"} 200"#,
    ] {
        assert!(metrics.lines().any(|told| told == line), "no {line} in {metrics}");
    }
}

async fn one_users_slow_event_keeps_no_other_user_waiting(home: Home) {
    const OTHERS: usize = 5;
    let is_slow = Switch::on();
    let slow = is_slow.clone();
    let double = Double::start(move |asked| {
        let slow = slow.clone();
        async move {
            if asked.user() == "slow" {
                slow.off().await;
            }
            taken()
        }
    })
    .await;
    let service = start(&home, &double.url, &[]).await;

    service.post(&sample::events("slow", "s", 0..3)).await.expect(202);
    eventually("the slow one is at work", SOON, || async {
        (!double.asked().is_empty()).then_some(())
    })
    .await;
    post_in_turns(&service, OTHERS, 20, 10).await;
    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", OTHERS * 20).await;

    assert!(ids_in(&outcomes, "slow", "processed").is_empty());
    assert_eq!(sent_of(&double.log(), "slow"), ["s-0"]);
    is_slow.turn(false);
    let outcomes = stored.wait_for("default", OTHERS * 20 + 3).await;
    assert_eq!(ids_in(&outcomes, "slow", "processed"), sample::ids("s", 0..3));
    assert_in_order(&double.log());
    assert_eq!(repeated(&double.log()), [].into());
}

async fn an_event_that_fails_is_sent_again_before_the_next_of_its_user(home: Home) {
    const USERS: usize = 5;
    let count = Arc::new(AtomicUsize::new(0));
    let double = Double::start(move |_| {
        // One of three requests, whoever's it is.
        let fails = count.fetch_add(1, Ordering::SeqCst) % 3 == 1;
        async move { if fails { status(500) } else { taken() } }
    })
    .await;
    let service = start(&home, &double.url, &[("PROCESSORS_DEFAULT_MAX_ATTEMPTS", "1000")]).await;

    post_in_turns(&service, USERS, 20, 4).await;

    let outcomes = Stored::of(&home).await.wait_for("default", USERS * 20).await;
    let log = double.log();
    assert_in_order(&log);
    for (user, sent) in first_requests(&log) {
        assert_eq!(sent, sample::ids("e", 0..20), "{user}");
        assert_eq!(ids_in(&outcomes, &user, "processed"), sent);
    }
    let attempts: i64 = outcomes.iter().map(|outcome| outcome.attempts).sum();
    assert_eq!(attempts, i64::try_from(double.asked().len()).expect("a number"));
    assert!(!repeated(&log).is_empty());
    let first = outcomes.iter().find(|outcome| outcome.attempts == 1).expect("one of them");
    assert_eq!(first.http_status, Some(204));
    // A success that says nothing has the words of one.
    let said = json!({ "status": "success", "message": "Event processed successfully" });
    assert_eq!(first.result, Some(said));
}
