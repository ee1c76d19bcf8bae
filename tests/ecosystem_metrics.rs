//! What the files in `ecosystem/` ask Prometheus for is what the service has:
//! a metric that is renamed must not leave a silent alert behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use prometheus::proto::MetricType;
use trailkeep::monitoring::statistics::{RefusedBecause, Statistics};
use trailkeep::processing::{Metrics, View};
use trailkeep_store::processing::ProcessedState;

const FILES: [(&str, &str); 2] = [
    ("ecosystem/prometheus/alerts.yml", include_str!("../ecosystem/prometheus/alerts.yml")),
    ("ecosystem/grafana/trailkeep.json", include_str!("../ecosystem/grafana/trailkeep.json")),
];

#[test]
fn alerts_and_dashboard_use_only_metrics_that_exist() {
    let known = series();
    for (file, text) in FILES {
        let used = metrics_in(text);
        assert!(!used.is_empty(), "{file} uses no metric");
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "{file} uses {unknown:?}");
    }
}

#[test]
fn alerts_name_only_reasons_that_exist() {
    let known: BTreeSet<&str> = RefusedBecause::ALL.iter().map(|r| r.name()).collect();
    let (_, alerts) = FILES[0];
    let mut found = 0;
    for matcher in alerts.split("reason=~\"").skip(1) {
        let reasons = matcher.split('"').next().unwrap();
        for reason in reasons.split('|') {
            assert!(known.contains(reason), "there is no reason {reason:?}");
            found += 1;
        }
    }
    assert!(found > 0, "no alert looks at a reason");
}

#[test]
fn alerts_name_only_outcomes_that_exist() {
    let known = ProcessedState::ALL.map(ProcessedState::word);
    let (_, alerts) = FILES[0];
    let states = alerts.split("state=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let states: BTreeSet<&str> = states.collect();
    assert!(!states.is_empty(), "no alert looks at an outcome");
    for state in states {
        assert!(known.contains(&state), "there is no outcome {state:?}");
    }
}

#[test]
fn the_dashboard_is_json() {
    let (_, dashboard) = FILES[1];
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    assert!(!dashboard["panels"].as_array().unwrap().is_empty());
}

/// The names under which Prometheus keeps what `/metrics` says where there is a
/// processor.
fn series() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let registry = Statistics::new().unwrap().registry;
    View::new("default", &Metrics::new(&registry).unwrap());
    for family in registry.gather() {
        let name = family.name();
        if family.get_field_type() == MetricType::HISTOGRAM {
            names.extend(["bucket", "sum", "count"].map(|part| format!("{name}_{part}")));
        } else {
            names.insert(name.to_owned());
        }
    }
    names
}

/// All words in a text that are formed as our metrics are.
fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("trailkeep_"))
        .map(str::to_owned)
        .collect()
}
