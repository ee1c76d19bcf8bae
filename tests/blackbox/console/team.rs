//! What pages show for the whole team, set by hand.

use serde_json::json;

use super::visitor::{MARKUP, Visitor};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(what_is_saved_is_shown_on_journeys_and_in_the_form);

const TEAM: &str = "/console/team";

async fn what_is_saved_is_shown_on_journeys_and_in_the_form(home: Home) {
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let events = json!([
        { "userId": "u", "type": "order_placed", "payload": { "total": 12, "id": "o-7" } },
        { "userId": "u", "type": "noise" },
    ]);
    service.post(&events).await.expect(202);
    assert!(!admin.page("/console/users/u").await.contains("Paid <b>12</b> for <b>o-7</b>"));

    let fields = [
        ("sentences", "order_placed = Paid {total} for {id}\r\n"),
        ("hiddenTypes", "noise\r\n"),
        ("pinnedKeys", "order_placed = total, id"),
    ];
    let page = admin.done(TEAM, &fields).await;
    assert!(page.contains("It is saved."), "{page}");
    assert!(page.contains(">order_placed = Paid {total} for {id}\n</textarea>"), "{page}");
    assert!(page.contains(">noise\n</textarea>"), "{page}");
    let journey = admin.page("/console/users/u").await;
    assert!(journey.contains("Paid <b>12</b> for <b>o-7</b>"), "{journey}");
    let kept = service.get("/api/team").await.expect(200).json();
    assert_eq!(kept["pinnedKeys"]["order_placed"], json!(["total", "id"]));
    assert_eq!(kept["asksForReason"], false);
    assert!(admin.page("/console/audit").await.contains("Changed what pages show"));

    let page = admin.done(TEAM, &[("asksForReason", "true")]).await;
    assert!(page.contains("value=\"true\" aria-describedby=\"reason-hint\" checked"), "{page}");
    let kept = service.get("/api/team").await.expect(200).json();
    assert_eq!(kept["sentences"], json!({}), "what is taken out of the text is gone");
    assert!(
        !admin.page("/console/users/u").await.contains("Paid <b>12</b> for <b>o-7</b>"),
        "it asks why"
    );
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field_and_nothing_is_changed() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let open = format!("a = fine\nb = open {{\nno type\n{MARKUP} = }}");
    let fields = [("sentences", &*open), ("pinnedKeys", "a = 1, 2, 3, 4"), ("hiddenTypes", "x")];
    let page = admin.post(TEAM, &fields).await.expect(400).text();
    for told in ["“b” opens a brace", "Line 3 has no “=”", "“a” must have at most 3 keys"]
    {
        assert!(page.contains(told), "{told} is missing: {page}");
    }
    assert!(!page.contains(MARKUP), "markup is not escaped");
    assert!(page.contains("a = fine\nb = open {"), "what was typed stays");
    let kept = service.get("/api/team").await.expect(200).json();
    assert_eq!(kept["hiddenTypes"], json!([]));

    let many: String = (0..501).map(|number| format!("type_{number}\n")).collect();
    let page = admin.post(TEAM, &[("hiddenTypes", &*many)]).await.expect(400).text();
    assert!(page.contains("It must have at most 500."), "{page}");
    let large = "x".repeat(200_000);
    admin.post(TEAM, &[("hiddenTypes", &*large)]).await.expect(413);
    admin.post(TEAM, &[("colour", "red")]).await.expect(400);
}

#[tokio::test]
async fn it_is_for_administrators_and_for_no_page_of_another_site() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    admin.post_from_elsewhere(TEAM, &[("hiddenTypes", "x")]).await.expect(403);
    let support = Visitor::of_role(&service, "support@example.com", "support").await;
    support.get(TEAM).await.expect(403);
    support.post(TEAM, &[("hiddenTypes", "x")]).await.expect(403);
    let kept = service.get("/api/team").await.expect(200).json();
    assert_eq!(kept["hiddenTypes"], json!([]));
}
