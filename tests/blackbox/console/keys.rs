//! Write keys, made and revoked by hand.

use serde_json::json;

use super::visitor::{MARKUP, Visitor, between};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    a_key_is_shown_on_the_page_that_makes_it_and_nowhere_again,
    a_key_is_revoked_after_a_question,
);

const KEYS: &str = "/console/keys";

/// Makes a key; the page says it.
async fn make(admin: &Visitor<'_>, name: &str) -> String {
    let made = admin.post(KEYS, &[("name", name), ("origins", ""), ("expiresAt", "")]).await;
    let page = made.expect(201).text();
    between(&page, "<pre tabindex=\"0\">", "</pre>").expect("the key").to_owned()
}

async fn post_with(service: &Service, key: &str) -> u16 {
    let request = service.request(reqwest::Method::POST, "/events").header("x-write-key", key);
    let event = json!({ "userId": "u", "type": "page_view" });
    service.send_as_it_is(request.json(&event)).await.status
}

async fn a_key_is_shown_on_the_page_that_makes_it_and_nowhere_again(home: Home) {
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    assert!(admin.page(KEYS).await.contains("No write keys"));
    let fields = [
        ("name", "shop-web"),
        ("origins", "https://shop.example\r\n\r\n  https://www.shop.example  "),
        ("expiresAt", "2199-12-31"),
    ];
    let made = admin.post(KEYS, &fields).await.expect(201);
    assert_eq!(made.header("cache-control"), "no-store");
    assert_eq!(made.header("location"), "");
    let page = made.text();
    let key = between(&page, "<pre tabindex=\"0\">", "</pre>").expect("the key");
    assert!(key.starts_with("wk_"), "{key}");
    assert_eq!(post_with(&service, key).await, 202);

    let page = admin.page(KEYS).await;
    assert!(!page.contains(key), "the key is shown again");
    assert!(page.contains(&format!("wk_…{}", &key[key.len() - 4..])));
    for told in ["shop-web", "https://shop.example", "https://www.shop.example", "31 December 2199"]
    {
        assert!(page.contains(told), "{told} is missing");
    }
    let listed = service.get("/api/write-keys").await.expect(200).json();
    assert_eq!(listed["writeKeys"][0]["expiresAt"], "2200-01-01T00:00:00.000Z");
}

async fn a_key_is_revoked_after_a_question(home: Home) {
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let key = make(&admin, "kiosk").await;
    let page = admin.page(KEYS).await;
    let link = between(&page, "danger\" href=\"", "\"").expect("a link").to_owned();
    let question = admin.page(&link).await;
    assert!(question.contains("Revoke the write key kiosk?"), "{question}");
    assert!(question.contains("It is the last one"), "{question}");
    assert_eq!(post_with(&service, &key).await, 202, "asking does nothing");

    admin.post_from_elsewhere(&link, &[]).await.expect(403);
    assert_eq!(post_with(&service, &key).await, 202);
    let page = admin.done(&link, &[]).await;
    assert!(page.contains("The write key is revoked."), "{page}");
    assert!(page.contains("No write keys"), "{page}");
    assert_eq!(post_with(&service, &key).await, 202, "anybody may post again");
    admin.get(&link).await.expect(404);
    admin.post(&link, &[]).await.expect(404);
}

#[tokio::test]
async fn what_is_wrong_with_a_key_stands_at_its_field_and_what_was_typed_stays() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let fields =
        [("name", MARKUP), ("origins", "https://a.example\nshop"), ("expiresAt", "2001-01-01")];
    let page = admin.post(KEYS, &fields).await.expect(400).text();
    for told in ["It must have 1 to 64 letters", "Line 2 must be", "It must lie in the future"] {
        assert!(page.contains(told), "{told} is missing: {page}");
    }
    assert!(page.contains("role=\"alert\""));
    assert!(!page.contains(MARKUP), "markup is not escaped");
    assert!(page.contains("&#60;img src=x onerror=alert(1)&#62;"));
    assert!(page.contains("value=\"2001-01-01\""));
    let page = admin.post(KEYS, &[("name", "a"), ("expiresAt", "soon")]).await.expect(400).text();
    assert!(page.contains("It must be a day"), "{page}");

    make(&admin, "app").await;
    let taken = admin.post(KEYS, &[("name", "app")]).await.expect(409).text();
    assert!(taken.contains("Another write key has this name"), "{taken}");
}

#[tokio::test]
async fn write_keys_are_for_administrators_and_no_page_of_another_site_makes_one() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[]).await;
    let admin = Visitor::admin(&service).await;
    admin.post_from_elsewhere(KEYS, &[("name", "stolen")]).await.expect(403);
    for role in ["staff", "support"] {
        let visitor = Visitor::of_role(&service, &format!("{role}@example.com"), role).await;
        visitor.get(KEYS).await.expect(403);
        visitor.post(KEYS, &[("name", "own")]).await.expect(403);
    }
    let stranger = Visitor::stranger(&service);
    let led = stranger.get(KEYS).await.expect(303);
    assert_eq!(led.header("location"), "/console/sign-in?back=%2Fconsole%2Fkeys");
    stranger.post(KEYS, &[("name", "own")]).await.expect(303);
    assert!(admin.page(KEYS).await.contains("No write keys"));
}

#[tokio::test]
async fn an_address_brings_no_words_of_its_own() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let page = admin.page("/console/keys?done=You+are+hacked").await;
    assert!(!page.contains("hacked") || !page.contains("class=\"notice\""), "{page}");
    assert!(admin.page("/console/keys?done=key-revoked").await.contains("class=\"notice\""));
    admin.get("/console/keys?page=0").await.expect(400);
    admin.get("/console/keys?sort=name").await.expect(400);
}

#[tokio::test]
async fn a_hundred_keys_fill_a_page_and_the_rest_are_on_the_next() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    for number in 0..102 {
        make(&admin, &format!("key-{number:03}")).await;
    }
    let first = admin.page(KEYS).await;
    assert!(first.contains("<b>key-101</b>") && first.contains("<b>key-002</b>"));
    assert!(!first.contains("<b>key-001</b>"));
    assert!(first.contains("href=\"/console/keys?page=2\""), "{first}");
    let second = admin.page("/console/keys?page=2").await;
    assert!(second.contains("<b>key-001</b>") && second.contains("<b>key-000</b>"));
    assert!(!second.contains("<b>key-002</b>"));
}
