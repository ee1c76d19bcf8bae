//! Made, listed and revoked by administrators.

use serde_json::{Value, json};

use super::{assert_problem, listed, make, make_with, post, post_without, revoke, try_to_make};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    a_key_is_shown_once_taken_at_once_and_refused_once_revoked,
    a_key_that_has_ended_is_refused_and_one_is_needed_until_it_is_revoked,
    keys_of_the_settings_are_listed_and_not_revocable_here,
);

async fn a_key_is_shown_once_taken_at_once_and_refused_once_revoked(home: Home) {
    let service = Service::start(&home).await;
    assert!(listed(&service).await.is_empty());
    post_without(&service).await.expect(202);

    let body = json!({ "name": "shop", "origins": ["https://shop.example"] });
    let made = try_to_make(&service, &body).await.expect(201).json();
    let (key, id) = (made["key"].as_str().expect("a key"), made["id"].as_str().expect("an id"));
    assert!(key.starts_with("wk_") && key.len() == 46, "{key}");
    assert_eq!(made["source"], "store");
    assert!(made["createdBy"].is_string() && made["expiresAt"].is_null(), "{made}");
    post(&service, key).await.expect(202);
    assert_problem(&post_without(&service).await, 401, "write-key-required");
    post(&service, &format!("{key}x")).await.problem(401);

    let keys = eventually("the last use is told", SOON, || async {
        let keys = listed(&service).await;
        keys[0]["lastUsedAt"].is_string().then_some(keys)
    })
    .await;
    let mut expected = made.clone();
    expected.as_object_mut().expect("an object").remove("key");
    expected["lastUsedAt"] = keys[0]["lastUsedAt"].clone();
    assert_eq!(keys, [expected]);
    assert_eq!(keys[0]["hint"], key[key.len() - 4..]);

    assert_problem(&try_to_make(&service, &body).await, 409, "name-taken");
    let other = make(&service, "app").await;
    revoke(&service, id).await.expect(204);
    post(&service, key).await.problem(401);
    post(&service, &other.key).await.expect(202);
    revoke(&service, id).await.problem(404);
    revoke(&service, "shop").await.problem(404);
    revoke(&service, &other.id).await.expect(204);
    post_without(&service).await.expect(202);

    let trail = eventually("the trail has all of it", SOON, || async {
        let trail = service.get("/api/audit?limit=100").await.expect(200).json();
        let entries = trail["entries"].as_array().expect("entries").clone();
        let of_keys = |entry: &Value| {
            let action = entry["action"].as_str()?;
            let what = action.strip_prefix("write-key.")?;
            Some(format!("{what} {}", entry["subject"].as_str()?))
        };
        let entries: Vec<_> = entries.iter().filter_map(of_keys).collect();
        (entries.len() == 4).then_some(entries)
    })
    .await;
    assert_eq!(trail, ["revoke app", "revoke shop", "create app", "create shop"]);
    assert!(!service.log().contains(key), "the key is in the log");
}

async fn a_key_that_has_ended_is_refused_and_one_is_needed_until_it_is_revoked(home: Home) {
    let service = Service::start(&home).await;
    let end = time_in_millis(1_500);
    let made = make_with(&service, &json!({ "name": "campaign", "expiresAt": end })).await;
    post(&service, &made.key).await.expect(202);
    eventually("the key has ended", SOON, || async {
        (post(&service, &made.key).await.status == 401).then_some(())
    })
    .await;
    post_without(&service).await.problem(401);
    let keys = listed(&service).await;
    assert_eq!((keys.len(), &keys[0]["expired"]), (1, &json!(true)));
    service.crash().await;
    let service = Service::start(&home).await;
    post_without(&service).await.problem(401);
    post(&service, &made.key).await.problem(401);
    revoke(&service, &made.id).await.expect(204);
    post_without(&service).await.expect(202);
}

fn time_in_millis(millis: i64) -> String {
    trailkeep_event::Timestamp::now().plus_millis(millis).to_string()
}

async fn keys_of_the_settings_are_listed_and_not_revocable_here(home: Home) {
    let keys = [("ACCESS_WRITE_KEYS", "app:wk-0123456789-app1")];
    let service = Service::start_with(&home, &keys).await;
    let made = make(&service, "shop").await;
    assert_problem(&try_to_make(&service, &json!({ "name": "app" })).await, 409, "name-taken");
    let keys = listed(&service).await;
    let told: Vec<_> = keys.iter().map(|key| (&key["name"], &key["source"])).collect();
    let expected = [("app", "settings"), ("shop", "store")].map(|(a, b)| (json!(a), json!(b)));
    assert_eq!(told, expected.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>());
    assert!(!Value::from(keys.clone()).to_string().contains("0123456789"));

    let id = keys[0]["id"].as_str().expect("an id");
    let refused = revoke(&service, id).await;
    assert_problem(&refused, 409, "write-key-of-settings");
    assert!(refused.text().contains("access.write_keys"), "{}", refused.text());
    revoke(&service, "settings:other").await.problem(404);
    for key in ["wk-0123456789-app1", &made.key] {
        post(&service, key).await.expect(202);
    }
    revoke(&service, &made.id).await.expect(204);
    post_without(&service).await.problem(401);
    let metrics = service.get("/metrics").await.expect(200).text();
    assert!(metrics.contains("\ntrailkeep_write_keys "), "{metrics}");
}

#[tokio::test]
async fn what_is_wrong_about_a_write_key_is_named() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let many: Vec<_> = (0..101).map(|number| format!("https://{number}.example")).collect();
    for (body, field) in [
        (json!({}), "name"),
        (json!({ "name": "a b" }), "name"),
        (json!({ "name": "x".repeat(65) }), "name"),
        (json!({ "name": "x", "origins": ["null"] }), "origins[0]"),
        (json!({ "name": "x", "origins": ["https://a.example", "*"] }), "origins[1]"),
        (json!({ "name": "x", "origins": ["https://a.example:443"] }), "origins[0]"),
        (json!({ "name": "x", "origins": many }), "origins"),
        (json!({ "name": "x", "expiresAt": "2020-01-01T00:00:00Z" }), "expiresAt"),
        (json!({ "name": "x", "expiresAt": "tomorrow" }), "expiresAt"),
    ] {
        assert_eq!(try_to_make(&service, &body).await.only_fault().field, field, "{body}");
    }
    for body in [json!({ "name": "x", "key": "mine" }), json!({ "name": 7 }), json!([])] {
        try_to_make(&service, &body).await.problem(400);
    }
    let long = json!({ "name": "x", "origins": ["https://a.example".repeat(1_000)] });
    try_to_make(&service, &long).await.problem(413);
    assert!(listed(&service).await.is_empty());
    post_without(&service).await.expect(202);
}

#[tokio::test]
async fn shares_and_rates_hold_for_keys_of_the_store_by_their_names() {
    let server = crate::mongod::Mongod::start();
    let home = Home::on(&server);
    let settings = [("BACKLOG_MAX_SHARE_PER_KEY", "10")];
    let service = Service::start_with(&home, &settings).await;
    let (shop, app) = (make(&service, "shop").await, make(&service, "app").await);
    server.pause();
    let post = async |key: &str, ids| {
        let events = crate::sample::events("u", "e", ids);
        let request = service.request(reqwest::Method::POST, "/events").json(&events);
        service.send_as_it_is(request.bearer_auth(key)).await
    };
    post(&shop.key, 0..500).await.expect(202);
    assert_problem(&post(&shop.key, 500..501).await, 429, "over-share");
    post(&app.key, 500..501).await.expect(202);
    let metrics = service.get("/metrics").await.expect(200).text();
    let series = "trailkeep_requests_over_share_by_key_total{key=\"shop\"} 1";
    assert!(metrics.contains(series), "{metrics}");
    server.resume();

    let home = Home::embedded();
    let service = Service::start_with(&home, &[("ACCESS_EVENTS_PER_KEY", "1")]).await;
    let (shop, app) = (make(&service, "shop").await, make(&service, "app").await);
    let mut last = 202;
    for _ in 0..20 {
        last = super::post(&service, &shop.key).await.status;
        if last != 202 {
            break;
        }
    }
    assert_eq!(last, 429);
    super::post(&service, &app.key).await.expect(202);
}
