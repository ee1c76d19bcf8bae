//! `trailkeep processors`, which asks the running service.

use serde_json::Value;

use super::{start, wait_until};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::processor::ExampleProcessor;
use crate::sample;

const HOLDS: [(&str, &str); 1] = [("PROCESSORS_DEFAULT_AFTER_DEAD_LETTER", "hold")];

/// What a command prints, and says on standard error, where it ends with this code.
#[track_caller]
fn says(home: &Home, arguments: &[&str], code: i32) -> String {
    let output = home.shell("processors").args(arguments).output().expect("the binary");
    let complaint = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).expect("text") + &complaint
}

#[tokio::test]
async fn a_held_user_is_found_and_let_go_from_the_shell() {
    let home = Home::embedded();
    let processor = ExampleProcessor::start(&["--poison-type", "search"]).await;
    let service = start(&home, processor.url(), &HOLDS).await;
    let mut events = sample::events("ann", "e", 0..3);
    events[1]["type"] = "search".into();
    service.post(&events).await.expect(202);
    service.post(&sample::events("bob", "e", 0..3)).await.expect(202);
    let users = eventually("ann is held", SOON, || async {
        let users = says(&home, &["users"], 0);
        users.contains("held").then_some(users)
    })
    .await;
    let user: Value = serde_json::from_str(&users).expect("one line of JSON");
    assert_eq!((&user["userId"], &user["eventId"]), (&"ann".into(), &"e-1".into()));
    let letters = says(&home, &["dead-letters"], 0);
    let letter: Value = serde_json::from_str(&letters).expect("one line of JSON");
    assert_eq!((&letter["userId"], &letter["eventId"]), (&"ann".into(), &"e-1".into()));
    assert!(says(&home, &["list"], 0).contains("1 stuck users\t1 dead letters"));

    assert!(says(&home, &["release", "ann", "e-0"], 1).contains("does not wait"));
    assert_eq!(says(&home, &["skip", "ann", "e-1"], 0).lines().count(), 1);

    eventually("all is done", SOON, || async {
        let list = says(&home, &["list"], 0);
        list.contains("0 stuck users\t0 dead letters").then_some(())
    })
    .await;
    assert_eq!(says(&home, &["users"], 0), "");
    assert!(says(&home, &["retry-letter", letter["id"].as_str().unwrap()], 1).contains("Conflict"));
}

#[tokio::test]
async fn sending_is_paused_resumed_and_begun_again_from_the_shell() {
    let home = Home::embedded();
    let processor = ExampleProcessor::start(&[]).await;
    let service = start(&home, processor.url(), &[]).await;
    service.post(&sample::events("ann", "e", 0..20)).await.expect(202);
    eventually("they are processed", SOON, || async {
        (says(&home, &["replay", "--state", "processed", "--dry-run"], 0).starts_with("20 events"))
            .then_some(())
    })
    .await;
    says(&home, &["pause"], 0);
    wait_until(&service, "paused").await;
    assert!(says(&home, &["list"], 0).starts_with("default\tpaused"));
    assert!(says(&home, &["resume"], 0).contains("sending goes on"));
    assert!(says(&home, &["resume"], 1).contains("not paused"));

    let replayed = says(&home, &["replay", "--user", "ann", "--type", "page_view"], 0);
    assert!(replayed.ends_with("events are sent again\n"), "{replayed}");
    assert!(says(&home, &["replay", "--state", "bad"], 1).contains("state must be processed"));
    assert!(says(&home, &["check"], 0).contains("has an outcome or is pending"));
    assert!(says(&home, &["commands"], 0).lines().count() >= 4);
    assert!(says(&home, &["pause", "--processor", "nix"], 1).contains("no processor of this name"));
    assert!(says(&home, &["remove", "default"], 1).contains("in this instance's settings"));

    assert_eq!(service.terminate().await.code, Some(0));
    assert!(says(&home, &["list"], 1).contains("only a running one sends events"));
}
