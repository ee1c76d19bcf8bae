//! A reload in the midst of everything: a flood, a kill, an outage, a stop, and another reload.

use std::time::Duration;

use serde_json::json;

use super::{FILE, READ_AGAIN, Told, hang_up, reload, reload_with, start, told, write};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::load::{Load, assert_kept};
use crate::mongod::Mongod;
use crate::sample;
use crate::service::{Service, http_client};

on_both_stores!(
    a_reload_in_a_flood_of_posts_loses_nothing_that_was_accepted,
    a_kill_right_after_a_reload_loses_nothing_and_the_next_start_has_the_new_settings,
    fifty_hang_ups_in_a_row_end_with_the_last_file,
    a_hang_up_while_it_stops_ends_nothing_early,
);

/// The events of the flood are of a type that is always taken; all else changes.
fn file(round: usize) -> String {
    format!(
        "[events]\ntypes = [\"type-{round}\"]\nmax_payload_bytes = {}\n\
         [http]\nallowed_origins = [\"https://{round}.example\"]\nmax_body_bytes = {}\n\
         [access]\nevents_per_client = {}\n[live]\nmax_streams = {round}\n\
         [log]\nlevel = \"{}\"\n",
        1024 + round,
        (1 + round % 9) << 20,
        [0, 100_000][round % 2],
        ["info", "debug"][round % 2],
    )
}

async fn a_reload_in_a_flood_of_posts_loses_nothing_that_was_accepted(home: Home) {
    let service = start(&home, "").await;
    let load = Load::start(&service, 8);
    load.wait_for_more(100).await;
    for round in 1..=10 {
        hang_up(&home, &service, &file(round)).await;
        load.wait_for_more(50).await;
        let told = reload(&home, &file(round + 100));
        assert!(told.starts_with("changed: "), "{told}");
        load.wait_for_more(50).await;
    }
    let accepted = load.stop().await;
    assert!(accepted.values().all(|ids| !ids.is_empty()), "each has gone on");
    assert_kept(&service, &accepted).await;
    service.wait_until_flushed().await;
    assert_kept(&service, &accepted).await;
    assert_eq!(service.terminate().await.code, Some(0));
}

async fn a_kill_right_after_a_reload_loses_nothing_and_the_next_start_has_the_new_settings(
    home: Home,
) {
    let service = start(&home, "").await;
    let load = Load::start(&service, 4);
    load.wait_for_more(200).await;
    assert_eq!(reload(&home, "[events]\ntypes = [\"visit\"]\n"), "changed: events.types\n");
    service.crash().await;
    let accepted = load.stop().await;

    let service = Service::start_with_flags(&home, &["--config", FILE], &[]).await;
    assert_kept(&service, &accepted).await;
    service.post(&json!({ "userId": "u", "type": "buy" })).await.problem(400);
    service.post(&json!({ "userId": "u", "type": "visit" })).await.expect(202);
    assert_eq!(reload_with(&home, &[]).out, "nothing differs from what is in force\n");
}

async fn fifty_hang_ups_in_a_row_end_with_the_last_file(home: Home) {
    let service = start(&home, "").await;
    let load = Load::start(&service, 2);
    for round in 1..=50 {
        write(&home, &file(round));
        service.signal("HUP");
    }
    write(&home, "[events]\ntypes = [\"visit\"]\n");
    service.signal("HUP");
    eventually("the last file is in force", SOON, || async {
        let buy = service.post(&json!({ "userId": "u", "type": "type-50" })).await;
        let visit = service.post(&json!({ "userId": "u", "type": "visit" })).await;
        (buy.status == 400 && visit.status == 202).then_some(())
    })
    .await;
    let accepted = load.stop().await;
    assert_kept(&service, &accepted).await;
    assert!(!service.log().contains("\"level\":\"ERROR\""), "{}", service.log());
    assert_eq!(reload_with(&home, &[]).out, "nothing differs from what is in force\n");
    assert_eq!(service.terminate().await.code, Some(0));
}

async fn a_hang_up_while_it_stops_ends_nothing_early(home: Home) {
    let service = start(&home, "[write]\nmax_wait_ms = 60000\n").await;
    service.post(&sample::events("u", "e", 0..37)).await.expect(202);
    service.signal("TERM");
    eventually("it stops", SOON, || {
        std::future::ready(service.log().contains("stopping").then_some(()))
    })
    .await;
    // It may have gone already.
    let _ = std::process::Command::new("kill").args(["-HUP", &service.pid().to_string()]).status();
    let ended = service.wait(Duration::from_secs(30)).await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(home.stored().await, 37);
}

#[tokio::test]
async fn a_reload_while_the_database_is_away_is_in_force_at_once() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = start(&home, "").await;
    // It knows its write keys, of which there are none.
    service.post(&sample::event("u", "before")).await.expect(202);
    server.kill();
    eventually("the database is known to be away", SOON, || async {
        (service.get("/health").await.status == 503).then_some(())
    })
    .await;

    let started = std::time::Instant::now();
    let keys = "[events]\ntypes = [\"visit\"]\n[http]\nwait_timeout_ms = 50\n\
                [access]\nwrite_keys = [\"shop:wk-9f8e7d6c5b4a3210\"]\n";
    let changed = "changed: http.wait_timeout_ms, access.write_keys, events.types\n";
    assert_eq!(reload(&home, keys), changed);
    assert!(started.elapsed() < Duration::from_secs(4), "it waited for something");
    service.post(&json!({ "userId": "u", "type": "visit" })).await.problem(401);
    let post = async |kind: &str| {
        let event = json!({ "userId": "u", "eventId": kind, "type": kind });
        let request = service.request(reqwest::Method::POST, "/events?wait=stored").json(&event);
        service.send(request.header("x-write-key", "wk-9f8e7d6c5b4a3210")).await
    };
    post("buy").await.problem(400);
    assert_eq!(post("visit").await.problem(504)["eventIds"], json!(["visit"]));

    hang_up(&home, &service, "").await;
    service.post(&json!({ "userId": "u", "eventId": "buy", "type": "buy" })).await.expect(202);
    assert!(told(&service).iter().all(|line| line.contains(READ_AGAIN)));
    drop(service);
}

/// With a file that another process writes meanwhile, each reload sees one or the other.
#[tokio::test]
async fn reloads_by_all_ways_at_once_come_one_after_the_other() {
    let home = Home::embedded();
    let service = start(&home, "").await;
    write(&home, "[events]\ntypes = [\"visit\"]\n");
    let http = http_client(8);
    let session = service.admin().await.to_owned();
    let asks = (0..8).map(|_| {
        let request = http.post(service.url("/api/reload")).bearer_auth(&session);
        tokio::spawn(async move {
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 200);
            let told: serde_json::Value = answer.json().await.expect("JSON");
            told["changed"].as_array().expect("a list").len()
        })
    });
    let asks: Vec<_> = asks.collect();
    service.signal("HUP");
    let Told { code, .. } = reload_with(&home, &[]);
    assert_eq!(code, Some(0));
    let mut changes = 0;
    for ask in asks {
        changes += ask.await.expect("an answer");
    }
    let lines = eventually("all are told", SOON, || {
        let lines = told(&service);
        std::future::ready((lines.len() == 10).then_some(lines))
    })
    .await;
    let by = lines.iter().filter(|line| line.contains("\"changed\":\"events.types\"")).count();
    assert_eq!(by, 1, "one has changed it: {lines:?}");
    assert!(changes <= 1, "{changes}");
}
