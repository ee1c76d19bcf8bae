//! `trailkeep users erase`, `receipt`, `lost` and `unblock`.

use std::process::Output;

use serde_json::json;

use super::erase::receipt;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    a_user_is_erased_from_the_shell_and_what_went_is_printed,
    who_is_blocked_from_the_shell_is_let_in_again_from_there,
);

fn users(home: &Home, arguments: &[&str]) -> Output {
    home.shell("users").args(arguments).output().expect("the binary")
}

fn printed(home: &Home, arguments: &[&str]) -> String {
    let output = users(home, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

async fn a_user_is_erased_from_the_shell_and_what_went_is_printed(home: Home) {
    let service = Service::start(&home).await;
    service.post(&sample::events("ann", "e", 0..3)).await.expect(202);
    service.post(&sample::event("ben", "e")).await.expect(202);
    service.wait_until_flushed().await;

    let planned = printed(&home, &["erase", "ann", "--dry-run"]);
    assert_eq!(planned, "ids: ann\nevents: 3 stored, 0 waiting\n");
    for arguments in [&["erase", "ann"][..], &["erase", "ann", "--confirm", "Ann"]] {
        let refused = users(&home, arguments);
        assert_eq!(refused.status.code(), Some(1));
        let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(complaint.contains("--confirm \"ann\""), "{complaint}");
    }
    assert_eq!(service.journey_ids("ann", "").await.len(), 3);

    let told = printed(&home, &["erase", "ann", "--confirm", "ann"]);
    let first = told.lines().next().expect("a line");
    assert!(first.ends_with(", done"), "{told}");
    assert!(told.contains("\nevents     3\n"), "{told}");
    assert!(service.journey_ids("ann", "").await.is_empty());
    assert_eq!(service.journey_ids("ben", "").await, ["e"]);
    let id = first.trim_start_matches("erasure ").trim_end_matches(", done");
    assert_eq!(printed(&home, &["receipt", id]), told);
    let unknown = users(&home, &["receipt", "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88"]);
    assert_eq!(unknown.status.code(), Some(1));
}

async fn who_is_blocked_from_the_shell_is_let_in_again_from_there(home: Home) {
    let service = Service::start(&home).await;
    service.post(&sample::event("ann", "before")).await.expect(202);
    printed(&home, &["erase", "ann", "--confirm", "ann", "--block"]);
    service.post(&sample::event("ann", "blocked")).await.expect(202);
    printed(&home, &["unblock", "ann"]);
    assert_eq!(users(&home, &["unblock", "ann"]).status.code(), Some(1), "there is no block");
    service.post(&sample::event("ann", "after")).await.expect(202);
    assert_eq!(service.journey_ids("ann", "").await, ["after"]);
}

#[tokio::test]
async fn an_instance_whose_folder_is_lost_is_not_waited_for_once_that_is_said() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let service = Service::start(&home).await;
    let lost = Service::start(&elsewhere).await;
    eventually("both are known", SOON, || async {
        let asked = super::erase::erase(&service, "nobody", json!({})).await;
        let receipt = receipt(&service, &asked).await;
        (receipt["instances"].as_array().expect("instances").len() == 2).then_some(())
    })
    .await;
    lost.crash().await;
    service.post(&sample::event("ann", "e")).await.expect(202);

    let told = printed(&home, &["erase", "ann", "--confirm", "ann", "--no-wait"]);
    let id = told.split_whitespace().nth(1).expect("an id");
    let waiting = eventually("one is waited for", SOON, || async {
        let told = printed(&home, &["receipt", id]);
        let line = told.lines().find(|line| line.contains("  waiting  "))?;
        told.contains("  done  ").then(|| line.to_owned())
    })
    .await;
    let instance = waiting.split_whitespace().nth(1).expect("an instance");
    printed(&home, &["lost", instance]);

    eventually("the erasure is done", SOON, || async {
        let told = printed(&home, &["receipt", id]);
        (told.contains(", done\n") && told.contains(&format!("{instance}  missing"))).then_some(())
    })
    .await;
    let unknown = users(&home, &["lost", "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88"]);
    assert_eq!(unknown.status.code(), Some(1));
}

/// One that was taken for lost and hangs only.
#[tokio::test]
async fn an_instance_that_was_given_up_takes_part_when_it_goes_on() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let service = Service::start(&home).await;
    // Longer than it takes to be stopped after a 202.
    let given_up = Service::start_with(&elsewhere, &[("WRITE_MAX_WAIT_MS", "5000")]).await;
    eventually("both are known", SOON, || async {
        let asked = super::erase::erase(&service, "nobody", json!({})).await;
        let receipt = receipt(&service, &asked).await;
        (receipt["instances"].as_array().expect("instances").len() == 2).then_some(())
    })
    .await;
    given_up.post(&sample::event("ann", "accepted by the one that is given up")).await.expect(202);
    given_up.signal("STOP");
    service.post(&sample::event("ann", "e")).await.expect(202);
    let told = printed(&home, &["erase", "ann", "--confirm", "ann", "--no-wait"]);
    let id = told.split_whitespace().nth(1).expect("an id");
    let instance = eventually("one is waited for", SOON, || async {
        let told = printed(&home, &["receipt", id]);
        let line = told.lines().find(|line| line.contains("  waiting  "))?;
        told.contains("  done  ").then(|| line.split_whitespace().nth(1).map(str::to_owned))?
    })
    .await;
    printed(&home, &["lost", &instance]);
    eventually("the erasure is done", SOON, || async {
        printed(&home, &["receipt", id]).contains(", done\n").then_some(())
    })
    .await;

    given_up.signal("CONT");

    eventually("it has taken part", 5 * SOON, || async {
        let told = printed(&home, &["receipt", id]);
        assert!(told.contains(", done\n"), "{told}");
        told.contains(&format!("{instance}  done")).then_some(())
    })
    .await;
    // It wrote what it had before it knew.
    assert_eq!(service.journey("ann", "").await["count"], 0, "{}", given_up.log());
}
