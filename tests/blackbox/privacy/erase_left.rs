//! What is kept of a user for longer than the events that said it.

use std::time::Duration;

use bson::{Document, doc};
use serde_json::{Value, json};

use super::erase::{deleted, erase, wait_until_done};
use super::marked::{MARKER, places, user};
use crate::eventually::SOON;
use crate::home::Home;
use crate::processing::stored::Stored;
use crate::service::Service;

on_both_stores!(
    visits_and_who_was_signed_in_go_also_where_their_events_had_their_time,
    a_user_with_more_links_than_one_erasure_takes_goes_with_the_last,
);

/// What a retention leaves of events.
async fn let_events_expire(home: &Home) {
    match Stored::of(home).await {
        Stored::Embedded(file) => {
            assert!(file.execute("DELETE FROM events", []).expect("events") > 0);
        }
        Stored::MongoDb(database) => {
            let events = database.collection::<Document>("events");
            assert!(events.delete_many(doc! {}).await.expect("events").deleted_count > 0);
        }
    }
}

async fn visits_and_who_was_signed_in_go_also_where_their_events_had_their_time(home: Home) {
    let service = Service::start(&home).await;
    let visit = |user: &str, session: &str| json!({ "userId": user, "anonymousId": "kiosk", "sessionId": session, "type": "page_view" });
    // The kiosk is the first one's: of the second it only knows that that ended.
    service.post(&visit("bob", "of-bob")).await.expect(202);
    service.wait_until_flushed().await;
    service.post(&visit(&user(), "of-ann")).await.expect(202);
    service.wait_until_flushed().await;
    assert_eq!(service.terminate().await.code, Some(0));
    let_events_expire(&home).await;
    let service = Service::start(&home).await;
    let found =
        async |session: &str| service.get(&format!("/search?q={session}")).await.expect(200).text();
    assert!(found("of-ann").await.contains(MARKER));

    let asked = erase(&service, &user(), json!({})).await;
    let receipt = wait_until_done(&service, &asked).await;

    let left = places(&home).await;
    assert!(left.is_empty(), "{left:#?}\n{receipt:#}");
    assert_eq!(deleted(&receipt, "sessions"), 1, "{receipt:#}");
    assert!(!found("of-ann").await.contains(MARKER));
    assert!(found("of-bob").await.contains("bob"));
    let kiosk = service.get("/users/kiosk").await.expect(200).json();
    assert_eq!(kiosk["linkedTo"], "bob", "{kiosk:#}");
}

async fn a_user_with_more_links_than_one_erasure_takes_goes_with_the_last(home: Home) {
    const DEVICES: usize = 1_100;
    let service = Service::start(&home).await;
    let of_device = |number: usize| {
        let device = format!("device-{number}-{MARKER}");
        let before = json!({ "anonymousId": device, "type": "page_view" });
        [before, json!({ "userId": user(), "anonymousId": device, "type": "login" })]
    };
    let events: Vec<Value> = (0..DEVICES).flat_map(of_device).collect();
    for some in events.chunks(500) {
        service.post(&json!(some)).await.expect(202);
        service.wait_until_flushed().await;
    }

    let first = erase(&service, &user(), json!({})).await;
    assert_eq!(first["more"], true);
    let ids = first["ids"].as_array().expect("ids");
    assert!(!ids.contains(&json!(user())), "by the user the others are found");
    wait_long(&service, &first).await;
    let second = erase(&service, &user(), json!({})).await;
    assert_eq!(second["more"], false);
    wait_long(&service, &second).await;

    let left = places(&home).await;
    assert!(left.is_empty(), "{:#?}", left.iter().take(5).collect::<Vec<_>>());
}

/// A thousand ids take longer than one.
async fn wait_long(service: &Service, asked: &Value) {
    const LIMIT: Duration = SOON.saturating_mul(12);
    crate::eventually::eventually("a thousand ids are erased", LIMIT, || async {
        let receipt = super::erase::receipt(service, asked).await;
        (receipt["state"] == "done").then_some(())
    })
    .await;
}
