//! Events set aside and requests refused, as an administrator handles them.

use serde_json::json;

use super::visitor::{MARKUP, Visitor, between};
use crate::dead_letters::rules::{Of, accept, events, refuse};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    an_event_that_was_set_aside_is_read_retried_and_dropped,
    all_are_dropped_after_a_question_and_all_are_retried,
);

const SET_ASIDE: &str = "/console/set-aside";

/// A service with so many events set aside.
async fn with_letters(home: &Home, refused: &[usize]) -> Service {
    let service = Service::start(home).await;
    refuse(home, Of::Events).await;
    service.post(&events("ann", 0..5, refused)).await.expect(202);
    service.wait_until_flushed().await;
    service
}

/// The pages of the letters that are listed.
fn links(page: &str) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    for part in page.split("href=\"/console/set-aside/").skip(1) {
        let id = part.split(['"', '/']).next().expect("an id");
        let link = format!("{SET_ASIDE}/{id}");
        if id.len() == 36 && !links.contains(&link) {
            links.push(link);
        }
    }
    links
}

async fn an_event_that_was_set_aside_is_read_retried_and_dropped(home: Home) {
    let service = with_letters(&home, &[1, 3]).await;
    let admin = Visitor::admin(&service).await;
    let page = admin.page(SET_ASIDE).await;
    let links = links(&page);
    assert_eq!(links.len(), 2, "{page}");
    assert!(page.contains("Against a rule of the database") && page.contains("2 events"));

    let letter = admin.page(&links[0]).await;
    assert!(letter.contains("href=\"/console/users/ann\""), "{letter}");
    assert!(letter.contains("a.b") && letter.contains("\u{e4}"), "the payload is missing");
    let retry = format!("{}/retry", links[0]);
    let told = admin.done(&retry, &[]).await;
    assert!(told.contains("refuses the event again") && told.contains("2 times"), "{told}");

    let drop = format!("{}/drop", links[1]);
    assert!(admin.page(&drop).await.contains("Drop the event purchase?"));
    admin.post_from_elsewhere(&drop, &[]).await.expect(403);
    assert_eq!(service.dead_letters().await.len(), 2);
    assert!(admin.done(&drop, &[]).await.contains("The event is dropped."));
    admin.get(&links[1]).await.expect(404);

    accept(&home, Of::Events).await;
    admin.post_from_elsewhere(&retry, &[]).await.expect(403);
    let told = admin.done(&retry, &[]).await;
    assert!(told.contains("The event is stored"), "{told}");
    assert!(told.contains("Nothing is set aside"), "{told}");
    assert_eq!(service.journey_ids("ann", "").await.len(), 4);
}

async fn all_are_dropped_after_a_question_and_all_are_retried(home: Home) {
    let service = with_letters(&home, &[0, 1, 2]).await;
    let admin = Visitor::admin(&service).await;
    let drop = format!("{SET_ASIDE}/drop");
    assert!(admin.page(&drop).await.contains("Drop 3 events?"));
    let retry = format!("{SET_ASIDE}/retry");
    admin.post_from_elsewhere(&drop, &[]).await.expect(403);
    admin.post_from_elsewhere(&retry, &[]).await.expect(403);
    let told = admin.done(&retry, &[]).await;
    assert!(told.contains("All were tried again") && links(&told).len() == 3, "{told}");
    let told = admin.done(&drop, &[]).await;
    assert!(told.contains("Nothing is set aside"), "{told}");
    assert!(service.dead_letters().await.is_empty());
    assert_eq!(admin.get(&drop).await.expect(303).header("location"), SET_ASIDE);

    service.post(&events("bob", 10..12, &[11])).await.expect(202);
    service.wait_until_flushed().await;
    accept(&home, Of::Events).await;
    let told = admin.done(&retry, &[]).await;
    assert!(told.contains("Nothing is set aside"), "{told}");
    assert_eq!(service.journey_ids("bob", "").await.len(), 2);
}

#[tokio::test]
async fn refused_requests_are_told_with_their_faults_and_whatever_was_sent_is_text() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let page = admin.page(SET_ASIDE).await;
    assert!(page.contains("None was refused") && page.contains("Nothing is set aside"));
    let request = service.request(reqwest::Method::POST, "/events").header("user-agent", MARKUP);
    service.send_as_it_is(request.json(&json!({ "type": "page_view" }))).await.expect(400);
    let page = admin.page(SET_ASIDE).await;
    assert!(page.contains("<code>userId</code> is missing"), "{page}");
    assert!(page.contains("Invalid events") && page.contains("127.0.0.0/24"), "{page}");

    refuse(&home, Of::Events).await;
    let event = json!({ "userId": MARKUP, "type": "purchase", "payload": { MARKUP: MARKUP } });
    service.post(&event).await.expect(202);
    service.wait_until_flushed().await;
    let page = admin.page(SET_ASIDE).await;
    let letter = admin.page(&links(&page)[0]).await;
    for page in [&page, &letter] {
        assert!(!page.contains(MARKUP), "markup is not escaped: {page}");
    }
    let user = between(&letter, "<dt>User</dt><dd><a href=\"", "\"").expect("a link");
    admin.get(user).await;
    assert!(user.starts_with("/console/users/%3Cimg"), "{user}");
}

#[tokio::test]
async fn what_is_set_aside_is_for_administrators() {
    let home = Home::embedded();
    let service = with_letters(&home, &[1]).await;
    let admin = Visitor::admin(&service).await;
    let letter = links(&admin.page(SET_ASIDE).await).remove(0);
    let support = Visitor::of_role(&service, "sue@example.com", "support").await;
    for path in [SET_ASIDE, &letter, &format!("{letter}/drop"), "/console/set-aside/drop"] {
        support.get(path).await.expect(403);
    }
    for path in [&format!("{letter}/drop"), &format!("{letter}/retry"), "/console/set-aside/retry"]
    {
        support.post(path, &[]).await.expect(403);
    }
    assert_eq!(service.dead_letters().await.len(), 1);
    admin.get("/console/set-aside/00000000-0000-0000-0000-000000000000").await.expect(404);
    admin.get("/console/set-aside?cursor=x").await.expect(400);
}
