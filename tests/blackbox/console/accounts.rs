//! The page of a business account.

use serde_json::{Value, json};

use super::reader::{assert_has, page, page_for};
use super::visitor::MARKUP;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    what_an_accounts_users_did_is_told_by_type_and_by_user,
    newest_events_are_paged_and_lead_to_their_place_in_a_journey,
    what_strangers_send_of_an_account_stays_text,
    an_account_that_nobody_named_is_told_as_one,
);

fn event(user: &str, id: &str, kind: &str) -> Value {
    json!({ "accountId": "acme", "userId": user, "eventId": id, "type": kind })
}

async fn store(service: &Service, events: Vec<Value>) {
    service.post_to("/events?wait=stored", &events.into()).await.expect(200);
}

async fn what_an_accounts_users_did_is_told_by_type_and_by_user(home: Home) {
    let service = Service::start(&home).await;
    let mut events: Vec<Value> =
        (0..6).map(|n| event("ann", &format!("a-{n}"), "page_view")).collect();
    events.push(event("ben", "b-1", "checkout_abandoned"));
    events.push(event("ben", "b-2", "payment_failed"));
    store(&service, events).await;

    let day = page(&service, "/console/accounts/acme").await;
    assert_has(
        &day,
        &[
            "<h1>acme</h1>",
            "<dt>Events</dt><dd>8</dd><dd>in the last 24 hours</dd>",
            "<dt>Users</dt><dd>2</dd>",
            "<dt>Errors</dt><dd class=\"bad\">1</dd>",
            "<h2 id=\"by-type\">Events an hour, by type</h2>",
            "Page view 6</li>",
            "8 events, 6 of them Page view; most in the hour",
            "<a href=\"/console/users/ann\">ann</a>",
            "<td class=\"num muted\">75%</td><td class=\"num\">6</td>",
            "<td class=\"num muted\">25%</td><td class=\"num\">2</td>",
            "aria-current=\"true\">24 hours</a>",
        ],
    );
    assert!(!day.contains("More of the"), "all are named: {day}");
    assert!(!day.contains("style="), "{day}");
    let week = page(&service, "/console/accounts/acme?window=last_7d&top=1").await;
    assert_has(
        &week,
        &["Events a day, by type", "in the last 7 days", "More of the 2 users", "top=100"],
    );
    eventually("who looked is noted", SOON, || async {
        let trail = service.get("/api/audit?subject=acme").await.expect(200).json();
        let entries = trail["entries"].as_array().expect("entries").clone();
        entries.into_iter().find(|entry| entry["action"] == "account-events.read")
    })
    .await;
}

async fn newest_events_are_paged_and_lead_to_their_place_in_a_journey(home: Home) {
    let service = Service::start(&home).await;
    let events = (0..60).map(|n| {
        let mut event = event("ann", &format!("e-{n:02}"), "page_view");
        event["payload"] = json!({ "path": format!("/page-{n:02}") });
        event["occurredAt"] = format!("2025-12-15T10:00:{n:02}.000Z").into();
        event
    });
    service.post(&events.collect::<Vec<_>>().into()).await.expect(202);

    let first = page(&service, "/console/accounts/acme").await;
    assert_eq!(first.matches("<li class=\"event").count(), 50);
    assert_has(
        &first,
        &[
            "href=\"/console/users/ann?around=e-59\"",
            "Viewed <b>/page-59</b>",
            "<span>by <b>ann</b></span>",
            "Monday <span>15 December",
            "href=\"/console/users/ann?around=e-10\"",
        ],
    );
    let (_, older) = first.split_once("?window=last_24h&#38;cursor=").expect("older events");
    let (cursor, _) = older.split_once('#').expect("the place of the events");
    let path = format!("/console/accounts/acme?window=last_24h&cursor={cursor}");
    let rest = page(&service, &path).await;
    assert_eq!(rest.matches("<li class=\"event").count(), 10);
    assert_has(&rest, &["around=e-09", "around=e-00", "Newest events</a>"]);
    assert!(!rest.contains("Older events</a>"), "{rest}");
    let user = page(&service, "/console/users/ann?around=e-10").await;
    assert_has(&user, &["/page-10"]);
}

async fn what_strangers_send_of_an_account_stays_text(home: Home) {
    let service = Service::start(&home).await;
    let account = format!("{MARKUP}/\u{202e}\"?#");
    let event = json!({
        "accountId": account, "userId": MARKUP, "eventId": MARKUP, "type": MARKUP,
        "payload": { MARKUP: MARKUP, "path": "javascript:alert(1)" },
    });
    store(&service, vec![event]).await;
    let path: String = account.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let page = page(&service, &format!("/console/accounts/{path}")).await;
    assert!(!page.contains("<img") && !page.contains("href=\"javascript"), "{page}");
    assert_has(&page, &["<h1>&#60;img src=x onerror=alert(1)&#62;/", "<dt>Events</dt><dd>1</dd>"]);
}

async fn an_account_that_nobody_named_is_told_as_one(home: Home) {
    let service = Service::start(&home).await;
    let nobody = page(&service, "/console/accounts/nobody").await;
    assert_has(
        &nobody,
        &["No event that is kept names this account", "No user of this account", "No events."],
    );
    let session = service.admin().await;
    for query in ["window=last_year", "top=0", "cursor=x", "from=2025-12-15T10:00:00Z"] {
        let path = format!("/console/accounts/acme?{query}");
        let answer = page_for(&service, session, &path).await.expect(400);
        let name = query.split('=').next().expect("a name");
        assert_has(&answer.text(), &[&format!("<code>{name}</code>")]);
    }
}
