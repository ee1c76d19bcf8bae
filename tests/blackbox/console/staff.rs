//! The staff and the tokens, kept by hand.

use super::visitor::{MARKUP, Visitor, between};
use crate::home::Home;
use crate::service::Service;
use crate::staff::PASSWORD;

on_both_stores!(
    a_person_is_added_changed_disabled_and_enabled,
    a_token_is_shown_once_and_opens_until_it_is_revoked,
);

const STAFF: &str = "/console/staff";
const KIM: &str = "kim@example.com";

/// What makes Kim's account.
const NEW: [(&str, &str); 4] =
    [("name", "Kim Lee"), ("email", KIM), ("role", "support"), ("password", PASSWORD)];

async fn link_of(admin: &Visitor<'_>, name: &str) -> String {
    let page = admin.page(STAFF).await;
    let (before, _) = page.split_once(&format!("Change<span class=\"sr\"> {name}")).expect(name);
    let (_, link) = before.rsplit_once("href=\"").expect("a link");
    link.trim_end_matches("\">").to_owned()
}

async fn a_person_is_added_changed_disabled_and_enabled(home: Home) {
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let page = admin.done(STAFF, &NEW).await;
    assert!(page.contains("The account is made."), "{page}");
    assert!(page.contains("Kim Lee") && page.contains(KIM), "{page}");
    assert!(!page.contains(PASSWORD), "a password is shown");
    let kim = Visitor::signed_in(&service, KIM, PASSWORD).await;
    kim.get(STAFF).await.expect(403);

    let link = link_of(&admin, "Kim Lee").await;
    let page = admin.done(&link, &[("role", "admin")]).await;
    assert!(page.contains("The role is set."), "{page}");
    kim.get(STAFF).await.expect(200);
    let page = admin.done(&link, &[("disabled", "true")]).await;
    assert!(page.contains("The account is disabled") && page.contains("Enable the account"));
    kim.get(STAFF).await.expect(303);
    assert!(admin.page(STAFF).await.contains(">disabled<"));
    admin.done(&link, &[("disabled", "false")]).await;
    let kim = Visitor::signed_in(&service, KIM, PASSWORD).await;
    let page = admin.done(&link, &[("password", "another one of hers")]).await;
    assert!(page.contains("The password is set.") && !page.contains("another one of hers"));
    kim.get(STAFF).await.expect(303);
    Visitor::signed_in(&service, KIM, "another one of hers").await;
}

async fn a_token_is_shown_once_and_opens_until_it_is_revoked(home: Home) {
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    assert!(admin.page(STAFF).await.contains("No tokens"));
    let fields = [("name", "prometheus"), ("scope", "monitor"), ("expiresAt", "")];
    let path = "/console/staff/tokens";
    admin.post_from_elsewhere(path, &fields).await.expect(403);
    let page = admin.post(path, &fields).await.expect(201).text();
    let token = between(&page, "<pre tabindex=\"0\">", "</pre>").expect("the token").to_owned();
    let stats = || service.request(reqwest::Method::GET, "/stats").bearer_auth(&token);
    service.send_as_it_is(stats()).await.expect(200);

    let page = admin.page(STAFF).await;
    assert!(page.contains("prometheus") && !page.contains(&token), "{page}");
    assert_eq!(admin.get(path).await.expect(303).header("location"), STAFF);
    let link = between(&page, "danger\" href=\"", "\"").expect("a link").to_owned();
    assert!(admin.page(&link).await.contains("Revoke the token prometheus?"));
    service.send_as_it_is(stats()).await.expect(200);
    let page = admin.done(&link, &[]).await;
    assert!(page.contains("The token is revoked.") && page.contains("No tokens"), "{page}");
    service.send_as_it_is(stats()).await.problem(401);
    admin.get(&link).await.expect(404);
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field_and_no_password_comes_back() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let fields = [("name", MARKUP), ("email", "kim"), ("role", "king"), ("password", "short")];
    let page = admin.post(STAFF, &fields).await.expect(400).text();
    assert!(page.contains("must be support, staff or admin"), "{page}");
    let fields = [("name", MARKUP), ("email", "kim"), ("role", "staff"), ("password", "shrt")];
    let page = admin.post(STAFF, &fields).await.expect(400).text();
    assert!(!page.contains("shrt") && !page.contains(MARKUP), "{page}");
    assert_eq!(page.matches("aria-invalid").count(), 2, "{page}");
    admin.post(STAFF, &NEW).await.expect(303);
    let page = admin.post(STAFF, &NEW).await.expect(409).text();
    assert!(page.contains("This address has an account already."), "{page}");
    let fields = [("name", ""), ("scope", "all"), ("expiresAt", "2001-01-01")];
    let page = admin.post("/console/staff/tokens", &fields).await.expect(400).text();
    assert!(page.contains("It must be monitor, read or privacy."), "{page}");
}

#[tokio::test]
async fn the_last_administrator_stays_one_and_names_are_text() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let link = link_of(&admin, "Somebody").await;
    for fields in [[("disabled", "true")], [("role", "staff")]] {
        let page = admin.post(&link, &fields).await.expect(409).text();
        assert!(page.contains("The last enabled administrator"), "{page}");
    }
    admin.post(&link, &[("role", "king")]).await.expect(400);
    admin.post(&link, &[("disabled", "perhaps")]).await.expect(400);
    admin.get("/console/staff/nobody").await.expect(404);

    let fields = [("name", MARKUP), ("email", KIM), ("role", "admin"), ("password", PASSWORD)];
    admin.post(STAFF, &fields).await.expect(303);
    let kim = Visitor::signed_in(&service, KIM, PASSWORD).await;
    for path in [STAFF, "/console/account", "/console/keys", "/console/audit"] {
        let page = kim.page(path).await;
        assert!(!page.contains(MARKUP), "{path}");
    }
    // Who gives up the right is not left on a page that is not theirs any more.
    let given_up = kim.post(&link_of(&kim, "&#60;img").await, &[("role", "support")]).await;
    assert_eq!(given_up.expect(303).header("location"), "/console/");
    kim.get(STAFF).await.expect(403);
}

#[tokio::test]
async fn the_staff_is_for_administrators() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    admin.post_from_elsewhere(STAFF, &NEW).await.expect(403);
    let link = link_of(&admin, "Somebody").await;
    let support = Visitor::of_role(&service, "sue@example.com", "support").await;
    for path in [STAFF, &link] {
        support.get(path).await.expect(403);
        support.post(path, &[("role", "admin")]).await.expect(403);
    }
    support.post("/console/staff/tokens", &[("name", "x"), ("scope", "read")]).await.expect(403);
    assert!(!support.page("/console/").await.contains("href=\"/console/staff\""));
    assert!(admin.page("/console/").await.contains("href=\"/console/staff\""));
}
