//! What a summary says.

use reqwest::Method;
use serde_json::{Value, json};

use super::{event, store};
use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    a_summary_counts_by_type_and_by_user,
    both_ends_of_a_range_are_included_whatever_their_offset,
    windows_end_at_the_moment_of_counting,
    a_summary_is_the_same_until_it_is_counted_anew,
    a_stale_summary_is_answered_and_counted_anew_behind_it,
    ids_of_accounts_may_hold_anything_that_a_path_can_encode,
);

const NOON: &str = "2025-12-15T12:00:00.000Z";
const DAY: &str = "from=2025-12-15T00:00:00Z&to=2025-12-15T23:59:59.999Z";

async fn summary(service: &Service, account: &str, query: &str) -> Value {
    let path = format!("/accounts/{account}/summary?{query}");
    service.get(&path).await.expect(200).json()
}

/// Two users of `acme`, and somebody else's event.
fn visit() -> Value {
    let mut events = vec![
        event("acme", "ann", "1", NOON),
        event("acme", "ann", "2", NOON),
        event("acme", "ben", "3", NOON),
        event("acme", "cid", "4", NOON),
        event("other", "ann", "5", NOON),
        json!({ "userId": "ann", "eventId": "6", "type": "search", "occurredAt": NOON }),
    ];
    events[1]["type"] = "purchase".into();
    events.into()
}

async fn a_summary_counts_by_type_and_by_user(home: Home) {
    let service = Service::start(&home).await;
    store(&service, &visit()).await;
    let mut camel = summary(&service, "acme", DAY).await;
    let computed_at = camel["computedAt"].take();
    assert!(computed_at.as_str().expect("a time").ends_with('Z'));
    let expected = json!({
        "accountId": "acme", "window": "custom",
        "from": "2025-12-15T00:00:00.000Z", "to": "2025-12-15T23:59:59.999Z",
        "total": 4, "totals": { "page_view": 3, "purchase": 1 },
        "topUsers": [
            { "userId": "ann", "events": 2 },
            { "userId": "ben", "events": 1 },
            { "userId": "cid", "events": 1 },
        ],
        "uniqueUsers": 3, "computedAt": null,
    });
    assert_eq!(camel, expected);

    let snake = summary(&service, "acme", &format!("{DAY}&case=snake")).await;
    let expected = json!({
        "account_id": "acme", "window": "custom",
        "from": "2025-12-15T00:00:00.000Z", "to": "2025-12-15T23:59:59.999Z",
        "total": 4, "totals": { "page_view": 3, "purchase": 1 },
        "top_users": [
            { "user_id": "ann", "events": 2 },
            { "user_id": "ben", "events": 1 },
            { "user_id": "cid", "events": 1 },
        ],
        "unique_users": 3, "computed_at": computed_at,
    });
    assert_eq!(snake, expected, "the same count in another spelling");

    let top = summary(&service, "acme", &format!("{DAY}&top=1")).await;
    assert_eq!(top["topUsers"], json!([{ "userId": "ann", "events": 2 }]));
    assert_eq!(top["uniqueUsers"], 3);
    let nobody = summary(&service, "nobody", DAY).await;
    assert_eq!((&nobody["total"], &nobody["uniqueUsers"]), (&json!(0), &json!(0)));
    assert_eq!((&nobody["totals"], &nobody["topUsers"]), (&json!({}), &json!([])));
}

async fn both_ends_of_a_range_are_included_whatever_their_offset(home: Home) {
    let service = Service::start(&home).await;
    let events: Value = ["11:59:59.999", "12:00:00.000", "12:00:00.001"]
        .iter()
        .map(|time| event("a", "u", time, &format!("2025-12-15T{time}Z")))
        .collect();
    store(&service, &events).await;
    for (from, to, total) in [
        ("12:00:00Z", "12:00:00Z", 1),
        ("13:00:00%2B01:00", "12:00:00Z", 1),
        ("17:29:59.999%2B05:30", "08:00:00-04:00", 2),
        ("06:30:00.001-05:30", "23:59:59-12:00", 1),
        ("11:59:59.999Z", "21:00:00.001%2B09:00", 3),
        ("12:00:00.002Z", "12:00:00.002Z", 0),
    ] {
        let range = format!("from=2025-12-15T{from}&to=2025-12-15T{to}");
        let summary = summary(&service, "a", &range).await;
        assert_eq!(summary["total"], total, "{range}");
    }
}

async fn windows_end_at_the_moment_of_counting(home: Home) {
    let service = Service::start(&home).await;
    let now = chrono::Utc::now();
    let ago = |hours| (now - chrono::Duration::hours(hours)).to_rfc3339();
    let events: Value = [-2, 1, 23, 25, 167, 169]
        .iter()
        .map(|hours| event("a", "u", &hours.to_string(), &ago(*hours)))
        .collect();
    store(&service, &events).await;
    for (query, window, total, hours) in [
        ("", "last_24h", 2, 24),
        ("window=last_24h", "last_24h", 2, 24),
        ("window=last_7d", "last_7d", 4, 7 * 24),
    ] {
        let summary = summary(&service, "a", query).await;
        assert_eq!(summary["window"], window);
        assert_eq!(summary["total"], total, "{query}");
        assert_eq!(summary["to"], summary["computedAt"]);
        let time = |field: &str| -> chrono::DateTime<chrono::Utc> {
            let text = summary[field].as_str().expect(field);
            text.parse().expect("a time")
        };
        assert_eq!(time("to") - time("from"), chrono::Duration::hours(hours));
    }
}

async fn a_summary_is_the_same_until_it_is_counted_anew(home: Home) {
    let service = Service::start(&home).await;
    store(&service, &visit()).await;
    let ask = async |known: Option<&str>| -> Answer {
        let path = format!("/accounts/acme/summary?{DAY}");
        let mut request = service.request(Method::GET, &path);
        if let Some(known) = known {
            request = request.header("if-none-match", known);
        }
        service.send(request).await
    };
    let first = ask(None).await.expect(200);
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
    let control = first.header("cache-control");
    let seconds = control.strip_prefix("private, max-age=");
    let seconds: u64 = seconds.expect("private").parse().expect("a number");
    assert!((1..=60).contains(&seconds), "{control}");
    assert_eq!(first.header("vary"), "Authorization, Cookie");

    store(&service, &json!([event("acme", "new", "7", NOON)])).await;
    let again = ask(Some("\"another\"")).await.expect(200);
    assert_eq!(again.body, first.body);
    let same = ask(Some(&tag)).await.expect(304);
    assert!(same.body.is_empty());
    assert_eq!(same.header("etag"), tag);
    assert!(same.header("cache-control").starts_with("private"));
}

async fn a_stale_summary_is_answered_and_counted_anew_behind_it(home: Home) {
    let service = Service::start_with(&home, &[("ACCOUNTS_FRESH_MS", "0")]).await;
    store(&service, &visit()).await;
    let total = async || summary(&service, "acme", DAY).await["total"].clone();
    assert_eq!(total().await, 4);
    store(&service, &json!([event("acme", "new", "7", NOON)])).await;
    assert_eq!(total().await, 4, "the one that is there, at once");
    eventually("it is counted anew", SOON, || async { (total().await == 5).then_some(()) }).await;
}

async fn ids_of_accounts_may_hold_anything_that_a_path_can_encode(home: Home) {
    let service = Service::start(&home).await;
    let accounts = [
        ("sample", "sample"),
        ("a/b", "a%2Fb"),
        ("アカウント", "%E3%82%A2%E3%82%AB%E3%82%A6%E3%83%B3%E3%83%88"),
        ("100%", "100%25"),
        ("$ne", "$ne"),
    ];
    let events: Value =
        accounts.iter().map(|(account, _)| event(account, "u", account, NOON)).collect();
    store(&service, &events).await;
    for (account, path) in accounts {
        let summary = summary(&service, path, DAY).await;
        assert_eq!(summary["accountId"], account);
        assert_eq!(summary["total"], 1, "{account}");
    }
}
