//! What was answered holds after a crash, and without the database.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{assert_problem, listed, make, post, post_without, revoke, try_to_make};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::service::Service;
use serde_json::json;

on_both_stores!(what_was_answered_holds_after_kill_9);

const IMPATIENT: [(&str, &str); 2] =
    [("HEALTH_CHECK_INTERVAL_MS", "100"), ("STORE_READ_TIMEOUT_MS", "2000")];

async fn what_was_answered_holds_after_kill_9(home: Home) {
    let mut kept = Vec::new();
    for round in 0..3 {
        let service = Service::start(&home).await;
        let made = make(&service, &format!("kept-{round}")).await;
        let doomed = make(&service, &format!("doomed-{round}")).await;
        revoke(&service, &doomed.id).await.expect(204);
        service.crash().await;

        let service = Service::start_unready(&home, &[]).await;
        post_without(&service).await.problem(401);
        post(&service, &doomed.key).await.problem(401);
        kept.push(made.key);
        for key in &kept {
            post(&service, key).await.expect(202);
        }
        service.crash().await;
    }
    let file = fs::metadata(home.folder().join("write-keys")).expect("the file");
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_start_without_the_database_takes_what_was_taken_before() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &IMPATIENT).await;
    let (kept, revoked) = (make(&service, "kept").await, make(&service, "revoked").await);
    revoke(&service, &revoked.id).await.expect(204);
    // In the middle of it: nothing was answered, so nothing has changed.
    server.pause();
    assert_eq!(try_to_make(&service, &json!({ "name": "late" })).await.status, 503);
    assert_eq!(revoke(&service, &kept.id).await.status, 503);
    post(&service, &kept.key).await.expect(202);
    service.crash().await;

    let service = Service::start_unready(&home, &IMPATIENT).await;
    post(&service, &kept.key).await.expect(202);
    post(&service, &revoked.key).await.problem(401);
    post_without(&service).await.problem(401);
    server.resume();
    service.wait_until_ready().await;
    post(&service, &kept.key).await.expect(202);
    post(&service, &revoked.key).await.problem(401);
}

#[tokio::test]
async fn that_there_were_no_keys_is_known_without_the_database_too() {
    let server = Mongod::start();
    let home = Home::on(&server);
    Service::start_with(&home, &IMPATIENT).await.crash().await;
    server.pause();
    let service = Service::start_unready(&home, &IMPATIENT).await;
    post_without(&service).await.expect(202);
    server.resume();
}

#[tokio::test]
async fn a_first_start_without_the_database_takes_nothing_until_that_answers() {
    let server = Mongod::not_yet_started();
    let home = Home::on(&server);
    let service = Service::start_unready(&home, &IMPATIENT).await;
    for answer in [post_without(&service).await, post(&service, "wk_x").await] {
        assert_problem(&answer, 503, "starting");
        assert_eq!(answer.header("retry-after"), "1");
    }
    let ready = service.get("/readyz").await.expect(503);
    assert_eq!(ready.text().trim(), "starting");

    // Of the settings' own it is known that they are taken.
    let elsewhere = home.on_another_machine();
    let keys = [("ACCESS_WRITE_KEYS", "app:wk-0123456789-app1"), IMPATIENT[0], IMPATIENT[1]];
    let beside = Service::start_unready(&elsewhere, &keys).await;
    post(&beside, "wk-0123456789-app1").await.expect(202);
    post_without(&beside).await.problem(401);
    assert_problem(&post(&beside, "wk_x").await, 503, "starting");

    server.restart();
    service.wait_until_ready().await;
    post_without(&service).await.expect(202);
    assert_eq!(service.stats().await["refused"]["starting"], 2);
    beside.wait_until_ready().await;
    eventually("it is no key", SOON, || async {
        (post(&beside, "wk_x").await.status == 401).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_damaged_or_missing_is_told_and_written_again() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &IMPATIENT).await;
    let made = make(&service, "shop").await;
    service.crash().await;
    let path = home.folder().join("write-keys");
    let whole = fs::read(&path).expect("the file");
    let mut flipped = whole.clone();
    *flipped.last_mut().expect("a byte") ^= 1;
    for damaged in [&flipped[..], &whole[..whole.len() / 2], b""] {
        fs::write(&path, damaged).expect("the file");
        server.pause();
        let service = Service::start_unready(&home, &IMPATIENT).await;
        assert_problem(&post(&service, &made.key).await, 503, "starting");
        assert!(service.log().contains("the write keys cannot be read there"), "it is told");
        server.resume();
        service.wait_until_ready().await;
        eventually("the key is taken", SOON, || async {
            (post(&service, &made.key).await.status == 202).then_some(())
        })
        .await;
        post_without(&service).await.problem(401);
        eventually("the file is whole", SOON, || {
            std::future::ready((fs::read(&path).expect("the file") == whole).then_some(()))
        })
        .await;
        service.crash().await;
    }
}

/// As with every other change: nobody is told what nobody will be able to look up.
#[tokio::test]
async fn while_the_trail_cannot_be_written_no_key_is_told() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let made = make(&service, "shop").await;
    let database = home.sqlite();
    let renamed = database.execute_batch("ALTER TABLE audit_trail RENAME TO away");
    renamed.expect("the table is there");
    let refused = try_to_make(&service, &json!({ "name": "app" })).await;
    assert_problem(&refused, 503, "not-noted");
    assert_problem(&revoke(&service, &made.id).await, 503, "not-noted");
    database.execute_batch("ALTER TABLE away RENAME TO audit_trail").expect("it is back");
    // Both were done, and are in the trail once it can be written.
    let expected = ["write-key.revoke shop", "write-key.create app", "write-key.create shop"];
    eventually("all is in the trail", SOON, || async {
        let trail = service.get("/api/audit?limit=500").await.expect(200).json();
        let entries = trail["entries"].as_array().expect("entries").iter();
        let told = entries.filter_map(|entry| {
            let (action, subject) = (entry["action"].as_str()?, entry["subject"].as_str()?);
            action.starts_with("write-key.").then(|| format!("{action} {subject}"))
        });
        told.eq(expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn where_the_folder_cannot_be_written_nothing_is_promised() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let (made, other) = (make(&service, "shop").await, make(&service, "other").await);
    // Its place is taken: what a full disk, or one that may only be read, comes to.
    let aside = home.folder().join("write-keys.new");
    fs::create_dir(&aside).expect("a folder");
    let refused = try_to_make(&service, &json!({ "name": "app" })).await;
    assert_problem(&refused, 503, "not-written");
    assert_eq!(listed(&service).await.len(), 2);
    assert_problem(&revoke(&service, &made.id).await, 503, "not-written");
    post(&service, &made.key).await.problem(401);
    assert!(service.log().contains("cannot be written there"), "it is told");
    fs::remove_dir(&aside).expect("the folder");
    revoke(&service, &made.id).await.problem(404);
    make(&service, "app").await;
    service.crash().await;
    let service = Service::start_unready(&home, &[]).await;
    post(&service, &made.key).await.problem(401);
    post(&service, &other.key).await.expect(202);
}
