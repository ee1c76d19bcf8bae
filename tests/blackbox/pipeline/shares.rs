//! One account, or one write key, cannot fill the buffer for all.

use reqwest::Method;
use serde_json::Value;

use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

const BY_ACCOUNT: &str = "trailkeep_requests_over_share_by_account_total";

fn of_account(account: &str, mut events: Value) -> Value {
    for event in events.as_array_mut().expect("a list") {
        event["accountId"] = account.into();
    }
    events
}

/// The value of one series in `/metrics`; `None` if there is no such series.
async fn metric(service: &Service, series: &str) -> Option<u64> {
    let text = service.get("/metrics").await.expect(200).text();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(value.parse().expect("a count"))
}

fn assert_over_share(answer: &Answer, whose: &str) {
    let problem = answer.problem(429);
    assert_eq!(problem["type"], "urn:trailkeep:problem:over-share");
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.starts_with(whose), "{detail}");
    let pause: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&pause), "{pause}");
}

#[tokio::test]
async fn a_whale_fills_its_share_of_a_stopped_databases_buffer_and_others_go_on() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start(&home).await;
    let whale = |ids| of_account("whale", sample::events("w", "w", ids));
    let minnow = |ids| of_account("minnow", sample::events("m", "m", ids));
    server.pause();
    for batch in 0..40 {
        service.post(&whale(batch * 100..(batch + 1) * 100)).await.expect(202);
    }

    assert_over_share(&service.post(&whale(4000..4100)).await, "Account \"whale\"");
    assert_over_share(&service.post(&whale(4000..4001)).await, "Account \"whale\"");
    let mut mixed = minnow(0..10);
    let more = whale(4000..4001);
    mixed.as_array_mut().expect("a list").extend(more.as_array().expect("a list").iter().cloned());
    assert_over_share(&service.post(&mixed).await, "Account \"whale\"");
    assert_eq!(service.buffered().await, 4000, "all or nothing");
    // Sent again: only the store knows that, and it is away.
    assert_over_share(&service.post(&whale(0..100)).await, "Account \"whale\"");
    service.post(&minnow(0..500)).await.expect(202);
    service.post(&sample::events("n", "n", 0..500)).await.expect(202);
    assert_eq!(service.buffered().await, 5000);
    service.post(&minnow(500..501)).await.problem(503);

    assert_eq!(metric(&service, &format!("{BY_ACCOUNT}{{account=\"whale\"}}")).await, Some(4));
    assert_eq!(metric(&service, &format!("{BY_ACCOUNT}{{account=\"other\"}}")).await, Some(0));
    let refused = service.stats().await["refused"].take();
    assert_eq!((&refused["overShare"], &refused["bufferFull"]), (&4.into(), &1.into()));

    server.resume();
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 5000);
    service.post(&whale(4000..5000)).await.expect(202);
    service.wait_until_flushed().await;
    assert_eq!(service.export_ids("w").await, sample::ids("w", 0..5000));
}

#[tokio::test]
async fn a_share_holds_for_each_write_key() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let keys = "shop:wk-0123456789-shop,app:wk-0123456789-app1";
    let settings = [("ACCESS_WRITE_KEYS", keys), ("BACKLOG_MAX_SHARE_PER_KEY", "50")];
    let service = Service::start_with(&home, &settings).await;
    let post = async |key: &str, user: &str, ids| {
        let events = sample::events(user, "e", ids);
        let request = service.request(Method::POST, "/events").json(&events);
        service.send_as_it_is(request.bearer_auth(key)).await
    };
    let (shop, app) = ("wk-0123456789-shop", "wk-0123456789-app1");
    server.pause();
    for batch in 0..25 {
        let ids = batch * 100..(batch + 1) * 100;
        post(shop, "s", ids).await.expect(202);
    }
    assert_over_share(&post(shop, "s", 2500..2501).await, "This write key");
    post(app, "a", 0..1000).await.expect(202);
    let series = "trailkeep_requests_over_share_by_key_total{key=\"shop\"}";
    assert_eq!(metric(&service, series).await, Some(1));

    server.resume();
    service.wait_until_flushed().await;
    post(shop, "s", 2500..2600).await.expect(202);
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 3600);
}

#[tokio::test]
async fn what_a_crash_leaves_counts_for_its_account() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start(&home).await;
    server.pause();
    let whale = |ids| of_account("whale", sample::events("w", "w", ids));
    for batch in 0..4 {
        service.post(&whale(batch * 1000..(batch + 1) * 1000)).await.expect(202);
    }
    service.crash().await;

    let service = Service::start_unready(&home, &[]).await;
    // What is read back is counted: a moment after the port is open.
    let refused = eventually("the whale is over its share", SOON, || async {
        let answer = service.post(&whale(4000..4001)).await;
        (answer.status != 202).then_some(answer)
    })
    .await;
    assert_over_share(&refused, "Account \"whale\"");
    service.post(&sample::event("n", "n")).await.expect(202);
    server.resume();
    service.wait_until_ready().await;
    service.admin().await;
    service.wait_until_flushed().await;
    service.post(&whale(4000..4001)).await.expect(202);
}

#[tokio::test]
async fn a_batch_that_is_larger_than_a_share_is_to_be_sent_in_parts() {
    let home = Home::embedded();
    let settings = [("BACKLOG_MAX_EVENTS", "1000"), ("BACKLOG_MAX_SHARE_PER_ACCOUNT", "30")];
    let service = Service::start_with(&home, &settings).await;
    let batch = |ids| of_account("whale", sample::events("w", "w", ids));
    let problem = service.post(&batch(0..301)).await.problem(413);
    assert_eq!(problem["type"], "urn:trailkeep:problem:larger-than-share");
    service.post(&batch(0..300)).await.expect(202);
    let stats = service.stats().await;
    assert_eq!(stats["refused"]["tooLarge"], 1);
}

#[tokio::test]
async fn however_many_accounts_are_refused_the_series_stay_few() {
    let home = Home::embedded();
    let settings = [
        ("BACKLOG_MAX_EVENTS", "1000"),
        ("BACKLOG_MAX_SHARE_PER_ACCOUNT", "1"),
        ("WRITE_MAX_WAIT_MS", "60000"),
    ];
    let service = Service::start_with(&home, &settings).await;
    let account = |number: usize| format!("\"{number}\\");
    for number in 0..40 {
        let name = account(number);
        let full = of_account(&name, sample::events(&name, "e", 0..10));
        service.post(&full).await.expect(202);
        let further = of_account(&name, sample::events(&name, "e", 10..11));
        assert_over_share(&service.post(&further).await, &format!("Account \"{name}\""));
    }
    let text = service.get("/metrics").await.expect(200).text();
    let series = text.lines().filter(|line| line.starts_with(BY_ACCOUNT));
    assert_eq!(series.count(), 21, "{text}");
    let first = format!("{BY_ACCOUNT}{{account=\"\\\"0\\\\\"}}");
    assert_eq!(metric(&service, &first).await, Some(1));
    let other = format!("{BY_ACCOUNT}{{account=\"other\"}}");
    assert_eq!(metric(&service, &other).await, Some(20));
}
