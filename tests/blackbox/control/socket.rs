//! The socket itself: there while the service is, and for nobody else.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use super::{Shell, path};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;
use crate::staff::ADMIN;

on_both_stores!(
    it_is_there_for_its_user_alone_and_gone_after_a_stop,
    that_of_a_killed_service_is_replaced,
    a_second_service_on_the_folder_is_refused_and_the_first_one_goes_on,
    what_has_its_name_stays_and_the_service_starts_without_one,
);

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("a file").permissions().mode() & 0o777
}

fn list(home: &Home) -> Output {
    home.shell("admin").arg("list").output().expect("the binary")
}

#[track_caller]
fn assert_lists(home: &Home) {
    let output = list(home);
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.starts_with(ADMIN), "{out}{err}");
    assert_eq!(err, "");
}

async fn it_is_there_for_its_user_alone_and_gone_after_a_stop(home: Home) {
    // A folder as containers mount it.
    fs::set_permissions(home.folder(), Permissions::from_mode(0o777)).expect("our folder");
    let service = Service::start(&home).await;
    assert_eq!(mode(&path(&home)), 0o600);
    assert_lists(&home);
    assert_eq!(service.terminate().await.code, Some(0));
    let left = home.files().into_iter().filter(|file| file.to_string_lossy().contains("control"));
    assert_eq!(left.count(), 0);
    assert!(!home.folder().join(".control").exists());
    assert_lists(&home);
}

async fn that_of_a_killed_service_is_replaced(home: Home) {
    Service::start(&home).await.crash().await;
    assert!(path(&home).exists(), "nobody has removed it");
    assert_lists(&home);
    let service = Service::start(&home).await;
    Shell::of(&home).get("/users").await.expect(200);
    assert_lists(&home);
    assert_eq!(service.terminate().await.code, Some(0));
    assert!(!path(&home).exists());
}

async fn a_second_service_on_the_folder_is_refused_and_the_first_one_goes_on(home: Home) {
    let _service = Service::start(&home).await;
    let second = Service::refuses_to_start(&home, &[]).await;
    assert_eq!(second.code, Some(1), "{}", second.log);
    assert!(second.log.contains("in use by another process"), "{}", second.log);
    Shell::of(&home).get("/users").await.expect(200);
    assert_lists(&home);
}

async fn what_has_its_name_stays_and_the_service_starts_without_one(home: Home) {
    fs::write(path(&home), "mine").expect("our folder");
    let service = Service::start(&home).await;
    assert!(service.log().contains("something else is called"), "{}", service.log());
    let ended = service.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(fs::read_to_string(path(&home)).expect("our file"), "mine");
    assert_lists(&home);
    fs::remove_file(path(&home)).expect("our file");

    fs::create_dir(path(&home)).expect("our folder");
    let service = Service::start(&home).await;
    assert!(service.log().contains("Move it away"), "{}", service.log());
    assert_eq!(service.terminate().await.code, Some(0));
    assert!(path(&home).is_dir());
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_socket_is_told_and_the_service_starts_without_one() {
    let home = Home::embedded();
    let folder = home.folder().join("l".repeat(100));
    let bytes = folder.join("control.sock").as_os_str().len().to_string();
    let data_dir = folder.to_str().expect("text");
    let service = Service::start_with(&home, &[("DATA_DIR", data_dir)]).await;
    let log = service.log();
    for word in [bytes.as_str(), "may have 107", "a shorter store.data_dir", "control.sock"] {
        assert!(log.contains(word), "no {word:?} in {log}");
    }
    let refused =
        home.shell("admin").arg("list").env("DATA_DIR", data_dir).output().expect("the binary");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    for word in ["in use by another process", "does not listen at", "log says why not"] {
        assert!(told.contains(word), "no {word:?} in {told}");
    }
    assert_eq!(service.terminate().await.code, Some(0));
}

#[tokio::test]
async fn a_service_that_has_another_database_is_asked_nothing() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let elsewhere = Home::mongodb();
    let uri = elsewhere.mongodb_uri().expect("a URI");
    let mut command = home.shell("dead-letters");
    let refused = command.args(["drop", "--all", "--yes"]).env("MONGODB_URI", uri).output();
    let refused = refused.expect("the binary");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    let database = uri.rsplit('/').next().expect("a database");
    for word in ["keeps its data in the embedded store", database, "Leave out MONGODB_URI"] {
        assert!(told.contains(word), "no {word:?} in {told}");
    }
    assert_eq!(service.terminate().await.code, Some(0));

    // Without a word of a database, it is that of the service.
    let service = Service::start(&elsewhere).await;
    let output = home.shell("admin").arg("list").env("DATA_DIR", elsewhere.folder()).output();
    let output = output.expect("the binary");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with(ADMIN));
    assert_eq!(service.terminate().await.code, Some(0));
}

#[tokio::test]
async fn a_command_that_comes_while_the_service_stops_waits_for_that() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.signal("TERM");
    assert_lists(&home);
    service.wait(SOON).await;
}

#[tokio::test]
async fn a_service_that_does_not_answer_for_ten_seconds_is_told() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.signal("STOP");
    eventually("it is held", SOON, || {
        let status = fs::read_to_string(format!("/proc/{}/status", service.pid()));
        let status = status.expect("the service is there");
        std::future::ready(status.contains("State:\tT").then_some(()))
    })
    .await;
    let started = Instant::now();
    let output = list(&home);
    let took = started.elapsed();
    service.signal("CONT");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("does not answer") && told.contains("within 10 s"), "{told}");
    assert!((10..30).contains(&took.as_secs()), "{took:?}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_lists(&home);
}
