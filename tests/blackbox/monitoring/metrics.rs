//! GET /metrics, in Prometheus' text format.

use std::collections::{HashMap, HashSet};

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::journal::USUAL_SEGMENT;
use crate::sample;
use crate::service::Service;

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '_' | ':'))
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
}

/// `name="value",...`, with quotes, backslashes and line ends escaped.
fn assert_labels(mut labels: &str) {
    while !labels.is_empty() {
        let (name, rest) = labels.split_once("=\"").expect("a label's value");
        assert!(is_name(name), "{name}");
        let mut escaped = false;
        let end = rest
            .find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })
            .expect("a closing quote");
        labels = rest[end + 1..].trim_start_matches(',');
    }
}

/// The samples by name and labels.
fn parse(text: &str) -> HashMap<String, f64> {
    let mut typed = HashSet::new();
    let mut samples = HashMap::new();
    assert!(text.ends_with('\n'));
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (keyword, name) = (words.next(), words.next().expect("a name"));
            assert!(is_name(name), "{line}");
            if keyword == Some("TYPE") {
                let kind = words.next().expect("a type");
                let kinds = ["counter", "gauge", "histogram", "summary", "untyped"];
                assert!(kinds.contains(&kind), "{line}");
                assert!(typed.insert(name.to_owned()), "typed twice: {line}");
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        assert!(is_name(name), "{line}");
        assert_labels(labels.strip_suffix('}').expect("a closing brace"));
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix).filter(|n| typed.contains(*n)))
            .unwrap_or(name);
        assert!(typed.contains(family), "no type for {line}");
        let value = value.replace("Inf", "inf").parse().expect("a number");
        assert!(samples.insert(series.to_owned(), value).is_none(), "{line}");
    }
    samples
}

#[tokio::test]
async fn metrics_are_prometheus_text_and_count_the_events() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::events("u", "e", 0..30)).await.expect(202);
    service.wait_until_flushed().await;
    service.post(&sample::events("u", "e", 0..7)).await.expect(202);
    service.wait_until_flushed().await;

    let answer = service.get("/metrics").await.expect(200);

    assert!(answer.header("content-type").starts_with("text/plain"));
    let samples = parse(&answer.text());
    for (count, word) in [(37.0, "accepted"), (30.0, "stored"), (7.0, "duplicate")] {
        let told = samples.iter().any(|(name, value)| name.contains(word) && *value == count);
        assert!(told, "{word} {count} is not in {}", answer.text());
    }
}

#[tokio::test]
async fn metrics_tell_the_build_the_journal_and_the_disk() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::event("u", "e")).await.expect(202);
    let samples = eventually("the disk was asked", SOON, || async {
        let samples = parse(&service.get("/metrics").await.expect(200).text());
        (samples["trailkeep_journal_segments"] > 0.0).then_some(samples)
    })
    .await;
    assert!(samples["trailkeep_journal_bytes"] >= USUAL_SEGMENT as f64);
    assert!(samples["trailkeep_disk_free_bytes"] > 0.0);
    let mut builds = samples.iter().filter(|(name, _)| name.starts_with("trailkeep_build_info{"));
    let (name, value) = builds.next().expect("a build");
    assert_eq!(*value, 1.0);
    assert!(name.contains(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"")), "{name}");
    assert!(name.contains("commit=\""), "{name}");
}

#[tokio::test]
async fn no_user_nor_path_becomes_a_label() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for number in 0..20 {
        let user = format!("somebody-{number}");
        service.post(&sample::event(&user, "e")).await.expect(202);
        service.journey(&user, "").await;
        service.get(&format!("/nowhere-{number}")).await.expect(404);
    }
    let text = service.get("/metrics").await.expect(200).text();
    assert!(!text.contains("somebody") && !text.contains("nowhere"));
}
