//! GET /accounts/sample.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{event, store};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    without_accounts_a_sample_is_empty,
    a_sample_is_of_accounts_that_have_events_each_once,
);

const NOON: &str = "2025-12-15T12:00:00.000Z";

async fn sample(service: &Service, query: &str) -> Vec<String> {
    let path = format!("/accounts/sample{query}");
    let ids = service.get(&path).await.expect(200).json()["accountIds"].take();
    serde_json::from_value(ids).expect("accountIds is a list of strings")
}

async fn without_accounts_a_sample_is_empty(home: Home) {
    let service = Service::start(&home).await;
    assert_eq!(sample(&service, "").await, [""; 0]);
    let event = json!({ "userId": "u", "type": "search" });
    store(&service, &event).await;
    assert_eq!(sample(&service, "").await, [""; 0]);
}

async fn a_sample_is_of_accounts_that_have_events_each_once(home: Home) {
    let service = Service::start(&home).await;
    let all: BTreeSet<String> = (0..30).map(|number| format!("acct-{number:02}")).collect();
    let events: Value = all
        .iter()
        .flat_map(|account| [(account, 1), (account, 2)])
        .map(|(account, number)| event(account, "u", &format!("{account}-{number}"), NOON))
        .collect();
    store(&service, &events).await;

    let mut firsts = BTreeSet::new();
    for _ in 0..20 {
        for (query, count) in [("", 10), ("?limit=1", 1), ("?limit=29", 29), ("?limit=100", 30)] {
            let sample = sample(&service, query).await;
            assert_eq!(sample.len(), count, "{query}");
            let distinct: BTreeSet<_> = sample.iter().cloned().collect();
            assert_eq!(distinct.len(), count, "{query}: {sample:?}");
            assert!(distinct.is_subset(&all), "{sample:?}");
            firsts.extend(sample.first().cloned());
        }
    }
    assert!(firsts.len() > 5, "always from the same place: {firsts:?}");
}
