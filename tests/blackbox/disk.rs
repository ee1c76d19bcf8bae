//! The journal and the embedded store share a disk, and the database is not left
//! without room.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

const MEBIBYTE: usize = 1 << 20;

/// Whether this user may have a file system of its own, as users may unless a
/// container or the system's policy forbids it.
pub fn may_mount() -> bool {
    let tried = Command::new("unshare").args(["-Urm", "true"]).status();
    tried.is_ok_and(|status| status.success())
}

/// Where the service's folder is seen from outside.
fn seen(service: &Service, home: &Home) -> PathBuf {
    let folder = home.folder().strip_prefix("/").expect("an absolute path");
    Path::new("/proc").join(service.pid().to_string()).join("root").join(folder)
}

#[tokio::test]
async fn posts_are_refused_while_the_database_still_has_room_for_the_backlog() {
    if !may_mount() {
        eprintln!("not tried: this system lets nobody have a small file system without root");
        return;
    }
    let home = Home::embedded();
    let settings = [("WRITE_MAX_WAIT_MS", "4000")];
    let service = Service::start_on_a_small_disk(&home, 220 * MEBIBYTE, &settings).await;
    let disk =
        eventually("the disk was asked", SOON, || async { service.stats().await["disk"].as_u64() })
            .await;
    assert!(disk < 220 * MEBIBYTE as u64, "{disk}");
    service.post(&sample::events("u", "before", 0..100)).await.expect(202);

    // So that less than 64 MiB are left.
    let filler = seen(&service, &home).join("filler");
    let left = usize::try_from(disk).expect("small") - 50 * MEBIBYTE;
    fs::write(&filler, vec![1; left]).expect("room for it");
    let problem: Value = eventually("a post is refused", SOON, || async {
        let answer = service.post(&sample::event("v", "while it is full")).await;
        (answer.status == 503).then(|| answer.problem(503))
    })
    .await;
    assert_eq!(problem["type"], "urn:trailkeep:problem:not-written");
    assert_eq!(service.get("/readyz").await.expect(503).text(), "journal");
    // What was accepted is stored all the same.
    eventually("the backlog is stored", Duration::from_secs(30), || async {
        let stats = service.stats().await;
        (stats["bufferSize"] == 0 && stats["events"]["stored"].as_u64() >= Some(100)).then_some(())
    })
    .await;
    assert_eq!(service.get("/readyz").await.expect(503).text(), "journal");

    fs::remove_file(filler).expect("the file");
    service.wait_until_ready().await;
    service.post(&sample::event("u", "after")).await.expect(202);
}
