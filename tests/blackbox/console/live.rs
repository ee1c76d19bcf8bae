//! What comes, as it comes; and a site that is connected.

use serde_json::json;

use super::visitor::{Visitor, between};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    what_is_accepted_comes_to_whoever_waits,
    a_key_is_made_and_the_first_event_is_seen_and_one_that_is_refused_too,
);

async fn what_is_accepted_comes_to_whoever_waits(home: Home) {
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let page = admin.page("/console/live").await;
    let from = between(&page, "data-from=\"", "\"").expect("where it begins");
    let events = json!([
        {"userId": "ann", "type": "search", "payload": {"query": "<b>socks</b>"}, "eventId": "e-1"},
        {"userId": "bob", "type": "odd_thing"},
    ]);
    service.post(&events).await.expect(202);
    let rows = admin.page(&format!("/console/live/rows?from={from}")).await;
    assert!(rows.contains("Searched for <b>&#60;b&#62;socks"), "{rows}");
    assert!(rows.contains("/console/users/ann?around=e-1"), "{rows}");
    let ann = rows.find("socks").expect("hers");
    assert!(rows.find("Odd thing").expect("his") < ann, "the newest is the first: {rows}");
    // It goes on from there, and what is of another process is told.
    let next = between(&rows, "data-from=\"", "\"").expect("where it goes on");
    assert_ne!(next, from);
    let other = admin.page("/console/live/rows?from=0000000000000000-1-1").await;
    assert!(other.contains("Some may be missing here"), "{other}");
}

async fn a_key_is_made_and_the_first_event_is_seen_and_one_that_is_refused_too(home: Home) {
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let page = admin.page("/console/connect").await;
    assert!(page.contains("Events need no write key yet"), "{page}");
    let wrong = [("name", "my shop"), ("origins", "https://shop.example/path")];
    let refused = admin.post("/console/connect", &wrong).await.expect(400).text();
    assert!(refused.contains("<b>name</b>") && refused.contains("<b>origins[0]</b>"), "{refused}");
    assert!(refused.contains("https://shop.example/path"), "{refused}");

    let form = [("name", "shop"), ("origins", "https://shop.example https://www.shop.example")];
    let made = admin.post("/console/connect", &form).await.expect(201).text();
    let key =
        between(&made, "data-key=<b>\"", "\"</b>").expect("the snippet has the key").to_owned();
    assert!(key.starts_with("wk_"), "{key}");
    let page = admin.page("/console/connect").await;
    assert!(!page.contains(&key) && page.contains("one of the keys shop"), "{page}");

    let from = between(&page, "data-from=\"", "\"").expect("where it begins").to_owned();
    let since = between(&page, "data-since=\"", "\"").expect("since when").to_owned();
    service.post(&json!({"userId": "ann", "type": "search"})).await.expect(401);
    let event = json!({"userId": "ann", "type": "page_view", "payload": {"path": "/lamps"}});
    service.post_to(&format!("/events?writeKey={key}"), &event).await.expect(202);
    eventually("both are seen", SOON, || async {
        let path = format!("/console/connect/rows?from={from}&since={since}");
        let rows = admin.page(&path).await;
        let has_both = rows.contains("/lamps") && rows.contains("Refused: ");
        has_both.then_some(())
    })
    .await;
}
