//! Summaries with a series: the events of each hour or day.

use serde_json::{Value, json};

use super::{event, store};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    a_series_has_every_hour_or_day_and_adds_up_to_the_totals,
    a_series_of_a_named_window_ends_with_the_hour_of_counting,
);

/// Four events in three hours of two days, one of them another's.
fn visits() -> Value {
    let mut events = vec![
        event("acme", "ann", "1", "2025-12-14T23:59:59.999Z"),
        event("acme", "ann", "2", "2025-12-15T00:00:00.000Z"),
        event("acme", "ben", "3", "2025-12-15T01:59:59.999Z"),
        event("acme", "ben", "4", "2025-12-15T03:10:00.000+02:00"),
        event("other", "ann", "5", "2025-12-15T00:30:00.000Z"),
    ];
    events[2]["type"] = "purchase".into();
    events.into()
}

async fn summary(service: &Service, query: &str) -> Value {
    let path = format!("/accounts/acme/summary?{query}");
    service.get(&path).await.expect(200).json()
}

/// A series added up, by type.
fn together(series: &Value) -> Value {
    let mut totals = serde_json::Map::new();
    for bucket in series.as_array().expect("a series") {
        for (kind, events) in bucket["totals"].as_object().expect("totals") {
            let so_far = totals.get(kind).and_then(Value::as_u64).unwrap_or(0);
            let events = events.as_u64().expect("a number");
            totals.insert(kind.clone(), json!(so_far + events));
        }
    }
    totals.into()
}

async fn a_series_has_every_hour_or_day_and_adds_up_to_the_totals(home: Home) {
    let service = Service::start(&home).await;
    store(&service, &visits()).await;
    let range = "from=2025-12-14T22:30:00Z&to=2025-12-15T02:00:00Z";

    let by_hour = summary(&service, &format!("{range}&bucket=hour")).await;
    let expected = json!([
        { "at": "2025-12-14T22:00:00.000Z", "totals": {} },
        { "at": "2025-12-14T23:00:00.000Z", "totals": { "page_view": 1 } },
        { "at": "2025-12-15T00:00:00.000Z", "totals": { "page_view": 1 } },
        { "at": "2025-12-15T01:00:00.000Z", "totals": { "page_view": 1, "purchase": 1 } },
        { "at": "2025-12-15T02:00:00.000Z", "totals": {} },
    ]);
    assert_eq!(by_hour["series"], expected);
    let by_day = summary(&service, &format!("{range}&bucket=day")).await;
    let expected = json!([
        { "at": "2025-12-14T00:00:00.000Z", "totals": { "page_view": 1 } },
        { "at": "2025-12-15T00:00:00.000Z", "totals": { "page_view": 2, "purchase": 1 } },
    ]);
    assert_eq!(by_day["series"], expected);

    let without = summary(&service, range).await;
    assert!(without.get("series").is_none(), "{without}");
    for with in [&by_hour, &by_day] {
        assert_eq!(together(&with["series"]), without["totals"]);
        for field in ["total", "totals", "topUsers", "uniqueUsers"] {
            assert_eq!(with[field], without[field], "{field}");
        }
    }
    let snake = summary(&service, &format!("{range}&bucket=hour&case=snake")).await;
    assert_eq!(snake["series"], by_hour["series"]);
    assert_eq!(snake["unique_users"], by_hour["uniqueUsers"]);
}

async fn a_series_of_a_named_window_ends_with_the_hour_of_counting(home: Home) {
    let service = Service::start(&home).await;
    for (query, most) in [("bucket=hour", 25), ("window=last_7d&bucket=day", 8)] {
        let summary = summary(&service, query).await;
        let series = summary["series"].as_array().expect("a series");
        // One less where it is a full hour, or midnight, to the millisecond.
        assert!((most - 1..=most).contains(&series.len()), "{query}: {}", series.len());
        let last = series.last().expect("a bucket")["at"].as_str().expect("a time");
        let to = summary["to"].as_str().expect("a time");
        assert!(last <= to && last[..10] == to[..10], "{last} and {to}");
    }
}

#[tokio::test]
async fn what_is_too_long_for_a_series_is_refused_with_what_to_do() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let ask = async |bucket: &str, to: &str| {
        let query = format!("from=2024-01-01T00:00:00Z&to={to}&bucket={bucket}");
        service.get(&format!("/accounts/acme/summary?{query}")).await
    };
    for (bucket, longest, too_long, advice) in [
        ("hour", "2024-02-01T00:00:00Z", "2024-02-01T00:00:00.001Z", "bucket=day"),
        ("day", "2025-01-01T00:00:00Z", "2025-01-01T00:00:00.001Z", "a shorter time"),
    ] {
        let summary = ask(bucket, longest).await.expect(200).json();
        let buckets = summary["series"].as_array().expect("a series").len();
        assert_eq!(buckets, if bucket == "hour" { 31 * 24 + 1 } else { 366 + 1 });
        let fault = ask(bucket, too_long).await.only_fault();
        assert_eq!(fault.field, "bucket");
        assert!(fault.message.contains(advice), "{}", fault.message);
    }
}
