//! Several instances on one database.

use std::time::{Duration, Instant};

use super::{listed, make, post, post_without, revoke};
use crate::eventually::eventually;
use crate::home::Home;
use crate::service::Service;

/// In this time, what one instance does is in force on every other.
const IN_FORCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn what_one_instance_does_is_in_force_on_another_within_five_seconds() {
    let (home, elsewhere) = {
        let home = Home::mongodb();
        let elsewhere = home.on_another_machine();
        (home, elsewhere)
    };
    let here = Service::start(&home).await;
    let there = Service::start(&elsewhere).await;
    for round in 0..2 {
        post_without(&there).await.expect(202);
        let made = make(&here, &format!("shop-{round}")).await;
        post(&here, &made.key).await.expect(202);
        let since = Instant::now();
        eventually("a key is needed there", IN_FORCE, || async {
            (post_without(&there).await.status == 401).then_some(())
        })
        .await;
        post(&there, &made.key).await.expect(202);
        eprintln!("made: in force after {:?}", since.elapsed());

        // Each revokes what the other made.
        revoke(&there, &made.id).await.expect(204);
        post(&there, &made.key).await.expect(202);
        assert!(listed(&here).await.is_empty());
        let since = Instant::now();
        eventually("none is needed here", IN_FORCE, || async {
            (post_without(&here).await.status == 202).then_some(())
        })
        .await;
        eprintln!("revoked: in force after {:?}", since.elapsed());
    }

    let (kept, revoked) = (make(&here, "kept").await, make(&here, "revoked").await);
    revoke(&here, &revoked.id).await.expect(204);
    post(&here, &revoked.key).await.problem(401);
    eventually("the other has both changes", IN_FORCE, || async {
        let (kept, revoked) = (post(&there, &kept.key).await, post(&there, &revoked.key).await);
        ((kept.status, revoked.status) == (202, 401)).then_some(())
    })
    .await;
}

/// An instance that was down while a key was revoked takes it until it has looked.
#[tokio::test]
async fn an_instance_that_was_down_meanwhile_catches_up_at_its_start() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let here = Service::start(&home).await;
    let there = Service::start(&elsewhere).await;
    let made = make(&here, "shop").await;
    let other = make(&here, "other").await;
    eventually("the other has both", IN_FORCE, || async {
        (post(&there, &other.key).await.status == 202).then_some(())
    })
    .await;
    there.crash().await;
    revoke(&here, &made.id).await.expect(204);
    let there = Service::start(&elsewhere).await;
    eventually("the other has caught up", IN_FORCE, || async {
        (post(&there, &made.key).await.status == 401).then_some(())
    })
    .await;
    post(&there, &other.key).await.expect(202);
}
