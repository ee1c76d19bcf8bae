//! A move that is killed goes on where it was.

use std::process::Command;
use std::time::Duration;

use rand::Rng as _;

use super::{Moving, complaint, count, database, move_to, told};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

const EVENTS: u64 = 30_000;

const LIMIT: Duration = SOON.saturating_mul(8);

fn seeded() -> Home {
    let home = Home::embedded();
    let seed = home.shell("seed").arg(EVENTS.to_string()).output().expect("the binary");
    assert!(seed.status.success(), "{}", String::from_utf8_lossy(&seed.stderr));
    home
}

/// Some users with all that they did, by the export, and who signs in for that.
async fn journeys(home: &Home) -> Vec<Vec<String>> {
    let service = Service::start(home).await;
    let mut journeys = Vec::new();
    for user in (1..1_500).step_by(100) {
        journeys.push(service.export_ids(&format!("user-{user:06}")).await);
    }
    assert_eq!(service.terminate().await.code, Some(0));
    journeys
}

#[tokio::test]
async fn a_move_that_is_killed_at_ten_fifty_and_ninety_nine_percent_goes_on() {
    let mut home = seeded();
    let before = journeys(&home).await;
    let uri = Home::unused_uri();
    let database = database(&uri).await;
    for percent in [10, 50, 99] {
        let moving = Moving::start(&home, &uri);
        eventually("so much is there", LIMIT, || async {
            (count(&database, "events").await >= EVENTS * percent / 100).then_some(())
        })
        .await;
        drop(moving);
        assert!(count(&database, "events").await <= EVENTS);
    }

    // Nothing starts on a part: not with what was, not with what is to be, not elsewhere.
    let refused = Service::refuses_to_start(&home, &[]).await;
    assert!(refused.log.contains("is being moved to"), "{}", refused.log);
    let refused = Service::refuses_to_start(&home, &[("MONGODB_URI", &uri)]).await;
    assert!(refused.log.contains("is being moved to"), "{}", refused.log);
    let elsewhere = Home::at(uri.clone());
    let other = Service::start_unready(&elsewhere, &[]).await;
    eventually("it says why it does not begin", SOON, || async {
        other.log().contains("a move into this database has not ended").then_some(())
    })
    .await;
    assert_eq!(other.get("/readyz").await.status, 503);

    told(&move_to(&home, &uri));
    assert_eq!(count(&database, "events").await, EVENTS);
    // It goes on by itself, and has written nothing meanwhile: or the numbers would differ.
    other.wait_until_ready().await;
    assert_eq!(other.terminate().await.code, Some(0));
    home.settle_at(&uri);
    assert_eq!(journeys(&home).await, before);
}

#[tokio::test]
async fn a_move_that_is_killed_at_any_moment_again_and_again_is_whole_in_the_end() {
    let rounds = std::env::var("MOVE_ROUNDS").map_or(6, |rounds| rounds.parse().expect("a number"));
    let home = seeded();
    let uri = Home::unused_uri();
    for _ in 0..rounds {
        let moving = Moving::start(&home, &uri);
        tokio::time::sleep(Duration::from_millis(rand::rng().random_range(0..1_500))).await;
        drop(moving);
    }
    told(&move_to(&home, &uri));
    assert_eq!(count(&database(&uri).await, "events").await, EVENTS);
}

/// Ctrl-C is an end in order: what is under way is finished, and it says how to go on.
#[tokio::test]
async fn a_move_that_is_interrupted_says_how_to_go_on() {
    let home = seeded();
    let uri = Home::unused_uri();
    let database = database(&uri).await;
    let mut moving = Moving::start(&home, &uri);
    eventually("some is there", LIMIT, || async {
        (count(&database, "events").await > 0).then_some(())
    })
    .await;
    let id = moving.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    let status = eventually("it ends", LIMIT, || {
        std::future::ready(moving.child.try_wait().expect("a child"))
    })
    .await;
    assert_eq!(status.code(), Some(130));
    let elsewhere = complaint(&move_to(&seeded(), &uri), 1);
    assert!(elsewhere.contains("another move"), "{elsewhere}");
    told(&move_to(&home, &uri));
    assert_eq!(count(&database, "events").await, EVENTS);
}
