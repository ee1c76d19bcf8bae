//! Who gets in: the first account, signing in and out, and whoever is nobody.

use reqwest::Method;

use super::visitor::{Visitor, between};
use crate::home::Home;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD};

on_both_stores!(
    the_first_account_is_made_on_a_page_and_signed_in,
    nobody_sees_a_page_before_they_sign_in_and_then_they_are_where_they_were,
);

async fn the_first_account_is_made_on_a_page_and_signed_in(home: Home) {
    let service = Service::start_unready(&home, &[]).await;
    service.wait_until_ready().await;
    let code = service.set_up_code().await.expect("a code");
    let mut somebody = Visitor::stranger(&service);
    for (from, to) in [
        ("/", "/console/"),
        ("/console/", "/console/sign-in"),
        ("/console/sign-in", "/console/set-up"),
    ] {
        assert_eq!(somebody.get(from).await.expect(303).header("location"), to);
    }
    let page = somebody.page(&format!("/console/set-up?code={code}")).await;
    assert!(page.contains(&format!("value=\"{code}\"")), "the link brings it along: {page}");

    let form = [("code", "wrong"), ("name", "Jo <b>"), ("email", ADMIN), ("password", PASSWORD)];
    let refused = somebody.post("/console/set-up", &form).await.expect(403).text();
    assert!(refused.contains("Jo &#60;b&#62;"), "what was typed is still there: {refused}");
    let kept = format!("value=\"{PASSWORD}\"");
    assert!(!refused.contains(&kept), "{refused}");
    let form = [("code", &*code), ("name", "Jo <b>"), ("email", ADMIN), ("password", PASSWORD)];
    let made = somebody.post("/console/set-up", &form).await.expect(303);
    assert_eq!(made.header("location"), "/console/connect");
    somebody.take_cookie(&made);
    let connect = somebody.page("/console/connect").await;
    assert!(connect.contains("Connect your site"), "{connect}");
    // It is there only while there is no account.
    let gone = somebody.get("/console/set-up").await.expect(303);
    assert_eq!(gone.header("location"), "/console/sign-in");
}

async fn nobody_sees_a_page_before_they_sign_in_and_then_they_are_where_they_were(home: Home) {
    let service = Service::start(&home).await;
    service.admin().await;
    let mut somebody = Visitor::stranger(&service);
    let led = somebody.get("/console/users/ann?type=search").await.expect(303);
    let gate = somebody.page(led.header("location")).await;
    assert!(gate.contains(r#"name="back" value="/console/users/ann?type=search""#), "{gate}");

    let wrong = [("email", ADMIN), ("password", "another"), ("back", "/console/")];
    let refused = somebody.post("/console/sign-in", &wrong).await.expect(422).text();
    assert!(refused.contains("do not fit together"), "{refused}");
    assert!(refused.contains(ADMIN), "the address is still there: {refused}");
    // Nobody is sent elsewhere.
    let form = [("email", ADMIN), ("password", PASSWORD), ("back", "//evil.example/")];
    let entered = somebody.post("/console/sign-in", &form).await.expect(303);
    assert_eq!(entered.header("location"), "/console/");
    let form = [("email", ADMIN), ("password", PASSWORD), ("back", "/console/users/ann?type=a")];
    let entered = somebody.post("/console/sign-in", &form).await.expect(303);
    assert_eq!(entered.header("location"), "/console/users/ann?type=a");
    somebody.take_cookie(&entered);
    somebody.page("/console/").await;

    somebody.post("/console/sign-out", &[]).await.expect(303);
    somebody.get("/console/").await.expect(303);
}

#[tokio::test]
async fn pages_allow_nothing_from_elsewhere_and_take_no_form_of_another_site() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let page = admin.get("/console/").await.expect(200);
    let policy = page.header("content-security-policy");
    for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(page.header("cache-control"), "no-store");
    let html = page.text();
    let own = html.replace("http://www.w3.org/2000/svg", "");
    for never in [" style=", " onclick", "<script>", "http://", "https://"] {
        assert!(!own.contains(never), "{never}: {own}");
    }
    let refused = admin.post_from_elsewhere("/console/sign-out", &[]).await.expect(403);
    assert!(refused.text().contains("To the console"), "{}", refused.text());
    admin.page("/console/").await;

    // What a page needs comes under a name of its own, for good, compressed.
    let style = between(&html, "rel=\"stylesheet\" href=\"", "\"").expect("a stylesheet");
    let request = service.request(Method::GET, style).header("accept-encoding", "gzip");
    let style = service.send_as_it_is(request).await.expect(200);
    assert_eq!(style.header("content-encoding"), "gzip");
    assert!(style.header("cache-control").contains("immutable"));
    let other = service.request(Method::GET, "/console/assets/console.000000000000.css");
    service.send_as_it_is(other).await.expect(404);
}

#[tokio::test]
async fn colours_are_kept_and_lead_back() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let form = [("theme", "dark"), ("back", "/console/users/ann")];
    let kept = admin.post("/console/preferences", &form).await.expect(303);
    assert_eq!(kept.header("location"), "/console/users/ann");
    assert!(kept.header("set-cookie").starts_with("tk-theme=dark; Path=/console;"));
    admin.post("/console/preferences", &[("theme", "pink")]).await.expect(400);
}
