//! What was accepted and not stored.

use super::{move_to, told};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

#[tokio::test]
async fn what_the_journal_holds_is_stored_where_the_store_was_moved_to() {
    let mut home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::events("ann", "stored", 0..3)).await.expect(202);
    service.wait_until_flushed().await;
    let session = service.admin().await.to_owned();
    assert_eq!(service.terminate().await.code, Some(0));
    // It waits longer for a write than it lives.
    let service = Service::start_unready(&home, &[("WRITE_MAX_WAIT_MS", "60000")]).await;
    service.wait_until_ready().await;
    service.post(&sample::events("ann", "waiting", 0..3)).await.expect(202);
    service.crash().await;
    assert_eq!(home.stored().await, 3);

    let uri = Home::unused_uri();
    told(&move_to(&home, &uri));

    home.settle_at(&uri);
    let service = Service::start_unready(&home, &[]).await;
    service.wait_until_ready().await;
    service.admin.set(session).expect("nobody yet");
    let wanted = [sample::ids("stored", 0..3), sample::ids("waiting", 0..3)].concat();
    assert_eq!(service.export_ids("ann").await, wanted);
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 6);
}
