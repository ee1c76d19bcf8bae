//! A restore that is killed leaves the old database or the new one.

use std::process::Stdio;
use std::time::Duration;

use rand::Rng as _;

use super::{Shelf, back_up, restore, text};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

/// Rounds; `RESTORE_ROUNDS` sets more.
fn rounds() -> usize {
    std::env::var("RESTORE_ROUNDS").map_or(12, |rounds| rounds.parse().expect("a number"))
}

#[tokio::test]
async fn a_restore_that_is_killed_leaves_the_old_state_or_the_new_one() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::events("ann", "old", 0..300)).await.expect(202);
    let shelf = Shelf::new();
    back_up(&home, &shelf).await;
    service.post(&sample::events("ann", "new", 0..20)).await.expect(202);
    service.wait_until_flushed().await;
    service.terminate().await;
    let new = std::fs::read(home.folder().join("trailkeep.db")).unwrap();
    let (mut left_old, mut left_new) = (0, 0);
    for _ in 0..rounds() {
        std::fs::write(home.folder().join("trailkeep.db"), &new).unwrap();
        let mut command = home.shell("restore");
        command.args([text(&shelf.backup()), "--replace"]);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary");
        let pause = rand::rng().random_range(0..400);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let _ = child.kill();
        child.wait().unwrap();

        let service = Service::start_unready(&home, &[]).await;
        service.wait_until_ready().await;
        let left = home.files();
        assert!(!left.iter().any(|file| file.to_string_lossy().contains("restoring")), "{left:?}");
        match service.journey("ann", "?limit=1000").await["count"].as_u64() {
            Some(320) => left_old += 1,
            Some(300) => left_new += 1,
            other => panic!("neither the old state nor the new one: {other:?}"),
        }
        service.terminate().await;
    }
    eprintln!(
        "killed {} times: {left_old} times the old state, {left_new} times the new one",
        rounds()
    );
    restore(&home, &shelf, &["--replace"]).await;
    let service = Service::start(&home).await;
    assert_eq!(service.journey("ann", "?limit=1000").await["count"], 300);
}
