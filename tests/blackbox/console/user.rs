//! A user's page: who it is, and what they did.

use serde_json::{Value, json};

use super::visitor::{MARKUP, Visitor};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    a_user_is_found_by_a_name_and_read_in_sentences,
    a_journey_is_filtered_opened_paged_and_taken_along,
    whatever_a_tracker_sends_stays_text,
    a_reason_is_noted_with_each_look_at_that_user_alone,
);

fn event(user: &str, id: u32, kind: &str, payload: Value) -> Value {
    json!({
        "userId": user, "eventId": format!("e-{id}"), "type": kind, "payload": payload,
        "sessionId": "s-1",
        "occurredAt": format!("2025-12-15T10:{:02}:{:02}.000Z", id / 60, id % 60),
    })
}

async fn a_user_is_found_by_a_name_and_read_in_sentences(home: Home) {
    let service = Service::start(&home).await;
    let traits = json!({"traits": {"name": "Ann Lee", "email": "ann@example.com", "plan": "pro"}});
    let mut first = event("ann", 1, "identify", traits);
    first["anonymousId"] = "browser-7".into();
    let before = json!({"anonymousId": "browser-7", "type": "search", "payload": {"query": "socks"},
        "occurredAt": "2025-12-15T09:00:00.000Z"});
    let view = event("ann", 2, "page_view", json!({"url": "https://shop.example/pricing?x=1"}));
    let failed = event("ann", 3, "payment_failed", json!({"error": "card_declined"}));
    service.post(&json!([before, first, view, failed])).await.expect(202);

    let admin = Visitor::admin(&service).await;
    let hits = admin.page("/console/?q=lee&fragment=true").await;
    assert!(hits.contains(r#"href="/console/users/ann""#), "{hits}");
    assert!(hits.contains("Ann <mark>Lee</mark>"), "{hits}");
    assert!(!hits.contains("<html"), "a fragment: {hits}");
    // Her address is hers alone, so it leads to her.
    let led = admin.get("/console/?q=ann@example.com").await.expect(303);
    let page = admin.page(led.header("location")).await;
    for part in [
        "<h1>Ann Lee</h1>",
        "ann@example.com",
        "Viewed <b>/pricing</b>",
        "Payment failed: <b>card_declined</b>",
        "Searched for <b>socks</b>",
        "Known as ann from here on",
        "1 anonymous",
        "<dt>Plan</dt><dd>pro</dd>",
        "Times in UTC",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let activity = admin.page("/console/users/ann/activity").await;
    assert!(activity.contains("of the last 30 days"), "{activity}");
    // Without scripts it comes with the page.
    let counted = admin.page("/console/users/ann?activity=true").await;
    assert!(
        counted.contains("of the last 30 days") && counted.contains("<h1>Ann Lee"),
        "{counted}"
    );
    let unknown = admin.get("/console/users/bob").await.expect(404).text();
    assert!(unknown.contains("Nothing is known of “bob”"), "{unknown}");
    let ticket = admin.page("/console/users/ann/ticket").await;
    assert!(ticket.starts_with("Ann Lee, ann@example.com, user ann\n"), "{ticket}");
    assert!(ticket.contains("Last error: Payment failed: card_declined"), "{ticket}");
    // An id that is linked says whose it is.
    let visitor = admin.page("/console/users/browser-7").await;
    assert!(visitor.contains("this is ann"), "{visitor}");
}

fn rows(page: &str) -> usize {
    page.matches("class=\"row\"").count()
}

async fn a_journey_is_filtered_opened_paged_and_taken_along(home: Home) {
    let service = Service::start(&home).await;
    let kinds = ["page_view", "search"];
    let events: Vec<Value> = (0..150)
        .map(|id| {
            let kind = kinds[usize::from(id % 3 == 0)];
            event("ann", id, kind, json!({"path": format!("/p{id}"), "query": format!("q{id}")}))
        })
        .collect();
    service.post(&json!(events)).await.expect(202);
    let admin = Visitor::admin(&service).await;
    let page = admin.page("/console/users/ann").await;
    assert_eq!(rows(&page), 100);
    let (_, older) = page.split_once("href=\"/console/users/ann?cursor=").expect("a way on");
    let cursor = older.split('"').next().expect("a cursor");
    let older = admin.page(&format!("/console/users/ann?fragment=true&cursor={cursor}")).await;
    assert_eq!(rows(&older), 50);
    assert!(older.contains("There is nothing older") && !older.contains("<html"), "{older}");

    let searches = admin.page("/console/users/ann?type=search").await;
    assert_eq!(rows(&searches), 50);
    let hidden = admin.page("/console/users/ann?hide=search").await;
    assert!(
        hidden.contains("33 × search hidden") || hidden.contains("34 × search hidden"),
        "{hidden}"
    );
    let found = admin.page("/console/users/ann?text=Q149").await;
    assert_eq!(rows(&found), 1);
    let none = admin.page("/console/users/ann?text=nowhere").await;
    assert!(none.contains("None of those that are loaded"), "{none}");
    let day = admin.page("/console/users/ann?day=2025-12-14").await;
    assert!(day.contains("There are none on that day or before it"), "{day}");
    let around = admin.page("/console/users/ann?around=e-10&open=e-10").await;
    assert!(around.contains("<code>e-10</code>") && around.contains("/p10"), "{around}");
    let opened = admin.page("/console/users/ann/event?id=e-10").await;
    assert!(opened.contains("<code>e-10</code>") && !opened.contains("/p11"), "{opened}");
    let csv = admin.get("/console/users/ann/journey.csv").await.expect(200);
    assert_eq!(csv.text().lines().count(), 151);
    assert!(csv.header("content-disposition").contains("journey.csv"));

    for (wrong, status) in [
        ("?day=today", 400),
        ("?cursor=x", 400),
        ("?no=such", 400),
        ("?around=nothing", 404),
        ("/event?id=nothing", 404),
        ("/event", 400),
    ] {
        let refused = admin.get(&format!("/console/users/ann{wrong}")).await;
        assert!(refused.text().contains("To the console"), "{wrong}: {}", refused.text());
        refused.expect(status);
    }
}

async fn whatever_a_tracker_sends_stays_text(home: Home) {
    let service = Service::start(&home).await;
    let traits = json!({"traits": {"name": MARKUP, MARKUP: MARKUP, "email": "a<b>@x.example"}});
    let payload = json!({
        "path": MARKUP, MARKUP: MARKUP, "nested": {MARKUP: [MARKUP]}, "url": "javascript:alert(1)",
    });
    let mut event = event(MARKUP, 1, MARKUP, payload.clone());
    event["accountId"] = MARKUP.into();
    event["sessionId"] = MARKUP.into();
    event["anonymousId"] = "<b>anon</b>".into();
    let mut view = event.clone();
    view["type"] = "page_view".into();
    view["eventId"] = MARKUP.into();
    let said = json!({"userId": MARKUP, "type": "identify", "payload": traits});
    service.post(&json!([event, view, said])).await.expect(202);
    let admin = Visitor::admin(&service).await;
    let user = "/console/users/%3Cimg%20src=x%20onerror=alert(1)%3E";
    let open = "%3Cimg%20src=x%20onerror=alert(1)%3E";
    for path in [
        user.to_owned(),
        format!("{user}?open={open}&type={open}&text={open}"),
        format!("{user}?hide={open}"),
        format!("{user}/event?id={open}"),
        format!("/console/?q={open}"),
        format!("/console/?q={open}&fragment=true"),
        format!("/console/users/{open}nobody"),
        format!("{user}?day={open}"),
        "/console/users/%3Cb%3Eanon%3C%2Fb%3E".to_owned(),
    ] {
        let page = admin.get(&path).await.text();
        assert!(!page.contains("<img") && !page.contains("<b>anon"), "{path}: {page}");
        assert!(!page.contains("href=\"javascript:"), "{path}: {page}");
    }
}

async fn a_reason_is_noted_with_each_look_at_that_user_alone(home: Home) {
    let service = Service::start(&home).await;
    let events =
        json!([event("ann", 1, "search", json!({})), event("bob", 1, "search", json!({}))]);
    service.post(&events).await.expect(202);
    let admin = Visitor::admin(&service).await;
    let kept = admin.post("/console/users/ann/reason", &[("reason", "SUP-4812 & more")]).await;
    let kept = kept.expect(303);
    let cookie = kept.header("set-cookie");
    assert!(cookie.contains("; Path=/console/users/ann;"), "with her pages alone: {cookie}");
    let mut with_reason = Visitor::admin(&service).await;
    with_reason.take_cookie_too(&kept);
    let page = with_reason.page("/console/users/ann").await;
    assert!(page.contains(r#"value="SUP-4812 &#38; more""#), "{page}");
    admin.page("/console/users/bob").await;
    let noted = eventually("the looks are noted", SOON, || async {
        let trail = service.get("/api/audit?limit=50").await.expect(200).json();
        let entries = trail["entries"].as_array()?;
        let looks = entries.iter().filter(|entry| entry["action"] == "journey.read");
        let looks: Vec<Value> = looks.cloned().collect();
        (looks.len() >= 3).then_some(looks)
    })
    .await;
    for entry in noted {
        let is_ann = entry["subject"] == "ann";
        let reason = if is_ann { json!("SUP-4812 & more") } else { Value::Null };
        assert_eq!(entry["reason"], reason, "{entry}");
    }
    let long = "r".repeat(201);
    admin.post("/console/users/ann/reason", &[("reason", &long)]).await.expect(400);
}

#[tokio::test]
async fn who_leaves_a_page_for_another_is_on_the_site_until_they_leave_that_too() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    let of = |kind: &str, path: &str| json!({ "userId": "ann", "type": kind, "payload": { "path": path } });
    // Browsers tell of a page that was left behind the view of the next.
    let moved = json!([of("page_view", "/a"), of("page_view", "/b"), of("page_leave", "/a")]);
    service.post(&moved).await.expect(202);
    let page = admin.page("/console/users/ann").await;
    assert!(page.contains("On the site now"), "{page}");

    service.post(&of("page_leave", "/b")).await.expect(202);
    let page = admin.page("/console/users/ann").await;
    assert!(!page.contains("On the site now"), "{page}");
}

#[tokio::test]
async fn the_end_of_a_journey_says_how_long_events_are_kept() {
    for (settings, end) in [
        (&[][..], "There is nothing older.<"),
        (
            &[("STORE_RETENTION_DAYS", "90")],
            "There is nothing older. Events are kept for 90 days.<",
        ),
    ] {
        let home = Home::embedded();
        let service = Service::start_with(&home, settings).await;
        service.post(&json!({"userId": "ann", "type": "search"})).await.expect(202);
        let admin = Visitor::admin(&service).await;
        let page = admin.page("/console/users/ann").await;
        assert!(page.contains(end), "{end} is not in {page}");
    }
}
