//! What is refused is kept, whatever comes.

use serde_json::json;

use super::rules::{Of, accept, event_ids, events, refuse};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    refused_events_are_set_aside_and_all_others_stored_in_order,
    whoever_waits_is_told_when_the_letter_is_kept,
    what_cannot_be_set_aside_survives_kill_9_until_it_can,
    what_cannot_be_set_aside_is_in_the_journal_after_a_stop,
);

/// Tries that come soon.
const EAGER: (&str, &str) = ("WRITE_BACKOFF_MAX_MS", "300");

async fn refused_events_are_set_aside_and_all_others_stored_in_order(home: Home) {
    let service = Service::start(&home).await;
    refuse(&home, Of::Events).await;
    let batch = events("u", 0..30, &[3, 4, 17]);

    service.post(&batch).await.expect(202);
    service.wait_until_flushed().await;

    let mut others = sample::ids("e", 0..30);
    others.retain(|id| !["e-3", "e-4", "e-17"].contains(&id.as_str()));
    assert_eq!(service.export_ids("u").await, others);
    assert_eq!(home.stored().await, 27);
    let letters = service.dead_letters().await;
    assert_eq!(event_ids(&letters), ["e-17", "e-3", "e-4"]);
    for letter in &letters {
        assert_eq!(letter["reason"], "validation");
        assert!(!letter["error"].as_str().expect("an error").is_empty());
        assert_eq!(letter["tries"], 1);
        assert_eq!(letter["setAsideAt"], letter["triedAt"]);
        assert!(letter.get("payload").is_none());
    }
    let counted = &service.stats().await["events"];
    for (name, count) in [("accepted", 30), ("stored", 27), ("deadLettered", 3)] {
        assert_eq!(counted[name], count, "{counted}");
    }
    eventually("the letters are counted", SOON, || async {
        (service.stats().await["deadLetters"] == 3).then_some(())
    })
    .await;

    // Sent again they are refused again, and there is one letter for each.
    service.post(&batch).await.expect(202);
    service.wait_until_flushed().await;
    assert_eq!(service.dead_letters().await, letters);
}

async fn whoever_waits_is_told_when_the_letter_is_kept(home: Home) {
    let settings = [EAGER, ("HTTP_WAIT_TIMEOUT_MS", "1500")];
    let service = Service::start_with(&home, &settings).await;
    refuse(&home, Of::Events).await;
    let path = "/events?wait=stored";

    let answer = service.post_to(path, &events("u", 0..5, &[2])).await;
    let problem = answer.problem(504);
    assert_eq!(problem["type"], "urn:trailkeep:problem:not-all-stored");
    assert_eq!(event_ids(&service.dead_letters().await), ["e-2"]);

    refuse(&home, Of::DeadLetters).await;
    let answer = service.post_to(path, &events("u", 5..9, &[7])).await;
    let problem = answer.problem(504);
    assert_eq!(problem["type"], "urn:trailkeep:problem:not-stored-in-time");
    accept(&home, Of::DeadLetters).await;
    service.wait_until_flushed().await;
    assert_eq!(event_ids(&service.dead_letters().await), ["e-2", "e-7"]);
}

async fn what_cannot_be_set_aside_survives_kill_9_until_it_can(home: Home) {
    let service = Service::start_with(&home, &[EAGER]).await;
    refuse(&home, Of::Events).await;
    refuse(&home, Of::DeadLetters).await;
    service.post(&events("u", 0..10, &[3, 8])).await.expect(202);
    service.post(&events("v", 0..10, &[])).await.expect(202);
    let stats = eventually("all others are stored, and a letter refused", SOON, || async {
        let stats = service.stats().await;
        // What follows the first of them waits with it: order is kept.
        let is_so = stats["bufferSize"] == 7 && stats["flushes"]["lastError"].is_object();
        is_so.then_some(stats)
    })
    .await;
    assert_eq!(home.stored().await, 18);
    assert_eq!(stats["events"]["deadLettered"], 0);
    let error = stats["flushes"]["lastError"]["message"].to_string();
    assert!(error.contains("dead letter"), "{error}");
    // They are events of their journey still.
    assert_eq!(service.export_ids("u").await, sample::ids("e", 0..10));
    // And others go on.
    service.post(&events("w", 0..10, &[])).await.expect(202);
    eventually("others go on", SOON, || async { (home.stored().await == 28).then_some(()) }).await;

    service.crash().await;

    // One user's events do not keep it from being ready.
    let service = Service::start_with(&home, &[EAGER]).await;
    assert_eq!(service.buffered().await, 7);
    assert!(service.dead_letters().await.is_empty());
    accept(&home, Of::DeadLetters).await;
    service.wait_until_flushed().await;
    assert_eq!(event_ids(&service.dead_letters().await), ["e-3", "e-8"]);
    let counted = service.stats().await["events"].take();
    assert_eq!(counted["deadLettered"], 2);
    assert_eq!(counted["duplicate"], 0, "what was written before counts once");
    service.crash().await;

    let service = Service::start(&home).await;
    assert_eq!(event_ids(&service.dead_letters().await), ["e-3", "e-8"]);
    assert_eq!(home.stored().await, 28);
}

async fn what_cannot_be_set_aside_is_in_the_journal_after_a_stop(home: Home) {
    let settings = [EAGER, ("SHUTDOWN_GRACE_MS", "1500")];
    let service = Service::start_with(&home, &settings).await;
    refuse(&home, Of::Events).await;
    refuse(&home, Of::DeadLetters).await;
    service.post(&events("u", 0..10, &[5])).await.expect(202);

    let ended = service.terminate().await;

    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(home.stored().await, 9);
    accept(&home, Of::DeadLetters).await;
    let service = Service::start_with(&home, &settings).await;
    service.wait_until_flushed().await;
    assert_eq!(event_ids(&service.dead_letters().await), ["e-5"]);
    assert_eq!(service.terminate().await.code, Some(0));
    let service = Service::start_with(&home, &settings).await;
    assert_eq!(service.stats().await["events"]["restored"], 0);
}

#[tokio::test]
async fn an_event_too_large_for_mongodb_is_set_aside_whole() {
    let home = Home::mongodb();
    let settings = [("EVENTS_MAX_PAYLOAD_BYTES", "3000000")];
    let service = Service::start_with(&home, &settings).await;
    // In BSON each of these numbers has its place as a key, and 4 bytes.
    let numbers = vec![7; 1_450_000];
    let mut large = sample::event("u", "large");
    large["payload"] = json!({ "n": numbers });
    let batch = json!([sample::event("u", "before"), large, sample::event("u", "after")]);

    service.post(&batch).await.expect(202);
    service.wait_until_flushed().await;

    assert_eq!(service.export_ids("u").await, ["before", "after"]);
    let letters = service.dead_letters().await;
    assert_eq!(event_ids(&letters), ["large"]);
    assert_eq!(letters[0]["reason"], "too_large");
    let path = format!("/dead-letters/{}", letters[0]["id"].as_str().expect("an id"));
    let whole = service.get(&path).await.expect(200).json();
    assert!(whole["payload"]["n"] == json!(numbers));
}
