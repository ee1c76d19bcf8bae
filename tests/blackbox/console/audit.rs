//! The audit trail, read by hand.

use serde_json::json;

use super::visitor::{MARKUP, Visitor, between};
use crate::home::Home;
use crate::service::Service;
use crate::staff::ADMIN;

on_both_stores!(what_was_done_is_told_in_words_and_found_by_who_and_about_whom);

const AUDIT: &str = "/console/audit";

async fn what_was_done_is_told_in_words_and_found_by_who_and_about_whom(home: Home) {
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let support = Visitor::of_role(&service, "sue@example.com", "support").await;
    let event = json!({ "userId": "u/1", "type": "page_view" });
    service.post(&event).await.expect(202);
    support.get("/console/users/u%2F1").await.expect(200);

    let page = admin.page(AUDIT).await;
    let looked = page.split("<tr>").find(|row| row.contains("Looked at a journey"));
    let looked = looked.expect("the look is there");
    assert!(looked.contains("sue@example.com"), "{looked}");
    assert!(looked.contains("<a href=\"/console/users/u%2F1\">u/1</a>"), "{looked}");
    assert!(looked.contains("127.0.0.1"), "{looked}");
    assert!(page.contains("Made an account") && page.contains("Signed in"), "{page}");

    let of_sue = admin.page("/console/audit?actor=sue%40example.com&subject=&day=").await;
    assert!(of_sue.contains("Looked at a journey") && !of_sue.contains("Made an account<"));
    let about = admin.page("/console/audit?actor=&subject=u%2F1&day=").await;
    assert!(about.contains("Looked at a journey") && !about.contains(">Signed in<"), "{about}");
    let nobody = admin.page("/console/audit?actor=nobody").await;
    assert!(nobody.contains("Nothing here"), "{nobody}");
    assert!(admin.page("/console/audit?day=2001-01-01").await.contains("Nothing here"));
    assert!(admin.page("/console/audit?day=2199-12-31").await.contains("Looked at a journey"));
    admin.get("/console/audit?day=yesterday").await.expect(400);
    support.get(AUDIT).await.expect(403);
}

#[tokio::test]
async fn pages_follow_each_other_with_their_filter_and_subjects_are_text() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    for _ in 0..120 {
        let query = form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect::<String>();
        admin.get(&format!("/console/?q={query}")).await.expect(200);
    }
    let first = admin.page(&format!("{AUDIT}?actor={ADMIN}")).await;
    assert!(!first.contains(MARKUP) && first.contains("&#60;img"), "markup is not escaped");
    assert_eq!(first.matches(">Searched<").count(), 100);
    let older = between(&first, "href=\"/console/audit?actor=admin%40example.com&#38;", "\"");
    let older = older.expect("a link to older ones").replace("&#38;", "&");
    let second = admin.page(&format!("{AUDIT}?actor={ADMIN}&{older}")).await;
    assert_eq!(second.matches(">Searched<").count(), 20);
    assert!(second.contains(">Newest</a>") && !second.contains(">Older</a>"), "{second}");
}
